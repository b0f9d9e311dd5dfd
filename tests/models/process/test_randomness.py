from __future__ import annotations

import random

import numpy as np
import torch

from sweeps.models.process.randomness import OwnRandomness

CPU = torch.device("cpu")


def draw(randomness: OwnRandomness, count: int = 3) -> list[float]:
    with randomness:
        others = [np.random.normal(), np.random.rand(), random.gauss(0, 1), random.random()]
        return torch.rand(count).tolist() + others


def test_equal_seeds_give_equal_streams_and_others_do_not() -> None:
    assert draw(OwnRandomness(5, CPU)) == draw(OwnRandomness(5, CPU))
    assert draw(OwnRandomness(5, CPU)) != draw(OwnRandomness(6, CPU))


def test_a_stream_is_that_of_torch_seeded_alike() -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        expected = torch.rand(3).tolist()
    assert draw(OwnRandomness(5, CPU))[:3] == expected


def test_interleaved_streams_continue_as_if_alone() -> None:
    alone = OwnRandomness(1, CPU)
    expected = draw(alone) + draw(alone)
    first, second = OwnRandomness(1, CPU), OwnRandomness(2, CPU)
    got = draw(first)
    draw(second)
    assert got + draw(first) == expected


def test_the_process_keeps_its_own_stream() -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        expected = torch.rand(2).tolist()
        torch.manual_seed(0)
        first = torch.rand(1).tolist()
        draw(OwnRandomness(1, CPU))
        assert first + torch.rand(1).tolist() == expected


def test_an_error_inside_leaves_the_process_its_stream() -> None:
    before = torch.get_rng_state()
    try:
        with OwnRandomness(1, CPU):
            torch.rand(1)
            raise KeyError
    except KeyError:
        pass
    assert torch.equal(torch.get_rng_state(), before)


def test_a_stream_continues_from_its_tensors() -> None:
    alone = OwnRandomness(1, CPU)
    draw(alone)
    other = OwnRandomness(2, CPU)
    other.restore(alone.tensors())
    assert draw(other) == draw(alone)


def test_the_process_keeps_its_own_stream_of_numpy_and_python() -> None:
    before = random.getstate(), np.random.get_state()[1].tolist()
    draw(OwnRandomness(1, CPU))
    assert (random.getstate(), np.random.get_state()[1].tolist()) == before
