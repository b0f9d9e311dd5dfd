"""A sweep that trains on a loss of the user's own, from its file to its record."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import sweeps
from sweeps.definition.loading import load_sweep
from sweeps.errors import SweepFileError
from sweeps.findings.results import Results
from sweeps.record.final import read_final, read_openings
from sweeps.record.run_folder import RunFolder
from tests.sweeps.sweep_files import space, write_sweep

LOSSES = Path(__file__).resolve().parents[2] / "models" / "own_losses.py"
TABLE = "{source: diabetes}"


def own_sweep(folder: Path, loss: str, **sections: str) -> Path:
    folder.mkdir(exist_ok=True)
    shutil.copy(LOSSES, folder / "losses.py")
    more = f", loss: {{kind: custom, target: 'losses:{loss}}}"
    return write_sweep(folder, **{"space": space(epochs=4, more=more), **sections})


def run(path: Path) -> Results:
    return sweeps.run(path, runs=path.parent / "runs", runner="local", tracking_uri="none")


def test_a_sweep_is_judged_by_the_mean_of_its_own_loss_to_the_test_rows(tmp_path: Path) -> None:
    path = own_sweep(
        tmp_path, "shifted_square'", data=TABLE, final="{top_k: 1, seeds: 2}",
        stopping="{scheduler: asha, grace_epochs: 1, reduction_factor: 2}",
    )  # fmt: skip
    results = run(path)
    assert results.winner is not None
    assert -100 < results.winner["best"]["dev_loss"] < -98
    loss = read_openings(RunFolder(results.path))[-1].metrics["test_loss"]
    assert -100 < loss.low < loss.value < loss.high < -98
    final = read_final(RunFolder(results.path))
    assert -100 < final.candidates[0].low < final.candidates[0].high < -98


def test_a_sweep_of_folds_trains_on_an_own_loss(tmp_path: Path) -> None:
    results = run(own_sweep(tmp_path, "entropy'", data="{source: iris, split: {folds: 3}}"))
    assert [str(trial.outcome) for trial in results.record.trials] == ["completed"] * 6


def test_the_code_of_an_own_loss_is_kept_with_the_run(tmp_path: Path) -> None:
    results = run(own_sweep(tmp_path, "entropy'"))
    assert (results.path / "code" / "losses.py").read_text() == LOSSES.read_text()


def test_what_is_wrong_fails_a_trial_once_with_its_reason(tmp_path: Path) -> None:
    path = own_sweep(tmp_path, "later_raising'", search="{method: random, trials: 1}")
    [trial] = run(path).record.trials
    assert str(trial.outcome) == "failed"
    assert "raised IndexError: . at losses.py:" in trial.reason
    assert not trial.failures


TUNED = "focal', options: {gamma: {float: [0.5, 3.0]}}"


def test_trials_are_not_compared_by_losses_that_differ_between_them(tmp_path: Path) -> None:
    with pytest.raises(SweepFileError, match="cannot be compared by dev_loss"):
        load_sweep(own_sweep(tmp_path, TUNED))


def test_options_of_an_own_loss_are_tuned_by_a_metric_that_trials_share(tmp_path: Path) -> None:
    results = run(own_sweep(tmp_path, TUNED, objective="{metric: dev_accuracy}"))
    gammas = {one.trial.configuration["loss"]["options"]["gamma"] for one in results.record.trials}
    assert len(gammas) == 6
    assert [str(trial.outcome) for trial in results.record.trials] == ["completed"] * 6


def test_an_option_that_the_loss_does_not_take_is_found_without_running_it(tmp_path: Path) -> None:
    with pytest.raises(SweepFileError, match="unknown key 'gama', which losses:focal") as caught:
        load_sweep(own_sweep(tmp_path, "focal', options: {gama: 1.0}"))
    assert "gamma" in str(caught.value)
