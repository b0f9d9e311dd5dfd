"""A stream of random numbers that belongs to one trial: torch's, numpy's and Python's.

Nets draw from global generators; each trial puts its own states there while it works and takes
them out again, so that no trial's numbers depend on what else runs in the process.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import Any, NamedTuple, Self

import numpy as np
import torch
from torch import Tensor

__all__ = ["OwnRandomness", "seed_generators", "seeded"]


class _States(NamedTuple):
    torch: dict[str, Tensor]  # by kind of device
    numpy: Any  # as of np.random.get_state(), with a list of words
    python: Any  # as of random.getstate()


def _of_numpy(generator: Any) -> tuple[Any, ...]:
    """Where a generator of numpy is: it is set to a list in 1 us, and to an array in 24."""
    name, words, *rest = generator.get_state()
    return (name, words.tolist(), *rest)


def seed_generators(seed: int) -> None:
    """Have the CPU's global generators follow from a seed, of 0 or above and up to 64 bits."""
    torch.default_generator.manual_seed(seed)
    np.random.seed(seed % 2**32)
    random.seed(seed)


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Have the CPU's global generators follow from a seed, and be afterwards where they were.

    Args:
        seed: 0 or above, of up to 64 bits.
    """
    outer = torch.get_rng_state(), np.random.get_state(), random.getstate()
    seed_generators(seed)
    try:
        yield
    finally:
        torch.set_rng_state(outer[0])
        np.random.set_state(outer[1])
        random.setstate(outer[2])


class OwnRandomness:
    """A context in which the global generators continue this trial's own stream.

    Those are torch's, and for user-defined nets `np.random`'s and `random`'s. A generator that
    a net makes itself, as by `np.random.default_rng()`, is its own affair.
    """

    def __init__(self, seed: int, device: torch.device, is_torchs_alone: bool = False) -> None:
        """Starts a stream.

        Args:
            seed: equal seeds give equal streams; any integer of up to 64 bits.
            device: whose generator is owned besides the CPU's.
            is_torchs_alone: nothing draws from numpy's and Python's, of which changing over takes
                0.2 ms an epoch.
        """
        self._device = device if device.type == "cuda" else None
        states = {"cpu": torch.Generator().manual_seed(seed).get_state()}
        if self._device is not None:
            states["cuda"] = torch.Generator(self._device).manual_seed(seed).get_state()
        self._is_torchs_alone = is_torchs_alone
        of_numpy = np.random.MT19937(np.random.SeedSequence(seed % 2**64))
        own = _of_numpy(np.random.RandomState(of_numpy))
        self._states = _States(states, own, random.Random(seed).getstate())
        self._outer: _States | None = None

    def tensors(self) -> dict[str, Tensor]:
        """Where the stream is, by name."""
        if self._is_torchs_alone:
            return self._states.torch
        _, words, position, has_gauss, gauss = self._states.numpy
        _, python_words, python_gauss = self._states.python
        gausses = [float(has_gauss), gauss, float(python_gauss is not None), python_gauss or 0.0]
        return {
            **self._states.torch,
            "numpy": torch.tensor([*words, position], dtype=torch.int64),
            "python": torch.tensor(python_words, dtype=torch.int64),
            # Normal numbers come in pairs: those of which the second is still to be drawn.
            "gauss": torch.tensor(gausses, dtype=torch.float64),
        }

    def restore(self, named: Mapping[str, Tensor]) -> None:
        """Continues where `tensors()` was taken.

        Raises:
            KeyError: a tensor is missing.
        """
        of_torch = {name: named[name] for name in self._states.torch}
        if self._is_torchs_alone:
            self._states = self._states._replace(torch=of_torch)
            return
        *words, position = named["numpy"].tolist()
        has_gauss, gauss, has_python_gauss, python_gauss = named["gauss"].tolist()
        self._states = _States(
            of_torch,
            ("MT19937", words, position, int(has_gauss), gauss),
            (3, tuple(named["python"].tolist()), python_gauss if has_python_gauss else None),
        )

    def rewind(self) -> None:
        """Goes back, inside the context, to where it was entered or last restored."""
        self._put(self._states)

    @contextmanager
    def again(self) -> Iterator[None]:
        """Draw from the same place each time: what is drawn inside is not counted."""
        outer = self._now()
        self._put(self._states)
        try:
            yield
        finally:
            self._put(outer)

    def __enter__(self) -> Self:
        self._outer = self._now()
        self._put(self._states)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        assert self._outer is not None
        self._states = self._now()
        self._put(self._outer)

    def _now(self) -> _States:
        states = {"cpu": torch.get_rng_state()}
        if self._device is not None:
            states["cuda"] = torch.cuda.get_rng_state(self._device)
        if self._is_torchs_alone:
            return self._states._replace(torch=states)
        return _States(states, _of_numpy(np.random), random.getstate())

    def _put(self, states: _States) -> None:
        torch.set_rng_state(states.torch["cpu"])
        if self._device is not None:
            torch.cuda.set_rng_state(states.torch["cuda"], self._device)
        if self._is_torchs_alone:
            return
        np.random.set_state(states.numpy)
        random.setstate(states.python)
