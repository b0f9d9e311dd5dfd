"""A sweep of the user's own training, from its file to its record, broken off and whole."""

from __future__ import annotations

import shutil
import signal
from pathlib import Path
from typing import Any

import pytest

import sweeps
from sweeps.record.results import Results
from tests.sweeps.drivers import EVERY_EPOCH, driver, events, wait_for
from tests.sweeps.sweep_files import write_sweep

TRAININGS = Path(__file__).resolve().parents[2] / "models" / "own_trainings.py"
ASHA = "{scheduler: asha, grace_epochs: 1, reduction_factor: 2}"
HYPERBAND = "{scheduler: hyperband, reduction_factor: 3}"
OPTIONS = {
    "Bandit": "{explore: {float: [0.01, 0.9]}, arms: {int: [2, 6]}}",
    "two_nets": "{lr: {float: [1.0e-3, 1.0e-1], log: true}}",
}
RUNNERS = ["local", pytest.param("ray", marks=pytest.mark.ray)]


def own_sweep(folder: Path, name: str = "steps", epochs: int = 6, **sections: str) -> Path:
    folder.mkdir(exist_ok=True)
    shutil.copy(TRAININGS, folder / "trainings.py")
    options = OPTIONS.get(name, OPTIONS["two_nets"])
    target = f"{{kind: custom, target: 'trainings:{name}', epochs: {epochs}, options: {options}}}"
    only_loss = "{loss: {goal: min}}"
    metrics = only_loss if name in OPTIONS else "{loss: {goal: min}, hits: {goal: max}}"
    space = f"{{training: {target}}}"
    return write_sweep(folder, **{"metrics": metrics, "space": space, **sections})


def run(path: Path, runner: Any = "local", **options: Any) -> Results:
    runs = path.parent / f"runs-{runner}"
    return sweeps.run(path, runs=runs, runner=runner, tracking_uri="none", **options)


def curves(results: Results) -> list[dict[str, float]]:
    frame = results.epochs().drop(columns="epoch_s").sort_values(["trial", "epoch"])
    return frame.to_dict("records")


def outcomes(results: Results) -> list[str]:
    return [str(trial.outcome) for trial in results.record.trials]


@pytest.mark.parametrize("name", ["steps", "Steps", "two_nets", "Bandit"])
def test_a_sweep_of_own_training_has_a_winner_and_a_report(tmp_path: Path, name: str) -> None:
    results = run(own_sweep(tmp_path, name))
    assert outcomes(results) == ["completed"] * 6
    assert results.winner is not None
    assert results.winner["best"]["dev_loss"] == min(row["dev_loss"] for row in curves(results))
    assert "dev_loss" in (results.path / "report.html").read_text()


@pytest.mark.ray
@pytest.mark.parametrize("stopping", ["{scheduler: none}", HYPERBAND], ids=["none", "hyperband"])
@pytest.mark.parametrize("name", ["two_nets", "Bandit"])
def test_both_runners_give_the_same_curves(tmp_path: Path, name: str, stopping: str) -> None:
    path = own_sweep(tmp_path, name, stopping=stopping)
    local, ray = run(path, "local"), run(path, "ray")
    assert curves(local) == curves(ray)
    assert outcomes(local) == outcomes(ray)


@pytest.mark.parametrize("stopping", [ASHA, HYPERBAND], ids=["asha", "hyperband"])
def test_a_scheduler_prunes_own_training(tmp_path: Path, stopping: str) -> None:
    whole = run(own_sweep(tmp_path / "whole"))
    found = run(own_sweep(tmp_path / "pruned", stopping=stopping))
    assert "pruned" in outcomes(found)
    assert [row for row in curves(whole) if row in curves(found)] == curves(found)


@pytest.mark.parametrize("runner", RUNNERS)
@pytest.mark.parametrize("name", ["steps", "Bandit"])
def test_a_killed_sweep_goes_on_bit_for_bit(tmp_path: Path, name: str, runner: Any) -> None:
    path = own_sweep(tmp_path, name, epochs=40, stopping=EVERY_EPOCH)
    folder = tmp_path / "runs" / "killed"
    flags = ["--local"] if runner == "local" else []
    with driver("run", path, "--runs", tmp_path / "runs", "--id", "killed", *flags) as process:
        wait_for(lambda: len(events(folder, "report")) >= 50)
        process.signal(signal.SIGKILL)
        process.process.wait()
    resumed = sweeps.resume(folder, runner=runner, tracking_uri="none")
    assert curves(resumed) == curves(run(path))
    assert outcomes(resumed) == ["completed"] * 6


def test_folds_of_own_training_have_standard_errors(tmp_path: Path) -> None:
    results = run(own_sweep(tmp_path, data="{source: iris, split: {folds: 3}}"))
    assert {"dev_loss_se", "dev_hits_se"} <= curves(results)[0].keys()


def test_what_is_wrong_fails_a_trial_once_with_its_reason(tmp_path: Path) -> None:
    space = "{training: {kind: custom, target: 'trainings:yields_twice', epochs: 3}}"
    search, metrics = "{method: manual, configurations: [{}]}", "{loss: {goal: min}}"
    path = own_sweep(tmp_path, space=space, search=search, metrics=metrics)
    [trial] = run(path).record.trials
    assert str(trial.outcome) == "failed"
    assert "it yielded again in epoch 1" in trial.reason
    assert not trial.failures
