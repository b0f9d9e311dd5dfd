"""The analyses of a space, held to closed forms, brute force, scipy and Optuna."""

from __future__ import annotations

from typing import Any

import numpy as np
import optuna
import pytest
from optuna.importance import PedAnovaImportanceEvaluator
from scipy.stats import binom

from sweeps.analysis.boundaries import boundary_alarms
from sweeps.analysis.evidence import Evidence
from sweeps.analysis.importances import Importances, importances
from sweeps.analysis.savings import savings
from sweeps.models.scoring.objective import Objective
from sweeps.record.sweep_record import Outcome
from sweeps.report.analysis_figures import saved_epochs
from tests.sweeps.analysis.evidence_examples import evidence

RANGE: dict[str, Any] = {"lr": {"float": [1e-4, 1.0], "log": True}}
NESTED: dict[str, Any] = {
    "optimizer": {
        "choice": [
            {"kind": "sgd", "lr": {"float": [0.001, 1.0], "log": True}},
            {"kind": "adam", "lr": {"float": [0.0001, 0.1], "log": True}},
        ]
    },
    "width": {"int": [1, 100]},
}

OF_30_EPOCHS = {
    "model": {"kind": "linear"},
    "optimizer": {"kind": "adam", "lr": 0.1},
    "training": {"epochs": 30},
}


def drawn(count: int, seed: int = 0) -> list[dict[str, Any]]:
    random = np.random.default_rng(seed)
    return [{"lr": float(lr)} for lr in 10 ** random.uniform(-4, 0, count)]


def nested(count: int, seed: int = 0) -> list[dict[str, Any]]:
    random = np.random.default_rng(seed)
    found = []
    for _ in range(count):
        kind = ["sgd", "adam"][random.integers(2)]
        low, high = (-3, 0) if kind == "sgd" else (-4, -1)
        lr = float(10 ** random.uniform(low, high))
        optimizer = {"kind": kind, "lr": lr, "eps": 1e-8}
        found.append({"optimizer": optimizer, "width": int(random.integers(1, 101))})
    return found


def test_dimensions_know_their_option_their_scale_and_where_they_are_absent() -> None:
    found = evidence(NESTED, nested(20), [0.0] * 20).dimensions
    assert [one.name for one in found] == [
        "optimizer", "optimizer.lr [sgd]", "optimizer.lr [adam]", "width",
    ]  # fmt: skip
    choice, sgd, adam, _ = found
    assert (np.isfinite(sgd.values) == (choice.values == 0)).all()
    assert (np.isfinite(adam.values) == (choice.values == 1)).all()
    middle = [one for one in sgd.scaled() if np.isfinite(one)]
    values = sgd.values[np.isfinite(sgd.values)]
    assert middle == pytest.approx((np.log10(values) + 3) / 3)


def test_importances_are_optunas_own() -> None:
    configurations = nested(60, seed=3)
    values = [
        (np.log10(one["optimizer"]["lr"]) + 2) ** 2 + 0.001 * one["width"] for one in configurations
    ]
    found = importances(evidence(NESTED, configurations, values))
    assert isinstance(found, Importances)

    def objective(trial: optuna.Trial) -> float:
        one = configurations[trial.number]
        kind = trial.suggest_categorical("optimizer", [0, 1])
        low, high = ((0.001, 1.0), (0.0001, 0.1))[kind]
        name = f"optimizer.lr [{one['optimizer']['kind']}]"
        trial.suggest_float(name, low, high, log=True)
        trial.suggest_int("width", 1, 100)
        return values[trial.number]

    study = optuna.create_study(sampler=optuna.samplers.RandomSampler())
    for one in configurations:
        kind = one["optimizer"]["kind"]
        study.enqueue_trial(
            {
                "optimizer": int(kind == "adam"),
                f"optimizer.lr [{kind}]": one["optimizer"]["lr"],
                "width": one["width"],
            }
        )
    study.optimize(objective, n_trials=60)
    names = [one.name for one in found.found]
    reference = optuna.importance.get_param_importances(
        study, evaluator=PedAnovaImportanceEvaluator(target_quantile=0.25), params=names
    )
    assert {one.name: one.share for one in found.found} == pytest.approx(dict(reference))
    assert {one.name: one.trials for one in found.found}["width"] == 60
    assert found.found[0].name.startswith("optimizer.lr")


def test_a_parameter_whose_best_crowd_an_end_raises_an_alarm() -> None:
    random = np.random.default_rng(1)
    configurations = [{"lr": float(lr)} for lr in 10 ** random.uniform(-4, 0, 100)]
    values = [-np.log10(one["lr"]) for one in configurations]
    [alarm] = boundary_alarms(evidence(RANGE, configurations, values))
    places = (np.log10([one["lr"] for one in configurations]) + 4) / 4
    chance = (places >= 0.9).mean()
    near = int((np.sort(places)[-10:] >= 0.9).sum())
    assert (alarm.end, alarm.near, alarm.best) == ("high", near, 10)
    assert alarm.p_value == pytest.approx(binom.sf(near - 1, 10, chance))
    assert "raise the bound" in alarm.sentence


def test_false_boundary_alarms_are_as_rare_as_their_level() -> None:
    random = np.random.default_rng(2)
    alarms = sum(
        bool(boundary_alarms(evidence(RANGE, drawn(60, seed), list(random.normal(size=60)))))
        for seed in range(200)
    )
    assert alarms <= binom.ppf(0.999, 200, 2 * 0.01)


def test_savings_count_epochs_by_outcome() -> None:
    configurations = [OF_30_EPOCHS for _ in range(6)]
    outcomes = [
        Outcome.COMPLETED, Outcome.PRUNED, Outcome.EARLY_STOPPED, Outcome.FAILED, Outcome.DIVERGED,
        Outcome.STOPPED_BY_HAND,
    ]  # fmt: skip
    made = evidence(RANGE, configurations, [1.0, 2.0, 3.0, None, 9.0, 9.0], outcomes)
    for trial, epochs in zip(made.trials, (30, 3, 12, 1, 2, 5), strict=True):
        trial.epochs, trial.train_s = epochs, 0.5 * epochs
    found = savings(made)
    assert found.run == {
        "completed": 30, "pruned": 3, "early_stopped": 12, "diverged": 2, "failed": 1,
        "stopped_by_hand": 5, "rejected": 0,
    }  # fmt: skip
    assert sum(found.planned.values()) == 180
    assert found.seconds == pytest.approx(0.5 * (27 + 18))
    assert "45 of 90 planned epochs were run: 50% saved" in found.sentence
    assert "(Left out: 1 failed, 1 diverged, 1 stopped by hand.)" in found.sentence
    [run, saved] = saved_epochs(found).figure.data  # type: ignore[union-attr]
    assert list(run.y) == ["completed, n = 1", "pruned, n = 1", "early stopped, n = 1"]
    assert (list(run.x), list(saved.x)) == ([30, 3, 12], [0, 27, 18])


@pytest.mark.parametrize("outcome", [Outcome.COMPLETED, Outcome.DIVERGED, Outcome.FAILED])
def test_where_no_trial_stopped_early_nothing_is_said_to_be_saved(outcome: Outcome) -> None:
    configurations = [OF_30_EPOCHS] * 2
    made = evidence(RANGE, configurations, [1.0, None], [Outcome.COMPLETED, outcome])
    assert saved_epochs(savings(made)) is None


GRID_SPACE: dict[str, Any] = {f"p{at}": {"float": [0.0, 1.0], "points": 10} for at in range(2)}


def grid_of(values: Any) -> Evidence:
    axis = np.linspace(0, 1, 10).tolist()
    trials = [{"p0": first, "p1": second} for first in axis for second in axis]
    objective = Objective("dev_accuracy", "max")
    return evidence(GRID_SPACE, trials, list(map(float, values)), objective=objective,
                    search={"method": "grid"})  # fmt: skip


def test_a_grid_of_equal_results_raises_no_alarm_at_the_start_of_its_first_axis() -> None:
    assert boundary_alarms(grid_of(np.full(100, 0.9))) == []


def test_ties_on_a_grid_of_few_dev_rows_raise_alarms_as_rarely_as_their_level() -> None:
    random = np.random.default_rng(0)
    alarms = sum(
        bool(boundary_alarms(grid_of(random.binomial(30, 0.9, 100) / 30))) for _ in range(200)
    )
    assert alarms <= binom.ppf(0.999, 200, 4 * 0.01)


def test_trials_that_tie_at_the_edge_of_the_best_tenth_share_its_places() -> None:
    # Four sure ones at the low end of p0, and twelve equals of which six lie there: 4 + 6 / 2 = 7.
    values = np.full(100, 0.5)
    values[[0, 1, 2, 3]] = 0.95
    values[[4, 5, 6, 7, 8, 9, 50, 51, 52, 53, 54, 55]] = 0.9
    [alarm] = boundary_alarms(grid_of(values))
    assert (alarm.name, alarm.end, alarm.near, alarm.best) == ("p0", "low", 7, 10)


def nothing_matters(seed: int, count: int = 40) -> Importances:
    random = np.random.default_rng(seed)
    space = {f"p{at}": {"float": [0.0, 1.0]} for at in range(6)}
    trials = [{name: float(random.uniform()) for name in space} for _ in range(count)]
    found = importances(evidence(space, trials, random.normal(size=count).tolist()))
    assert isinstance(found, Importances)
    return found


def test_where_nothing_matters_a_parameter_seldom_stands_out() -> None:
    found = [nothing_matters(seed) for seed in range(25)]
    assert sum(bool(one.standing_out) for one in found) <= binom.ppf(0.999, 25, 0.05)
    quiet = next(one for one in found if not one.standing_out)
    assert quiet.sentence.startswith("No parameter stands out in 40 trials")
    assert quiet.best == 10


def test_a_choice_that_alone_matters_stands_out() -> None:
    random = np.random.default_rng(1)
    space = {"kind": {"choice": ["a", "b", "c"]}} | {
        f"p{at}": {"float": [0.0, 1.0]} for at in range(4)
    }
    trials = [
        {"kind": "abc"[at % 3]} | {f"p{at}": float(random.uniform()) for at in range(4)}
        for at in range(60)
    ]
    values = [2.0 * (one["kind"] != "b") + float(random.normal()) for one in trials]
    found = importances(evidence(space, trials, values))
    assert isinstance(found, Importances)
    assert [one.name for one in found.standing_out] == ["kind"]
    assert found.sentence.startswith("kind (")


def test_an_alarm_says_in_words_how_seldom_chance_does_it() -> None:
    """Of 100 draws the best 10 lie at the low end, where a tenth of them are."""
    places = [at / 99 for at in range(100)]
    made = evidence({"a": {"float": [0.0, 1.0]}}, [{"a": one} for one in places], places)
    [alarm] = boundary_alarms(made)
    assert (alarm.near, alarm.best) == (10, 10)
    assert alarm.p_value == pytest.approx(0.1**10, rel=1e-6)
    assert "by chance that happens in fewer than 1 of 1,000 sweeps" in alarm.sentence
    assert "p =" not in alarm.sentence
