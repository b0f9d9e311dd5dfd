"""The recorder writes each thing once, counts attempts, and says when a sweep must stop."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from sweeps.definition.planning import PlannedTrial
from sweeps.definition.sweep_file import SweepFile
from sweeps.errors import StorageError
from sweeps.models.scoring.objective import Objective
from sweeps.record.hangs import timeout_stack_path
from sweeps.record.ledger import Ledger, read_events
from sweeps.record.recorder import Recorder
from sweeps.record.run_folder import RunFolder
from sweeps.record.stops import Stop, StopReason
from sweeps.record.sweep_record import Outcome, SweepRecord
from sweeps.record.trial_report import TrialReport
from tests.sweeps.drivers import events

FILE = {
    "name": "one",
    "data": {"source": "iris"},
    "search": {"method": "grid"},
    "space": {},
}
PLAN = [PlannedTrial(index, f"{index:012x}", index, {}) for index in range(4)]
STACK = (
    'Thread 1:\n  File "/ray/wait.py", line 1 in wait\n\nThread 2:\n  File "/net.py", line 7 in f'
)
STACK += '\n  File "/sweeps/execution/trial_worker.py", line 9 in advance\n'


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return RunFolder.create(tmp_path, "one")


@pytest.fixture
def ledger(folder: RunFolder) -> Iterator[Ledger]:
    opened = Ledger(folder.ledger)
    yield opened
    opened.close()


def recorder(
    folder: RunFolder, ledger: Ledger, retries: int = 1, spent_s: float = 0.0, **budget: Any
) -> Recorder:
    record = SweepRecord(PLAN, Objective("dev_loss", "min"))
    file = SweepFile.model_validate({**FILE, "trial": {"retries": retries}, "budget": budget})
    return Recorder(folder, ledger, record, file, spent_s=spent_s)


def report(trial: int, epoch: int = 1, loss: float = 0.5, **more: Any) -> TrialReport:
    return TrialReport(trial, [{"epoch": epoch, "dev_loss": loss}], **more)


def test_a_repeated_report_is_written_once(folder: RunFolder, ledger: Ledger) -> None:
    one = recorder(folder, ledger)
    assert [one.reported(report(0)), one.reported(report(0))] == [True, False]
    assert len(events(folder.path, "report")) == 1


def test_what_was_used_of_the_time_before_a_pause_stays_used(
    folder: RunFolder, ledger: Ledger
) -> None:
    assert not recorder(folder, ledger, time_s=1000).should_stop()
    assert not recorder(folder, ledger, spent_s=900, time_s=1000).should_stop()
    assert recorder(folder, ledger, spent_s=1000, time_s=1000).should_stop()


def test_a_trial_ends_once(folder: RunFolder, ledger: Ledger) -> None:
    one = recorder(folder, ledger)
    one.ended(0, Outcome.PRUNED, "worse")
    one.ended(0, Outcome.COMPLETED, "")
    assert [event["outcome"] for event in events(folder.path, "outcome")] == ["pruned"]


def test_errors_and_deaths_are_counted_together(folder: RunFolder, ledger: Ledger) -> None:
    one = recorder(folder, ledger, retries=1)
    one.attempt_failed(0, "WorkerDied: gone")
    assert one.record.trials[0].outcome is None
    one.reported(TrialReport(0, [], failure="ValueError: bad\ntrace"))
    assert one.record.trials[0].reason == "failed 2 times; last error: ValueError: bad"


def failed(error: str, *, is_code_error: bool = True) -> TrialReport:
    return TrialReport(0, [], failure=f"{error}\ntrace", is_code_error=is_code_error)


def test_an_error_of_code_that_is_met_twice_alike_ends_the_trial(
    folder: RunFolder, ledger: Ledger
) -> None:
    one = recorder(folder, ledger, retries=5)
    one.reported(failed("KeyError: 'a'"))
    one.reported(failed("KeyError: 'a'"))
    wanted = (
        "failed 2 times with the same error, so it was not tried again; last error: KeyError: 'a'"
    )
    assert one.record.trials[0].reason == wanted
    assert one.record.trials[0].error == "KeyError: 'a'"


def test_errors_that_differ_or_may_pass_or_come_later_are_tried_again(
    folder: RunFolder, ledger: Ledger
) -> None:
    one = recorder(folder, ledger, retries=6)
    one.reported(failed("KeyError: 'a'"))
    one.reported(failed("KeyError: 'b'"))
    one.reported(failed("OSError: away", is_code_error=False))
    one.reported(failed("OSError: away", is_code_error=False))
    one.reported(failed("KeyError: 'b'"))
    one.reported(report(0))
    one.reported(failed("KeyError: 'b'"))
    assert one.record.trials[0].outcome is None


def test_lost_nodes_do_not_count_against_a_trials_retries_but_have_an_end(
    folder: RunFolder, ledger: Ledger
) -> None:
    one = recorder(folder, ledger, retries=1)
    for _ in range(10):
        one.attempt_failed(0, "WorkerDied: its node has died", of_node=True)
    one.attempt_failed(0, "ValueError: bad")
    assert one.record.trials[0].outcome is None
    one.attempt_failed(0, "WorkerDied: its node has died", of_node=True)
    assert one.record.trials[0].outcome is Outcome.FAILED


def test_a_hung_trial_has_failed_at_once_and_says_where(folder: RunFolder, ledger: Ledger) -> None:
    timeout_stack_path(folder.checkpoints, 0).write_text(STACK)
    one = recorder(folder, ledger, retries=5)
    one.attempt_failed(0, "WorkerDied: gone")
    assert one.record.trials[0].outcome is Outcome.FAILED
    assert one.record.trials[0].reason.endswith('at File "/net.py", line 7 in f')
    assert one.record.trials[0].error == ""
    assert not timeout_stack_path(folder.checkpoints, 0).exists()


@pytest.mark.parametrize(
    ("number", "reason", "detail", "way_out"),
    [
        (errno.ENOSPC, StopReason.DISK_FULL, "the disk is full", "free some space"),
        (errno.EDQUOT, StopReason.DISK_FULL, "the disk is full", "free some space"),
        (errno.EROFS, StopReason.OTHER, "the disk is read-only", "mount it read-write"),
        (errno.ENOENT, StopReason.OTHER, "the run folder is gone", "put it back"),
        (errno.EPERM, StopReason.OTHER, "the run folder is not writable", "change its perm"),
        (errno.EIO, StopReason.OTHER, "the disk has a fault", "check it, or move"),
        (errno.ENXIO, StopReason.OTHER, "the record could not be written", "fix that"),
    ],
)
def test_what_a_worker_cannot_save_stops_the_sweep_and_fails_no_trial(
    folder: RunFolder, ledger: Ledger, number: int, reason: StopReason, detail: str, way_out: str
) -> None:
    one = recorder(folder, ledger)
    sent = TrialReport(0, [], unsaved=os.strerror(number), errno=number).to_json()
    one.reported(TrialReport.from_json(sent))
    assert one.should_stop()
    assert f"{os.strerror(number)}; {way_out}" in str(one.fatal)
    assert one.stop == Stop(reason, detail)
    assert one.record.trials[0].failures == []


def test_a_ledger_that_is_refused_says_why_the_session_stopped(
    folder: RunFolder, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = recorder(folder, ledger)

    def refused(*arguments: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", refused)
        assert not one.reported(report(0))
    assert one.stop == Stop(StopReason.OTHER, "the disk is read-only")


class LedgerWithoutRoom(Ledger):
    """One whose disk has room for short lines alone."""

    def append(self, *events: Mapping[str, Any]) -> None:
        if any(event["event"] == "report" for event in events):
            raise StorageError("no room for a report")
        super().append(*events)


def test_an_outcome_whose_epochs_found_no_room_is_not_written(folder: RunFolder) -> None:
    ledger = LedgerWithoutRoom(folder.ledger)
    one = recorder(folder, ledger)
    checkpoint = folder.checkpoints / "000000.pt"
    checkpoint.touch()
    assert not one.reported(report(0, outcome=Outcome.COMPLETED))
    one.ended(1, Outcome.PRUNED, "worse")
    one.end(Stop(StopReason.DISK_FULL, "the disk is full"))
    ledger.close()
    assert one.should_stop()
    assert [event["event"] for event in read_events(folder.ledger)] == ["end"]
    assert one.record.trials[0].outcome is None
    assert checkpoint.exists()


@pytest.mark.parametrize(
    ("budget", "words"),
    [
        ({"trials": 1}, "budget.trials = 1"),
        ({"target": 0.5}, "budget.target = 0.5 is reached"),
        ({"time_s": 1e-9}, "budget.time_s"),
    ],
)
def test_a_budget_stops_the_sweep_and_says_which(
    folder: RunFolder, ledger: Ledger, budget: dict[str, Any], words: str
) -> None:
    one = recorder(folder, ledger, **budget)
    one.reported(report(0, outcome=Outcome.COMPLETED))
    assert one.should_stop()
    assert words in str(one.stop)


def test_too_many_failures_stop_the_sweep(folder: RunFolder, ledger: Ledger) -> None:
    one = recorder(folder, ledger, retries=0, max_failures=1)
    one.attempt_failed(0, "bad")
    assert not one.should_stop()
    one.attempt_failed(1, "bad")
    assert str(one.stop) == "2 trials failed; budget.max_failures = 1"


def test_the_first_reason_to_stop_stays(folder: RunFolder, ledger: Ledger) -> None:
    one = recorder(folder, ledger)
    one.request_stop(StopReason.INTERRUPTED, "first")
    one.request_stop(StopReason.DISK_FULL, "second")
    assert one.stop == Stop(StopReason.INTERRUPTED, "first")
