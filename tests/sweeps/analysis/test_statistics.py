"""The analyses of a space, held to closed forms, brute force, scipy, opda and Optuna."""

from __future__ import annotations

from typing import Any

import numpy as np
import optuna
import pytest
from opda.nonparametric import EmpiricalDistribution
from optuna.importance import PedAnovaImportanceEvaluator
from scipy.stats import binom

from sweeps.analysis.boundaries import boundary_alarms
from sweeps.analysis.importances import Importances, importances
from sweeps.analysis.savings import savings
from sweeps.analysis.tuning_curve import TuningCurve, tuning_curve
from sweeps.definition.goal import Goal
from sweeps.record.records import Outcome
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


@pytest.mark.parametrize("mode", ["min", "max"])
def test_the_tuning_curve_of_uniform_results_is_the_closed_form(mode: Any) -> None:
    values = np.random.default_rng(5).uniform(size=200)
    curve = tuning_curve(evidence(RANGE, drawn(200), list(values), goal=Goal("dev_loss", mode)))
    assert isinstance(curve, TuningCurve)
    for at, number in enumerate(curve.numbers[:20]):
        least = 1 / (number + 1)
        expected = least if mode == "min" else 1 - least
        assert curve.expected[at] == pytest.approx(expected, abs=0.06)
        median = 1 - 0.5 ** (1 / number)
        truth = median if mode == "min" else 1 - median
        assert curve.low[at] <= truth <= curve.high[at]
    reference = EmpiricalDistribution(values).average_tuning_curve(
        curve.numbers, minimize=mode == "min"
    )
    assert curve.expected == pytest.approx(reference)


def test_the_sentence_says_whether_fewer_would_have_done_and_more_would_help() -> None:
    plateau = [0.5] * 60 + [1.0] * 20
    found = tuning_curve(evidence(RANGE, drawn(80), plateau))
    assert isinstance(found, TuningCurve)
    expected = 0.5 + 0.5 * 0.25 ** np.arange(1, 81)
    assert found.enough == int(np.argmax(expected <= 1.05 * 0.5)) + 1
    assert found.sentence == (
        "Of 40 such trials the expected best dev_loss is 0.5, of 80 0.5 (0% lower); 3 trials come "
        "within 5% of that, so more of the same would hardly help."
    )
    steep = tuning_curve(evidence(RANGE, drawn(20), [0.0, *np.linspace(5, 6, 19)]))
    assert isinstance(steep, TuningCurve)
    assert "more of the same would probably still help" in steep.sentence


@pytest.mark.parametrize("mode", ["min", "max"])
def test_losses_over_decades_are_judged_by_the_best_and_not_beside_the_worst(mode: Any) -> None:
    # Each of the better half is a third below the one before; the others are bad.
    errors = [0.04 * 1.5**place for place in range(8)] + [0.99] * 8
    values = errors if mode == "min" else [1 - one for one in errors]
    found = tuning_curve(evidence(RANGE, drawn(16), values, goal=Goal("dev_f1", mode)))
    assert isinstance(found, TuningCurve)
    assert found.enough > 8
    assert "more of the same would probably still help" in found.sentence
    name = "dev_f1" if mode == "min" else "1 - dev_f1"
    assert found.sentence.startswith(f"Of 8 such trials the expected best {name} is 0.0")


def test_trials_that_were_not_drawn_or_are_too_few_have_no_tuning_curve() -> None:
    grid = evidence(RANGE, drawn(20), [1.0] * 20, search={"method": "grid"})
    assert "not drawn by chance" in str(tuning_curve(grid))
    assert "too few" in str(tuning_curve(evidence(RANGE, drawn(3), [1.0, 2.0, None])))


def test_trials_without_a_result_count_as_the_worst() -> None:
    found = tuning_curve(evidence(RANGE, drawn(6), [1.0, 2.0, 3.0, 4.0, 5.0, None]))
    assert isinstance(found, TuningCurve)
    assert found.lost == 1
    assert found.expected[0] == pytest.approx(np.mean([1, 2, 3, 4, 5, 5]))


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
        study, evaluator=PedAnovaImportanceEvaluator(target_quantile=0.1), params=names
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
    assert "raise its high end" in alarm.sentence


def test_false_boundary_alarms_are_as_rare_as_their_level() -> None:
    random = np.random.default_rng(2)
    alarms = sum(
        bool(boundary_alarms(evidence(RANGE, drawn(60, seed), list(random.normal(size=60)))))
        for seed in range(200)
    )
    assert alarms <= binom.ppf(0.999, 200, 2 * 0.01)


def test_savings_count_epochs_by_outcome() -> None:
    configurations = [{"lr": 0.1, "training": {"epochs": 30}} for _ in range(4)]
    outcomes = [Outcome.COMPLETED, Outcome.PRUNED, Outcome.EARLY_STOPPED, Outcome.FAILED]
    made = evidence(RANGE, configurations, [1.0, 2.0, 3.0, None], outcomes)
    for trial, epochs in zip(made.trials, (30, 3, 12, 1), strict=True):
        trial.epochs, trial.train_s = epochs, 0.5 * epochs
    found = savings(made)
    assert found.run == {
        "completed": 30, "pruned": 3, "early_stopped": 12, "diverged": 0, "failed": 1,
    }  # fmt: skip
    assert sum(found.planned.values()) == 120
    assert found.seconds == pytest.approx(0.5 * (27 + 18))
    assert "45 of 90 planned epochs were run: 50% saved" in found.sentence
    assert "(1 failed trial is left out.)" in found.sentence
    [run, saved] = saved_epochs(found).figure.data  # type: ignore[union-attr]
    assert list(run.y) == ["completed, n = 1", "pruned, n = 1", "early stopped, n = 1"]
    assert (list(run.x), list(saved.x)) == ([30, 3, 12], [0, 27, 18])
