"""`method: cmaes` is Optuna's: asked of plain Optuna by as many workers, it proposes the same."""

from __future__ import annotations

import math
import statistics
from collections import deque
from dataclasses import replace
from itertools import islice
from types import SimpleNamespace
from typing import Any

import numpy as np
import optuna
import pytest
from optuna.distributions import BaseDistribution, FloatDistribution
from optuna.distributions import IntDistribution as Int
from optuna.samplers import CmaEsSampler as Optunas

from sweeps.search_methods.cmaes import CmaEsSampler, CmaEsSearch
from sweeps.search_methods.draws import draw_random
from sweeps.search_methods.optuna_trials import quiet
from sweeps.search_methods.sampler import State, Told
from sweeps.search_spaces.space import Space
from tests.sweeps.search_methods.cases import Case

SPACE = Space(
    {
        "dropout": {"float": [0.0, 0.5]},
        "lr": {"float": [1e-4, 1.0], "log": True},
        "units": {"int": [4, 64]},
    }
)
# As somebody would write them for Optuna, which orders parameters by name.
DISTRIBUTIONS: dict[str, BaseDistribution] = {
    "dropout": FloatDistribution(0.0, 0.5),
    "lr": FloatDistribution(1e-4, 1.0, log=True),
    "units": Int(4, 64),
}
STARTUP = 2
OPTIONS = CmaEsSearch(method="cmaes", trials=100, startup=STARTUP, popsize=4)


def loss(one: dict[str, Any]) -> float:
    """Least, 0, at lr 0.01, dropout 0.2 and 30 units."""
    off = (math.log10(one["lr"]) + 2) ** 2 + (one["units"] / 30 - 1) ** 2
    return off + 10 * (one["dropout"] - 0.2) ** 2


CASES = [Case(), Case(4), Case(9), Case(1, broken=(5,)), Case(3, broken=(7, 8), diverged=(6, 11))]


def searched(case: Case, options: CmaEsSearch = OPTIONS, *, keep: bool = True) -> list[Told]:
    """What this product proposes: the first at random, then one whenever a worker is free.

    Args:
        keep: Ask one sampler all the time, and not a new one each time, as after a resume.
    """
    first = [*islice(draw_random(SPACE, 1), STARTUP)]
    told = [Told(tuple(SPACE.values(one)), State.RUNNING) for one in first]
    sampler, running, ended = CmaEsSampler(SPACE, options), deque(range(STARTUP)), 0
    while len(told) < case.trials:
        if len(running) == case.workers or len(told) == STARTUP > ended:
            ended += 1
            _end(told, running.popleft(), ended, case)
            continue
        asked = sampler if keep else CmaEsSampler(SPACE, options)
        values = tuple(SPACE.values(next(asked.propose(told, len(told)))))
        running.append(len(told))
        told.append(Told(values, State.RUNNING, saw=ended))
    return told


def _end(told: list[Told], number: int, ended: int, case: Case) -> None:
    state = case.state(number)
    value = loss(_named(told[number])) if state is State.COMPLETE else math.nan
    told[number] = replace(told[number], state=state, loss=value, ended=ended)


def _named(one: Told) -> dict[str, Any]:
    return dict(zip(DISTRIBUTIONS, one.values, strict=True))


def searched_by_optuna(case: Case, first: list[Told]) -> list[dict[str, Any]]:
    """What plain Optuna proposes with the seeds that the product gives to each trial."""
    with quiet():
        study = optuna.create_study()
        running, found = deque[optuna.Trial](), list[dict[str, Any]]()
        for one in first:
            study.enqueue_trial(_named(one))
        while len(found) < case.trials:
            number = len(found)
            if len(running) == case.workers or number == STARTUP > len(study.get_trials()) - len(
                running
            ):
                case.tell(study, running.popleft(), lambda values: [loss(values)])
                continue
            study.sampler = _of_seed(number)
            trial = study.ask(DISTRIBUTIONS)
            running.append(trial)
            found.append(trial.params)
    return found


def _of_seed(number: int) -> Optunas:
    """Optuna adds a trial's number to its seed; the product's trials have seeds of their own."""
    sampler, of_seed = Optunas(n_startup_trials=STARTUP, popsize=4), np.random.RandomState(number)

    def randint(low: int, high: int) -> int:
        drawn = int(of_seed.randint(low, high))
        return drawn - number if high == 2**16 else drawn

    sampler._cma_rng = SimpleNamespace(rng=SimpleNamespace(randint=randint))  # type: ignore[assignment]
    return sampler


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_proposals_are_those_of_plain_optuna(case: Case) -> None:
    found = [_named(one) for one in searched(case)]
    first = [Told(tuple(one.values()), State.RUNNING) for one in found[:STARTUP]]
    assert [pytest.approx(one) for one in searched_by_optuna(case, first)] == found


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_sampler_that_knows_the_ledger_alone_proposes_as_one_that_was_there(case: Case) -> None:
    assert searched(case, keep=False) == searched(case)


@pytest.mark.parametrize(
    "options",
    [{}, {"use_separable_cma": True}, {"lr_adapt": True}],
)  # fmt: skip
def test_it_comes_near_to_the_least_of_a_quadratic(options: dict[str, Any]) -> None:
    section = CmaEsSearch(method="cmaes", trials=150, startup=2, **options)
    found = [loss(_named(one)) for one in searched(Case(trials=150), section)]
    assert statistics.median(found[-20:]) < 0.1 * statistics.median(found[:20])


def test_a_trial_that_is_tried_again_is_told_as_it_ended_then() -> None:
    told = searched(Case(trials=20, broken=(5,)))
    sampler = CmaEsSampler(SPACE, OPTIONS)
    next(sampler.propose(told, 20))
    again = replace(told[5], state=State.COMPLETE, loss=0.5, ended=20)
    told[5] = again
    assert next(sampler.propose(told, 20)) == next(CmaEsSampler(SPACE, OPTIONS).propose(told, 20))
