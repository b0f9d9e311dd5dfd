"""`method: gp` is Optuna's: asked of plain Optuna, the same proposals come out."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any
from unittest.mock import Mock

import optuna
import pytest
import torch
from optuna._gp import batched_lbfgsb
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution
from optuna.distributions import IntDistribution as Int
from optuna.samplers import GPSampler
from optuna.trial import TrialState, create_trial

from sweeps.search_methods.draws import draw_random
from sweeps.search_methods.gp import GpSampler
from sweeps.search_methods.sampler import State, Told
from sweeps.search_spaces.space import Space
from tests.evidence.searches import PROBLEMS

STARTUP = 6
SPACE = Space(
    {
        "lr": {"float": [1e-4, 1.0], "log": True},
        "units": {"int": [4, 64]},
        "act": {"choice": ["relu", "tanh", "gelu"]},
    }
)
BRANIN = PROBLEMS["branin, 8 idle"]
# By dimension, as somebody would write them for Optuna.
DISTRIBUTIONS: list[BaseDistribution] = [
    FloatDistribution(1e-4, 1.0, log=True),
    Int(4, 64),
    CategoricalDistribution([0, 1, 2]),
]
OPTUNAS = {
    State.RUNNING: TrialState.RUNNING,
    State.COMPLETE: TrialState.COMPLETE,
    State.FAILED: TrialState.FAIL,
}


def loss(configuration: dict[str, Any]) -> float:
    """Least, 0, at lr 0.01, 30 units and tanh."""
    off = (math.log10(configuration["lr"]) + 2) ** 2 + (configuration["units"] / 30 - 1) ** 2
    return off + (0 if configuration["act"] == "tanh" else 0.2)


def told_of(number: int, running: int = 0) -> list[Told]:
    """Trials as the sampler itself proposes them; the last ones still run."""
    told = list[Told]()
    for at in range(number):
        configuration = next(GpSampler(SPACE, STARTUP).propose(told, at))
        values = tuple(SPACE.values(configuration))
        told.append(Told(values, State.COMPLETE, loss(configuration)))
    ended = number - running
    return [*told[:ended], *(Told(one.values, State.RUNNING) for one in told[ended:])]


def asked_of_optuna(told: Sequence[Told], seed: int) -> list[float]:
    sampler = GPSampler(seed=seed, n_startup_trials=STARTUP, warn_independent_sampling=False)
    study = optuna.create_study(sampler=sampler)
    for one in told:
        study.add_trial(_trial(one))
    trial = study.ask()
    return [trial._suggest(str(at), one) for at, one in enumerate(DISTRIBUTIONS)]


def _trial(one: Told) -> Any:
    return create_trial(
        state=OPTUNAS[one.state],
        value=one.loss if one.state is State.COMPLETE else None,
        params={str(at): value for at, value in enumerate(one.values)},
        distributions={str(at): one for at, one in enumerate(DISTRIBUTIONS)},
    )


def proposed(told: Sequence[Told], seed: int) -> list[float | None]:
    return [*SPACE.values(next(GpSampler(SPACE, STARTUP).propose(told, seed)))]


@pytest.mark.parametrize(("number", "running"), [(0, 0), (4, 0), (9, 0), (16, 0), (16, 3)])
def test_the_same_results_give_the_proposals_of_plain_optuna(number: int, running: int) -> None:
    told = told_of(number, running)
    found = [proposed(told, seed) for seed in range(3)]
    assert found == [pytest.approx(asked_of_optuna(told, seed), rel=1e-6) for seed in range(3)]


def test_greenlet_makes_proposals_quicker_and_leaves_them_as_they_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pytest.importorskip("greenlet")
    imported = Mock(wraps=batched_lbfgsb._greenlet_imports)
    monkeypatch.setattr(batched_lbfgsb, "_greenlet_imports", imported)
    told = told_of(12)
    with_it = [proposed(told, seed) for seed in range(3)]
    assert imported.is_successful.called
    imported.is_successful.return_value = False
    assert [proposed(told, seed) for seed in range(3)] == with_it


def test_a_sampler_that_was_asked_before_proposes_as_one_that_was_not() -> None:
    told, before = told_of(12), GpSampler(SPACE, STARTUP)
    running = [Told(one.values, State.RUNNING) for one in told]
    for at in (7, 9, 11):
        next(before.propose([*told[:at], *running[at:]], at))
    assert [*islice(before.propose(told, 7), 2)] == [
        *islice(GpSampler(SPACE, STARTUP).propose(told, 7), 2)
    ]


def lrs(told: Sequence[Told], seeds: int) -> list[float]:
    return [float(proposed(told, seed)[0] or 0) for seed in range(seeds)]


def _bad_above(state: State) -> Callable[[Told], Told]:
    """What a diverged trial is told as: all with a rate above 0.01."""

    def told_as(one: Told) -> Told:
        bad = (one.values[0] or 0) > 1e-2
        return replace(one, state=state, loss=math.nan) if bad else one

    return told_as


def test_where_trials_diverged_it_goes_less_than_where_nothing_is_known() -> None:
    configurations = [
        {"lr": 10.0 ** (-4 + 4 * at / 15), "units": 30, "act": "tanh"} for at in range(16)
    ]
    # The lower the loss, the higher the rate: what did not end lies in the best direction.
    told = [
        Told(tuple(SPACE.values(one)), State.COMPLETE, -math.log10(one["lr"]))  # type: ignore[arg-type]
        for one in configurations
    ]
    failed = lrs([*map(_bad_above(State.FAILED), told)], 4)
    diverged = lrs([*map(_bad_above(State.WORST), told)], 4)
    assert min(failed) > 0.05
    assert max(diverged) < 0.05


def test_parameters_that_only_some_trials_have_are_learned() -> None:
    space = Space(
        {
            "lr": {"float": [1e-4, 1.0], "log": True},
            "net": {"choice": [{"kind": "mlp", "layers": {"int": [1, 9]}}, {"kind": "linear"}]},
        }
    )
    told = list[Told]()
    for at in range(20):
        configuration = next(GpSampler(space, STARTUP).propose(told, at))
        value = 1 / configuration["net"].get("layers", 1)
        told.append(Told(tuple(space.values(configuration)), State.COMPLETE, value))
    nets = [next(GpSampler(space, STARTUP).propose(told, seed))["net"] for seed in range(8)]
    assert min(net.get("layers", 0) for net in nets) >= 7


def drawn(number: int) -> list[Told]:
    """Trials at random in ten ranges, of which two move Branin's function."""
    space, curve = Space(BRANIN.space), BRANIN.curve
    return [
        Told(tuple(space.values(one)), State.COMPLETE, float(curve(one)[0]))
        for one in islice(draw_random(space, 1), number)
    ]


def test_a_proposal_is_the_same_with_any_number_of_threads() -> None:
    """With two, torch's own sums over 300 trials have other last bits, and so another point."""
    told, before, found = drawn(300), torch.get_num_threads(), []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        found.append(next(GpSampler(Space(BRANIN.space), STARTUP).propose(told, 1)))
        assert torch.get_num_threads() == threads
    torch.set_num_threads(before)
    assert found[0] == found[1]
