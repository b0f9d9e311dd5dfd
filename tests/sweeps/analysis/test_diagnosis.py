"""Bias, variance and the shape of training, on trainings whose truth is known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import binom

import sweeps
from sweeps.analysis.diagnosis import RULES, Diagnosis, count, diagnose
from sweeps.analysis.evidence import Evidence, gather
from sweeps.definition.lineage import Copy
from tests.calibration.gaps import variance_is_said_of_a_fit, variance_is_said_of_groups
from tests.sweeps.analysis.evidence_examples import evidence
from tests.sweeps.sweep_files import write_sweep


def diagnosed(folder: Path, **sections: str) -> list[Diagnosis]:
    path = write_sweep(folder, search="{method: random, trials: 1}", **sections)
    results = sweeps.run(path, runs=folder / "runs", runner="local", tracking_uri="none")
    return diagnose(gather(results.folder, results.record))


def made(model: str, optimizer: str, epochs: int, batch: Any = 32) -> str:
    training = f"{{epochs: {epochs}, batch_size: {batch}, device: cpu}}"
    return f"{{model: {model}, optimizer: {optimizer}, training: {training}}}"


SPIRALS = "{source: spirals, samples: 400, noise: 0.05}"
TARGET = "{metric: dev_loss, target_error: 0.02}"


def test_a_line_cannot_fit_a_spiral_and_has_avoidable_bias(tmp_path: Path) -> None:
    space = made("{kind: linear}", "{kind: adam, lr: 0.05}", 30)
    [found] = diagnosed(tmp_path, data=SPIRALS, objective=TARGET, space=space)
    assert "avoidable bias" in found.findings
    assert "variance" not in found.findings
    assert found.train_error is not None
    assert found.train_error > 0.25
    assert found.target_error == 0.02


def test_a_big_net_on_few_rows_has_variance(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    x, y = random.normal(size=(200, 20)), random.integers(2, size=200)
    names = [f"x{at}" for at in range(20)]
    rows = [",".join([*map(str, row), f"c{label}"]) for row, label in zip(x, y, strict=True)]
    (tmp_path / "noise.csv").write_text("\n".join([",".join([*names, "y"]), *rows]))
    model = "{kind: mlp, hidden_layers: 2, hidden_units: 256}"
    [found] = diagnosed(
        tmp_path,
        data="{source: noise.csv, target: y}",
        objective="{metric: dev_accuracy, target_error: 0}",
        space=made(model, "{kind: adam, lr: 0.01}", 40),
    )
    assert "variance" in found.findings


def test_too_few_epochs_are_still_improving(tmp_path: Path) -> None:
    space = made("{kind: mlp, hidden_units: 16}", "{kind: sgd, lr: 0.01}", 20)
    [found] = diagnosed(tmp_path, space=space)
    assert "still improving" in found.findings


def test_a_learning_rate_that_is_too_high_is_unstable(tmp_path: Path) -> None:
    space = made("{kind: mlp, hidden_units: 64}", "{kind: adam, lr: 1.0}", 30, 16)
    [found] = diagnosed(tmp_path, data="{source: wine}", space=space)
    assert "unstable" in found.findings


def test_numbers_that_run_away_are_diverged(tmp_path: Path) -> None:
    space = made("{kind: linear}", "{kind: sgd, lr: 1000.0}", 30)
    [found] = diagnosed(tmp_path, data="{source: diabetes}", space=space)
    assert "diverged" in found.findings


def test_a_good_training_has_nothing_amiss(tmp_path: Path) -> None:
    space = made("{kind: mlp, hidden_units: 32}", "{kind: adam, lr: 0.005}", 15)
    [found] = diagnosed(tmp_path, data="{source: digits}", objective=TARGET, space=space)
    assert not {"avoidable bias", "variance", "unstable", "diverged"} & {*found.findings}
    assert (found.words == "no finding") is (not found.findings)


def test_without_a_target_the_best_dev_error_of_the_sweep_is_the_target(tmp_path: Path) -> None:
    path = write_sweep(tmp_path)
    results = sweeps.run(path, runs=tmp_path / "runs", runner="local", tracking_uri="none")
    found = diagnose(gather(results.folder, results.record))
    errors = [one.dev_error for one in found if one.dev_error is not None]
    assert {one.target_error for one in found} == {min(errors)}
    assert sum(count(found).values()) == sum(len(one.findings) for one in found)


@pytest.mark.parametrize("finding", sorted(RULES))
def test_every_finding_has_a_meaning_and_remedies(finding: Any) -> None:
    meaning, remedies = RULES[finding]
    assert meaning
    assert "," in remedies


def regression(seed: int, dev_rows: int, slope: float = 1.0) -> Evidence:
    """A trial whose net is the true model: R2 is 0.5 wherever it is measured."""
    random = np.random.default_rng(seed)

    def r2(rows: int) -> float:
        x, noise = random.normal(size=(2, rows))
        return float(1 - np.var(noise) / np.var(slope * x + noise))

    made = evidence({"lr": {"float": [0.1, 1.0]}}, [{"lr": 0.5}], [1.0])
    made.trials[0].best = {"epoch": 1, "train_r2": r2(3 * dev_rows), "dev_r2": r2(dev_rows)}
    curve = {"epoch": np.ones(1), "dev_loss": np.ones(1), "train_loss": np.ones(1)}
    return replace(
        made, task="regression", dev_rows=dev_rows, train_rows=3 * dev_rows, curves=[curve]
    )


@pytest.mark.parametrize("dev_rows", [30, 88, 200])
def test_a_net_that_does_not_overfit_seldom_has_variance_on_few_dev_rows(dev_rows: int) -> None:
    found = [diagnose(regression(seed, dev_rows))[0].findings for seed in range(300)]
    assert sum("variance" in one for one in found) <= binom.ppf(0.999, 300, 0.05)


# Whoever fits errs a little less on the rows of the fit: by .04 here, which is not much.
@pytest.mark.parametrize(("columns", "rows"), [(2, 30), (10, 88), (20, 200)])
def test_a_small_net_that_was_fitted_seldom_has_variance(columns: int, rows: int) -> None:
    is_said = variance_is_said_of_a_fit(columns, rows)
    assert sum(map(is_said, range(300))) <= binom.ppf(0.999, 300, 0.05)


# A net that is as good on all rows, of which those of a group are alike.
@pytest.mark.parametrize("task", ["classification", "regression"])
@pytest.mark.parametrize("groups", [3, 10])
def test_rows_of_few_large_groups_seldom_make_variance(task: str, groups: int) -> None:
    is_said = variance_is_said_of_groups(task, 0.0, groups)
    assert sum(map(is_said, range(200))) <= binom.ppf(0.999, 200, 0.05)


def test_of_one_dev_group_nothing_is_said() -> None:
    made = regression(0, 88)
    made.trials[0].best = {"epoch": 1, "train_r2": 0.99, "dev_r2": 0.0}
    one = replace(made, independent={"train": 3.0, "dev": 1.0})
    assert "variance" in diagnose(made)[0].findings
    assert diagnose(one)[0].findings == ()


def test_folds_of_groups_are_as_unsure_as_their_groups_are_few() -> None:
    made = regression(0, 400)
    made.trials[0].best = {"epoch": 1, "train_r2": 1.0, "dev_r2": 0.8}
    folds = replace(made, train_rows=None)
    few = replace(folds, independent={"train": 6.0, "dev": 6.0})
    many = replace(folds, independent={"train": 60.0, "dev": 60.0})
    assert [diagnose(one)[0].findings for one in (folds, few, many)] == [
        ("variance",), (), ("variance",)
    ]  # fmt: skip


def test_how_independent_the_rows_are_comes_from_the_cut_of_the_sweep(tmp_path: Path) -> None:
    rows = [f"{at / 400},{at % 7},p{at // 20},c{at // 20 % 2}" for at in range(400)]
    (tmp_path / "patients.csv").write_text("\n".join(["a,b,patient,y", *rows, ""]))
    data = "{source: patients.csv, target: y, split: {group: patient}}"
    path = write_sweep(tmp_path, data=data, search="{method: random, trials: 1}")
    results = sweeps.run(path, runs=tmp_path / "runs", runner="local", tracking_uri="none")
    found = gather(results.folder, results.record)
    assert (found.dev_rows, found.train_rows) == (80, 240)
    assert found.independent == {"train": 12, "dev": 4, "test": 4}
    assert gather_of_iris(tmp_path / "iris").independent == {}


def gather_of_iris(folder: Path) -> Evidence:
    folder.mkdir()
    path = write_sweep(folder, search="{method: random, trials: 1}")
    results = sweeps.run(path, runs=folder / "runs", runner="local", tracking_uri="none")
    return gather(results.folder, results.record)


def test_a_regression_that_overfits_has_variance() -> None:
    made = regression(0, 88)
    made.trials[0].best = {"epoch": 1, "train_r2": 0.9, "dev_r2": 0.3}
    assert "variance" in diagnose(made)[0].findings


def test_the_curve_of_a_copy_is_not_judged_as_it_is_that_of_two_nets() -> None:
    made = evidence({"lr": {"float": [0.1, 1.0]}}, [{"lr": 0.5}] * 2, [1.0] * 2)
    losses = np.array([5.0, 1.0, 4.0, 1.0, 4.0, 1.0, 4.0, 1.0, 4.0, 1.0])
    curve = {"epoch": np.arange(1.0, 11.0), "dev_loss": losses, "train_loss": losses}
    made.trials[1].copies.append(Copy(5, 0, {"lr": 0.7}))
    alone, copy = diagnose(replace(made, curves=[curve, curve]))
    assert "unstable" in alone.findings
    assert copy.findings == ()
    assert copy.words == "no finding (its curve is that of several nets)"


def of_errors(*pairs: tuple[float, float], dev_rows: int = 2000) -> list[Diagnosis]:
    """What is said of trials with these training and dev errors."""
    made = evidence({"lr": {"float": [0.1, 1.0]}}, [{"lr": 0.5}] * len(pairs), [1.0] * len(pairs))
    for trial, (train, dev) in zip(made.trials, pairs, strict=True):
        trial.best = {"epoch": 1, "train_accuracy": 1 - train, "dev_accuracy": 1 - dev}
    curve = {"epoch": np.ones(1), "dev_loss": np.ones(1), "train_loss": np.ones(1)}
    return diagnose(
        replace(made, dev_rows=dev_rows, train_rows=3 * dev_rows, curves=[curve] * len(pairs))
    )


def test_a_trial_that_overfits_does_not_give_the_regularised_ones_avoidable_bias() -> None:
    overfitted, regularised, small = of_errors((0.0, 0.3), (0.15, 0.17), (0.4, 0.41))
    assert overfitted.findings == ("variance",)
    assert regularised.findings == ()
    assert small.findings == ("avoidable bias",)


def test_a_dev_error_that_chance_made_low_is_no_target() -> None:
    lucky, other = of_errors((0.3, 0.2), (0.3, 0.32), dev_rows=40)
    assert not {*lucky.findings} | {*other.findings}
