"""`plan` shows what would run, without running it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sweeps.commands import main
from sweeps.spec.loading import check_sweep
from sweeps.terminal.plan_report import plan_report
from tests.sweeps.sweep_files import write_sweep

ASHA = "{scheduler: asha, grace_epochs: 1, reduction_factor: 3}"


def test_plan_as_json_has_the_trials_rungs_and_a_measured_eta(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_sweep(tmp_path, stopping=ASHA)
    assert main(["plan", str(path), "--json"]) == 0
    plan = json.loads(capsys.readouterr().out)
    assert [trial["index"] for trial in plan["plan"]] == list(range(6))
    assert plan["rungs"] == [1, 3]
    assert plan["max_epochs"] == 54
    assert plan["epoch_s"] > 0
    assert plan["eta_s"] > plan["expected_epochs"] * plan["epoch_s"] / plan["slots"]


def test_plan_prints_the_trials_and_writes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_sweep(tmp_path, stopping=ASHA)
    assert main(["plan", str(path), "--no-probe"]) == 0
    shown = capsys.readouterr().out
    assert "hidden_units" in shown
    assert "rungs after epochs 1, 3" in shown
    assert list(tmp_path.iterdir()) == [path]


def test_a_plan_with_folds_measures_the_nets_of_all_folds(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_sweep(tmp_path, data="{source: iris, split: {folds: 5}}")
    assert main(["plan", str(path)]) == 0
    shown = capsys.readouterr().out
    assert "5 folds: a trial trains 5 nets, and an epoch is one of each" in shown
    assert "54 epochs at most" in shown
    measured = []
    for data in ("{source: iris}", "{source: iris, split: {folds: 20}}"):
        assert main(["plan", str(write_sweep(tmp_path, data=data)), "--json"]) == 0
        measured.append(json.loads(capsys.readouterr().out)["epoch_s"])
    # Twenty nets in place of one, on data of about the same size.
    assert measured[1] > 5 * measured[0]


def test_gpus_that_are_not_there_are_refused_before_anything_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_sweep(tmp_path, resources="{cpu: 1, gpu: 8}")
    assert main(["run", str(path), "--runs", str(tmp_path / "runs")]) == 4
    assert "resources.gpu = 8" in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()


def test_what_follows_the_search_is_in_the_plan(tmp_path: Path) -> None:
    final = "{top_k: 2, seeds: 3}"
    path = write_sweep(tmp_path, final=final, stopping="{scheduler: asha, audit: 2}")
    report = plan_report(*check_sweep(path), probe=False)
    assert report.follow_up_epochs == (2 + 2 * 3 + 1) * 9
