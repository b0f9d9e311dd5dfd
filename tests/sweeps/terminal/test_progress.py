"""What a person sees while a sweep runs: sane numbers, and no control codes where none belong."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from sweeps.definition.planning import PlannedTrial
from sweeps.models.scoring.objective import Objective
from sweeps.record.run_folder import RunFolder
from sweeps.record.sweep_record import SweepRecord
from sweeps.terminal.progress import Display, EpochRate, duration, status_line, time_left_s
from sweeps.tracking.process import TrackingProcess
from tests.sweeps.sweep_files import write_sweep

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def record() -> SweepRecord:
    """Ten trials, of which eight have ended after ten epochs each."""
    plan = [PlannedTrial(index, f"{index:012d}", index, {}) for index in range(10)]
    record = SweepRecord(plan, Objective("dev_loss", "min"))
    rows = [{"epoch": epoch, "dev_loss": 1 / epoch, "epoch_s": 0.1} for epoch in range(1, 11)]
    for index in range(8):
        record.apply({"event": "report", "trial": index, "epochs": rows, "t": 1.0})
        ending = {"event": "outcome", "trial": index, "outcome": "completed", "reason": ""}
        record.apply(ending | {"t": 2.0})
    return record


def run(path: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "sweeps", "run", str(path), "--local", "--no-mlflow"]
    runs = ["--runs", str(path.parent / "runs")]
    return subprocess.run([*command, *runs, *options], cwd=ROOT, capture_output=True, text=True)


def test_the_time_left_is_that_of_the_trials_left_at_the_present_rate(record: SweepRecord) -> None:
    line = status_line(record, epochs_per_s=4.0)
    assert "8/10 trials (8 completed)" in line
    assert "best dev_loss 0.1 (trial 0)" in line
    assert "4 epochs/s | about 5 s left" in line


def test_a_trial_of_a_stage_is_not_called_by_the_number_of_one_of_the_search(
    record: SweepRecord,
) -> None:
    assert "trial 0" not in status_line(record, epochs_per_s=4.0, is_search=False)


def test_what_running_trials_have_trained_is_not_charged_to_those_that_ended(
    record: SweepRecord,
) -> None:
    rows = [{"epoch": epoch, "dev_loss": 1.0, "epoch_s": 0.1} for epoch in range(1, 10)]
    for index in (8, 9):
        record.apply({"event": "report", "trial": index, "epochs": rows, "t": 3.0})
    # Ten epochs a trial, as the ended ones had: one more of each of the two that run.
    assert time_left_s(record, epochs_per_s=4.0) == 0.5


def test_a_trial_that_outlasts_the_others_has_an_epoch_left_at_least(record: SweepRecord) -> None:
    rows = [{"epoch": epoch, "dev_loss": 1.0, "epoch_s": 0.1} for epoch in range(1, 31)]
    record.apply({"event": "report", "trial": 8, "epochs": rows, "t": 3.0})
    assert time_left_s(record, epochs_per_s=1.0) == 1 + 10


def test_the_start_of_workers_is_no_part_of_the_first_pace() -> None:
    rate = EpochRate()
    assert rate.update(0, 100.0, 0.0) is None
    assert rate.update(0, 130.0, 0.0) is None  # thirty seconds until Ray has its workers
    # Three workers have trained four epochs of half a second each.
    assert rate.update(12, 132.0, 2.0) == pytest.approx(6.0)
    assert rate.update(24, 134.0, 4.0) == pytest.approx(6.0)


def test_the_first_pace_of_a_resumed_sweep_counts_what_it_has_trained_itself() -> None:
    rate = EpochRate()
    assert rate.update(500, 100.0, 80.0) is None
    assert rate.update(510, 150.0, 85.0) == pytest.approx(2.0)


def test_nothing_is_said_to_be_left_when_all_trials_have_ended(record: SweepRecord) -> None:
    record.trials, record.wanted = record.trials[:8], 8
    assert "left" not in status_line(record, epochs_per_s=4.0)


@pytest.mark.parametrize(("recorded", "shown"), [(1, True), (7, False)])
def test_a_tracker_that_falls_behind_is_mentioned(
    record: SweepRecord, tmp_path: Path, recorded: int, shown: bool
) -> None:
    RunFolder(tmp_path).tracking_status.write_text(json.dumps({"recorded": recorded, "error": ""}))
    tracking = TrackingProcess(RunFolder(tmp_path), "sqlite:///somewhere")
    line = Display("plain")._line(record, tracking)
    assert ("MLflow 7 trials behind" in line) == shown


@pytest.mark.parametrize(("recorded", "shown"), [(1, True), (7, False)])
def test_a_stage_is_compared_with_what_is_recorded_of_it(
    record: SweepRecord, tmp_path: Path, recorded: int, shown: bool
) -> None:
    status = {"recorded": 0 if recorded == 7 else 8, "recorded_in": {"final": recorded}}
    RunFolder(tmp_path).tracking_status.write_text(json.dumps(status))
    tracking = TrackingProcess(RunFolder(tmp_path), "sqlite:///somewhere")
    display = Display("plain")
    display.switch_to(record, "final")
    display.set_title("opening the test set")
    assert ("MLflow 7 trials behind" in display._line(record, tracking)) == shown
    display.show_recording()
    assert f"/8, {recorded} in stages; " in display._line(record, tracking)


def test_while_the_record_is_completed_no_pace_sinks(
    record: SweepRecord, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    RunFolder(tmp_path).tracking_status.write_text(json.dumps({"recorded": 1, "error": ""}))
    tracking = TrackingProcess(RunFolder(tmp_path), "sqlite:///somewhere")
    monkeypatch.setattr(EpochRate, "update", lambda *_: 4.0)
    display = Display("plain")
    assert "4 epochs/s" in display._line(record, tracking)
    display.show_recording()
    assert "epochs/s" not in display._line(record, tracking)


@pytest.mark.parametrize(
    ("code", "said"),
    [(1, "`sync` will complete it"), (None, "retrying")],
    ids=["dead", "waiting"],
)
def test_a_tracker_that_died_is_not_said_to_retry(
    record: SweepRecord, tmp_path: Path, code: int | None, said: str
) -> None:
    RunFolder(tmp_path).tracking_status.write_text(json.dumps({"recorded": 7, "error": "refused"}))
    tracking = TrackingProcess(RunFolder(tmp_path), "sqlite:///somewhere")
    tracking._process = SimpleNamespace(poll=lambda: code)  # type: ignore[assignment]
    line = Display("plain")._line(record, tracking)
    assert f"| refused (nothing is lost; {said})" in line


def test_what_keeps_mlflow_is_told_in_full_once_where_lines_stay(
    record: SweepRecord, tmp_path: Path
) -> None:
    tracking = TrackingProcess(RunFolder(tmp_path), "sqlite:///somewhere")
    plain, live = Display("plain"), Display("live")
    shown = []
    for error in ("refused", "refused", "no answer", "no answer"):
        RunFolder(tmp_path).tracking_status.write_text(json.dumps({"recorded": 7, "error": error}))
        line = plain._line(record, tracking)
        assert "| MLflow is still behind" in line or f"| {error} (" in line
        shown.append((error in line, error in live._line(record, tracking)))
    assert shown == [(True, True), (False, True), (True, True), (False, True)]


def test_what_is_piped_has_plain_lines_alone(tmp_path: Path) -> None:
    done = run(write_sweep(tmp_path, search="{method: random, trials: 2}"))
    assert done.returncode == 0
    assert "2/2 trials" in done.stderr
    assert set(done.stdout + done.stderr).isdisjoint({"\r", "\x1b", "\b"})


def test_quiet_prints_the_run_folder_alone(tmp_path: Path) -> None:
    done = run(write_sweep(tmp_path, search="{method: random, trials: 2}"), "--quiet")
    assert (done.returncode, done.stderr) == (0, "")
    assert (Path(done.stdout.rstrip("\n")) / "winner.json").exists()


def test_json_is_one_object_and_nothing_else(tmp_path: Path) -> None:
    done = run(write_sweep(tmp_path, search="{method: random, trials: 2}"), "--json")
    answer = json.loads(done.stdout)
    assert answer["outcomes"] == {"completed": 2}
    assert answer["winner"]["trial"] == answer["trials"][answer["winner"]["trial"]]["trial"]
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.4, "0 s"), (99.4, "99 s"), (99.5, "2 min"), (5969, "99 min"), (5970, "1 h 40 min"),
        (7169, "1 h 59 min"), (7199, "2 h 0 min"), (10_790, "3 h 0 min"), (86_399, "24 h 0 min"),
    ],
)  # fmt: skip
def test_a_duration_has_at_most_59_minutes_beside_its_hours(seconds: float, said: str) -> None:
    assert duration(seconds) == said
