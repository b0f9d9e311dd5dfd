"""`method: nsga2` is Optuna's: asked of plain Optuna by as many workers, it proposes the same."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import replace
from itertools import islice
from typing import Any

import optuna
import pytest
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution
from optuna.distributions import IntDistribution as Int
from optuna.samplers import NSGAIISampler as Optunas

from sweeps.search_methods.draws import draw_random
from sweeps.search_methods.nsga2 import Nsga2Sampler, Nsga2Search
from sweeps.search_methods.optuna_trials import quiet
from sweeps.search_methods.sampler import State, Told
from sweeps.search_spaces.space import Space
from tests.sweeps.search_methods.cases import Case

SPACE = Space(
    {
        "kind": {"choice": ["relu", "tanh"]},
        "lr": {"float": [1e-4, 1.0], "log": True},
        "units": {"int": [4, 64]},
    }
)
# As somebody would write them for Optuna, which orders parameters by name.
DISTRIBUTIONS: dict[str, BaseDistribution] = {
    "kind": CategoricalDistribution([0, 1]),
    "lr": FloatDistribution(1e-4, 1.0, log=True),
    "units": Int(4, 64),
}
SIZE = 6
OPTIONS = Nsga2Search(method="nsga2", trials=100, population_size=SIZE)


def losses(one: dict[str, Any]) -> list[float]:
    """Low where the rate is 0.01 and there are many units, and where there are few units.

    Rounded, so that a child with its parent's rate has its parent's loss in both products.
    """
    off = (math.log10(one["lr"]) + 2) ** 2
    return [round(off + 1 - one["units"] / 64, 9), float(one["units"])]


CASES = [
    replace(one, trials=40)
    for one in (
        Case(), Case(4), Case(9), Case(1, broken=(2, 8)), Case(3, broken=(7,), diverged=(4, 11)),
    )
]  # fmt: skip


def searched(case: Case, *, keep: bool = True) -> list[Told]:
    """What this product proposes: the first at random, then one whenever a worker is free.

    Args:
        keep: Ask one sampler all the time, and not a new one each time, as after a resume.
    """
    first = [*islice(draw_random(SPACE, 1), SIZE)]
    told = [Told(tuple(SPACE.values(one)), State.RUNNING) for one in first]
    sampler, running, ended = Nsga2Sampler(SPACE, OPTIONS, 2), deque(range(SIZE)), 0
    while len(told) < case.trials:
        if len(running) >= case.workers:
            ended += 1
            _end(told, running.popleft(), ended, case)
            continue
        asked = sampler if keep else Nsga2Sampler(SPACE, OPTIONS, 2)
        values = tuple(SPACE.values(next(asked.propose(told, len(told)))))
        running.append(len(told))
        told.append(Told(values, State.RUNNING, saw=ended))
    return told


def _end(told: list[Told], number: int, ended: int, case: Case) -> None:
    state = case.state(number)
    one = replace(told[number], state=state, ended=ended)
    if state is State.COMPLETE:
        first, second = losses(_named(one))
        one = replace(one, loss=first, others=(second,))
    told[number] = one


def _named(one: Told) -> dict[str, Any]:
    return dict(zip(DISTRIBUTIONS, one.values, strict=True))


def searched_by_optuna(case: Case, first: list[Told]) -> list[dict[str, Any]]:
    """What plain Optuna proposes with the seeds that the product gives to each trial."""
    with quiet():
        study = optuna.create_study(directions=["minimize", "minimize"])
        running, found = deque[optuna.Trial](), list[dict[str, Any]]()
        while len(found) < case.trials:
            number = len(found)
            if number >= SIZE and len(running) >= case.workers:
                case.tell(study, running.popleft(), losses)
                continue
            study.sampler = _drawing(_named(first[number])) if number < SIZE else _of_seed(number)
            trial = study.ask(DISTRIBUTIONS)
            running.append(trial)
            found.append(trial.params)
    return found


def _drawing(values: dict[str, Any]) -> Optunas:
    """Return one whose random draws are given: the two products draw otherwise.

    No class of its own: Optuna notes generations by the name of the class.
    """
    sampler = Optunas(population_size=SIZE)
    sampler.sample_independent = lambda study, trial, name, of: values[name]  # type: ignore[method-assign]
    return sampler


def _of_seed(number: int) -> Optunas:
    return Optunas(population_size=SIZE, seed=number)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_proposals_are_those_of_plain_optuna(case: Case) -> None:
    found = [_named(one) for one in searched(case)]
    first = [Told(tuple(one.values()), State.RUNNING) for one in found[:SIZE]]
    assert [pytest.approx(one) for one in searched_by_optuna(case, first)] == found


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_sampler_that_knows_the_ledger_alone_proposes_as_one_that_was_there(case: Case) -> None:
    assert searched(case, keep=False) == searched(case)


def test_what_has_no_value_of_an_objective_is_no_parent() -> None:
    """Where all but two lack the second objective, children have the values of these two."""
    options = Nsga2Search(method="nsga2", trials=100, population_size=2, mutation_prob=0.0)
    rows = [(0.0, 0.1, 10.0), (1.0, 0.2, 20.0), (0.0, 0.3, 30.0), (1.0, 0.4, 40.0)]
    told = [
        Told(values, State.COMPLETE, 5.0 - at, 0, None, at + 1, (2.0 * at if at < 2 else math.inf,))
        for at, values in enumerate(rows)
    ]
    sampler = Nsga2Sampler(SPACE, options, 2)
    children = [next(sampler.propose(told, seed)) for seed in range(10)]
    assert {one["lr"] for one in children} == {0.1, 0.2}
