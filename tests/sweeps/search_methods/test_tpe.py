"""The product's TPE is Optuna's: asked of plain Optuna, the same proposals come out."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

import optuna
import pytest
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution
from optuna.distributions import IntDistribution as Int
from optuna.samplers import TPESampler
from optuna.trial import TrialState, create_trial

from sweeps.search_methods.sampler import State, Told
from sweeps.search_methods.tpe import TpeSampler
from sweeps.search_spaces.space import Space

SPACE = Space(
    {
        "lr": {"float": [1e-4, 1.0], "log": True},
        "dropout": {"float": [0.0, 0.5], "step": 0.1},
        "units": {"int": [4, 64], "log": True},
        "net": {
            "choice": [
                {"kind": "mlp", "layers": {"int": [1, 3]}},
                {"kind": "linear", "bias": {"choice": [True, False]}},
            ]
        },
    }
)
# By dimension, as somebody would write them for Optuna.
DISTRIBUTIONS: list[BaseDistribution] = [
    FloatDistribution(1e-4, 1.0, log=True),
    FloatDistribution(0.0, 0.5, step=0.1),
    Int(4, 64, log=True),
    CategoricalDistribution([0, 1]),
    Int(1, 3),
    CategoricalDistribution([0, 1]),
]
STARTUP, CANDIDATES = 8, 24

pytestmark = pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")


def loss(configuration: dict[str, Any]) -> float:
    """Least, 0, at lr 0.01, dropout 0.2 and a linear net with a bias."""
    off = (math.log10(configuration["lr"]) + 2) ** 2 + (configuration["dropout"] - 0.2) ** 2
    return off + (0 if configuration["net"].get("bias") else 0.3)


def asked_of_optuna(
    told: Sequence[Told], seed: int, distributions: Sequence[BaseDistribution] = DISTRIBUTIONS
) -> dict[int, float]:
    """What plain Optuna proposes in a fresh study, by dimension."""
    trial = _next_of_optuna(told, seed, distributions)
    found = {at: trial._suggest(str(at), distributions[at]) for at in (0, 1, 2, 3)}
    inside = 4 if found[3] == 0 else 5
    return {**found, inside: trial._suggest(str(inside), distributions[inside])}


def _next_of_optuna(
    told: Sequence[Told], seed: int, distributions: Sequence[BaseDistribution]
) -> Any:
    sampler = TPESampler(
        n_startup_trials=STARTUP,
        n_ei_candidates=CANDIDATES,
        multivariate=True,
        group=True,
        constant_liar=True,
        seed=seed,
    )
    study = optuna.create_study(sampler=sampler)
    for one in told:
        study.add_trial(_trial(one, distributions))
    return study.ask()


def _trial(one: Told, distributions: Sequence[BaseDistribution]) -> Any:
    has = {at: value for at, value in enumerate(one.values) if value is not None}
    return create_trial(
        state={
            State.RUNNING: TrialState.RUNNING,
            State.COMPLETE: TrialState.COMPLETE,
            State.PRUNED: TrialState.PRUNED,
            State.WORST: TrialState.PRUNED,
            State.FAILED: TrialState.FAIL,
        }[one.state],
        value=one.loss if one.state is State.COMPLETE else None,
        params={str(at): value for at, value in has.items()},
        distributions={str(at): distributions[at] for at in has},
        intermediate_values={one.epoch: one.loss} if one.state is State.PRUNED else {},
    )


def told_of(
    number: int, state_of: Callable[[int], State] = lambda number: State.COMPLETE
) -> list[Told]:
    """Trials as the sampler itself proposes them, each with the state that belongs to it."""
    sampler, told = TpeSampler(SPACE, STARTUP, CANDIDATES), list[Told]()
    for at in range(number):
        configuration = next(sampler.propose(told, at))
        state = state_of(at)
        ends = state in (State.COMPLETE, State.PRUNED)
        value, epoch = (loss(configuration), 1 + at % 3) if ends else (math.nan, 0)
        told.append(Told(tuple(SPACE.values(configuration)), state, value, epoch))
    return told


def proposed(told: Sequence[Told], seed: int) -> dict[int, float]:
    values = SPACE.values(next(TpeSampler(SPACE, STARTUP, CANDIDATES).propose(told, seed)))
    return {at: value for at, value in enumerate(values) if value is not None}


def mixed(number: int) -> State:
    order = (State.COMPLETE, State.PRUNED, State.WORST, State.FAILED, State.COMPLETE)
    return State.RUNNING if number >= 37 else order[number % len(order)]


STATES = {"all complete": lambda number: State.COMPLETE, "of every kind": mixed}


@pytest.mark.parametrize("state_of", STATES.values(), ids=STATES)
@pytest.mark.parametrize("number", [0, 5, 12, 25, 40])
def test_the_same_arguments_and_results_give_the_proposals_of_plain_optuna(
    number: int, state_of: Callable[[int], State]
) -> None:
    told = told_of(number, state_of)
    found = [proposed(told, seed) for seed in range(5)]
    assert found == [pytest.approx(asked_of_optuna(told, seed), rel=1e-7) for seed in range(5)]


@pytest.mark.parametrize("state_of", STATES.values(), ids=STATES)
def test_a_sampler_that_was_told_step_by_step_proposes_as_one_that_is_told_all_at_once(
    state_of: Callable[[int], State],
) -> None:
    told, stepwise = told_of(40, state_of), TpeSampler(SPACE, STARTUP, CANDIDATES)
    running = [Told(one.values, State.RUNNING) for one in told]
    for at in range(0, 40, 3):
        next(stepwise.propose([*told[:at], *running[at : at + 3]], at))
    assert list(islice(stepwise.propose(told, 7), 3)) == list(
        islice(TpeSampler(SPACE, STARTUP, CANDIDATES).propose(told, 7), 3)
    )


def test_a_failure_that_was_taken_back_is_forgotten() -> None:
    told = told_of(30)
    sampler = TpeSampler(SPACE, STARTUP, CANDIDATES)
    next(sampler.propose([*told[:20], Told(told[20].values, State.FAILED), *told[21:]], 1))
    assert next(sampler.propose(told, 1)) == next(
        TpeSampler(SPACE, STARTUP, CANDIDATES).propose(told, 1)
    )


def test_a_failed_trial_says_nothing_and_a_diverged_one_says_that_it_is_bad() -> None:
    told, bad = told_of(30), told_of(30)[10].values
    plain = proposed(told, 1)
    assert proposed([*told, Told(bad, State.FAILED)], 1) == plain
    assert [proposed([*told, Told(bad, State.WORST)], seed) for seed in range(5)] != [
        proposed(told, seed) for seed in range(5)
    ]


def test_a_trial_outside_of_the_space_is_passed_over() -> None:
    told = told_of(20)
    outside = Told((5.0, *told[0].values[1:]), State.COMPLETE, 0.0)
    lacking = Told((None, *told[0].values[1:]), State.COMPLETE, 0.0)
    assert proposed([*told, outside, lacking], 3) == proposed(told, 3)


def test_parameters_with_one_value_and_spaces_without_any_are_proposed_as_they_are() -> None:
    fixed = Space({"a": 1, "b": {"choice": ["x"]}})
    assert next(TpeSampler(fixed, 1, 24).propose([], 0)) == {"a": 1, "b": "x"}
    told = [Told((0.0,), State.COMPLETE, 1.0)] * 3
    assert next(TpeSampler(fixed, 1, 24).propose(told, 0)) == {"a": 1, "b": "x"}


def test_every_proposal_is_a_value_that_the_space_has() -> None:
    told = told_of(40)
    found = list(islice(TpeSampler(SPACE, STARTUP, CANDIDATES).propose(told, 5), 40))
    assert all(SPACE.template_path(one, ("lr",)) for one in found)
    stepped = {one["dropout"] for one in found}
    assert stepped <= {0.0, 0.1, 0.2, 0.3, 0.4, 0.5}


def told_at(own: Any, us: Sequence[float]) -> list[Told]:
    values = [own.at(u) for u in us]
    return [Told((value,), State.COMPLETE, loss=abs(value - own.at(0.6))) for value in values]


def first(space: Space, told: Sequence[Told], seed: int) -> Any:
    return next(TpeSampler(space, STARTUP, CANDIDATES).propose(told, seed))["x"]


@pytest.mark.parametrize(
    ("parameter", "distribution"),
    [
        ({"normal": [0.0, 1.0], "low": -2.0, "high": 2.0}, None),
        ({"lognormal": [-3.0, 2.0], "low": 1e-3, "high": 1.0}, None),
        ({"int": [2, 98], "log": True, "step": 4}, Int(2, 98, log=True)),
    ],
)
def test_normal_parameters_and_steps_on_a_logarithmic_scale_are_proposed_as_optuna_does(
    parameter: dict[str, Any], distribution: BaseDistribution | None
) -> None:
    space = Space({"x": parameter})
    [(_, own)] = space.dimensions
    told = told_at(own, [0.05 * at for at in range(1, 20)])
    among = distribution or FloatDistribution(*own.usual(), log="lognormal" in parameter)
    proposed = first(space, told, 3)
    assert own.contains(proposed)
    assert proposed == own.nearest(_next_of_optuna(told, 3, [among])._suggest("0", among))


def test_the_rarest_draws_of_an_unbounded_parameter_are_told_as_its_usual_ends() -> None:
    space = Space({"x": {"normal": [0.0, 1.0]}})
    [(_, own)] = space.dimensions
    told = told_at(own, [0.05 * at for at in range(1, 20)])
    rare, usual = (Told((value,), State.COMPLETE, loss=9.0) for value in (-8.0, own.usual()[0]))
    assert first(space, [*told, rare], 3) == first(space, [*told, usual], 3)


def second(told: Sequence[Told]) -> list[Told]:
    """Return trials with a second loss, low where there are few units."""
    return [
        replace(one, others=(one.values[2] or 0.0,)) if one.state is State.COMPLETE else one
        for one in told
    ]


def _of_two(one: Told) -> Any:
    """Return a trial as plain Optuna keeps it in a study of two objectives."""
    plain = _trial(replace(one, loss=0.0), DISTRIBUTIONS)
    plain.values = [one.loss, *one.others] if one.state is State.COMPLETE else None
    return plain


@pytest.mark.parametrize("state_of", STATES.values(), ids=STATES)
def test_with_two_objectives_the_proposals_are_those_of_plain_optuna(
    state_of: Callable[[int], State],
) -> None:
    told = second(told_of(40, state_of))
    sampler = TPESampler(
        n_startup_trials=STARTUP, n_ei_candidates=CANDIDATES, multivariate=True, group=True,
        constant_liar=True, seed=3,
    )  # fmt: skip
    study = optuna.create_study(directions=["minimize", "minimize"], sampler=sampler)
    for one in told:
        # A study of several objectives cannot say what a pruned trial had reached.
        study.add_trial(_of_two(one if one.state is not State.PRUNED else _lost(one)))
    trial = study.ask()
    wanted = {at: trial._suggest(str(at), DISTRIBUTIONS[at]) for at in (0, 1, 2, 3)}
    mine = SPACE.values(next(TpeSampler(SPACE, STARTUP, CANDIDATES, 2).propose(told, 3)))
    assert dict(enumerate(mine[:4])) == pytest.approx(wanted, rel=1e-7)


def _lost(one: Told) -> Told:
    return replace(one, state=State.WORST)


def test_a_trial_without_a_value_of_the_second_objective_is_bad() -> None:
    """Were it passed over, or taken for good, proposals would lie elsewhere."""
    told = second(told_of(40))
    without = [replace(one, others=(math.inf,)) if at % 2 else one for at, one in enumerate(told)]
    bad = [replace(one, state=State.WORST) if at % 2 else one for at, one in enumerate(told)]
    found, wanted = (
        next(TpeSampler(SPACE, STARTUP, CANDIDATES, 2).propose(which, 3))
        for which in (without, bad)
    )
    assert found == wanted
