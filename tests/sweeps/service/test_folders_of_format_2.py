"""Run folders of formats 2 and 3 (a plan that grows), as they were first written: read and resumed.

tests/data/format_2 has a sweep with its final, and a learning search that was killed in its fifth
trial; both without what is made from the others.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

import sweeps
from sweeps.cli.commands import main
from sweeps.errors import RequestError
from sweeps.record.run_folder import RunFolder
from sweeps.record.sweep_record import Outcome
from sweeps.service.running import open_run
from sweeps.terminal.overview import overview_of

KEPT = Path(__file__).resolve().parents[2] / "data" / "format_2"
ON_DISK: dict[str, Any] = {"runner": "local", "tracking_uri": "none"}


def copy(name: str, tmp_path: Path) -> Path:
    return Path(shutil.copytree(KEPT / name, tmp_path / name))


@pytest.mark.parametrize(("name", "written"), [("finished", 2), ("learning", 3)])
def test_the_kept_folders_are_of_their_formats(name: str, written: int) -> None:
    assert json.loads((KEPT / name / "sweep.json").read_bytes())["format"] == written


def test_what_was_found_is_read_as_it_was_written(tmp_path: Path) -> None:
    results = open_run(copy("finished", tmp_path))
    kept = json.loads((KEPT / "finished/final/final.json").read_bytes())
    *_, opened = (KEPT / "finished/openings.jsonl").read_text(encoding="utf-8").splitlines()
    assert results.final is not None
    assert results.final.winner.trial == kept["candidates"][0]["trial"]
    assert results.record.outcomes == {Outcome.COMPLETED: 2, Outcome.PRUNED: 2}
    assert results.openings[0].metrics["test_accuracy"].value == pytest.approx(
        json.loads(opened)["metrics"]["test_accuracy"]["value"]
    )


def test_one_that_has_ended_is_ended_and_has_a_report(tmp_path: Path) -> None:
    path = copy("finished", tmp_path)
    before = (path / "ledger.jsonl").read_bytes()
    assert sweeps.resume(path, **ON_DISK).is_finished
    assert (path / "ledger.jsonl").read_bytes() == before
    assert "<h2>In short</h2>" in sweeps.write_report(path).read_text(encoding="utf-8")


def test_its_net_answers(tmp_path: Path) -> None:
    path, rows = copy("finished", tmp_path), tmp_path / "rows.csv"
    names = json.loads((path / "preprocessing.json").read_bytes())["number_names"]
    rows.write_text(",".join(names) + "\n5.1,3.5,1.4,0.2\n")
    assert sweeps.predict(path, rows)["prediction"].tolist() == ["setosa"]


def test_a_killed_search_that_learns_goes_on_with_what_it_had_proposed(tmp_path: Path) -> None:
    path = copy("learning", tmp_path)
    before = (path / "ledger.jsonl").read_bytes()
    planned = [trial.trial.hash for trial in open_run(path).record.trials]
    assert overview_of(RunFolder.open(path)).state == "interrupted"
    results = sweeps.resume(path, **ON_DISK)
    assert results.record.outcomes == {Outcome.COMPLETED: 6}
    assert [trial.trial.hash for trial in results.record.trials][: len(planned)] == planned
    assert (path / "ledger.jsonl").read_bytes().startswith(before)


def test_a_sync_says_that_mlflow_is_switched_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "none")
    with pytest.raises(RequestError, match="MLFLOW_TRACKING_URI is 'none', which turns MLflow"):
        sweeps.sync(copy("finished", tmp_path))


def test_the_plan_of_a_search_that_drew_it_in_advance_is_drawn_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["replay", str(copy("finished", tmp_path))]) == 0
    assert "all 4 planned trials follow from the sweep file" in capsys.readouterr().out
