"""Carries a ledger into MLflow: once (`sync`), or as it grows (`sync --follow`).

A server that is slow, down or comes back only delays this process; what is not recorded yet stays
in the ledger and is tried again.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sweeps.errors import TrackingError
from sweeps.ledger import read_events
from sweeps.records import Goal, SweepRecord, TrialRecord
from sweeps.run_folder import RunFolder
from sweeps.tracking_process import STATUS_FILE

__all__ = ["Follower", "follow", "sync"]

_POLL_S = 0.2
# A running trial's new epochs are sent this often; an ended trial's at once.
_RUNNING_PERIOD_S = 10.0
_LONGEST_WAIT_S = 15.0


class Follower:
    """Reads a ledger from where it last stopped, and knows which trials MLflow has not seen."""

    def __init__(self, folder: RunFolder, uri: str) -> None:
        self.folder = folder
        self.uri = uri
        goal = Goal(**folder.read_description()["goal"])
        self.record = SweepRecord(folder.read_plan(), goal)
        self.is_over = False
        self._projection: Any = None
        self._offset = 0
        self._rows: dict[int, list[dict[str, float]]] = {}
        self._elapsed_s: dict[int, float] = {}
        self._dirty: dict[int, float] = {}

    def read(self) -> None:
        """Take in what the ledger has gained; a longer plan is read again when it is needed."""
        for event, offset in read_events(self.folder.ledger, self._offset):
            self._offset = offset
            if event["event"] == "session":
                self.is_over = False
            if event["event"] == "report":
                self._keep_rows(self.record.trials[event["trial"]], event["epochs"])
            self.record.apply(event)
            if "trial" in event:
                self._dirty.setdefault(event["trial"], time.monotonic())
            elif event["event"] == "end":
                self.is_over = True

    def write(self, is_over: bool, everything: bool) -> None:
        """Send ended trials, and running ones whose time has come or `everything`.

        Raises:
            TrackingError: The store does not answer; what was not sent stays to be sent.
        """
        projection = self._project()
        now = time.monotonic()
        for index, since in list(self._dirty.items()):
            trial = self.record.trials[index]
            if trial.started_at is None:
                continue
            if trial.outcome is None and not everything and now - since < _RUNNING_PERIOD_S:
                continue
            projection.record_trial(trial, self._rows.get(index, []), is_over)
            self._rows.pop(index, None)
            del self._dirty[index]
            self.say()
        if is_over:
            projection.record_sweep(self.record, is_over)
            self._log_winner(projection)

    def say(self, error: str = "") -> None:
        """Write for the progress display how far the record is."""
        status = {
            "recorded": sum(
                trial.outcome is not None and trial.trial.index not in self._dirty
                for trial in self.record.trials
            ),
            "error": error,
            "pid": os.getpid(),
        }
        _write_quickly(self.folder.path / STATUS_FILE, status)

    def _project(self) -> Any:
        if self._projection is None:
            from sweeps.tracking import Projection

            self._projection = Projection(self.folder, self.uri)
        return self._projection

    def _log_winner(self, projection: Any) -> None:
        best = self.record.best
        if best is None or projection.model_is_current(best):
            return
        from sweeps.tracking_model import log_winner

        projection.mark_model(best, log_winner(projection, best))

    def _keep_rows(self, trial: TrialRecord, rows: list[dict[str, float]]) -> None:
        index = trial.trial.index
        kept = self._rows.setdefault(index, [])
        for row in self.record.new_rows(trial, rows):
            self._elapsed_s[index] = self._elapsed_s.get(index, 0.0) + row.get("epoch_s", 0.0)
            kept.append({**row, "_at_s": self._elapsed_s[index]})


def sync(folder: RunFolder, uri: str, is_running: bool) -> Follower:
    """Bring MLflow up to date with a run folder, once.

    Args:
        is_running: A session holds the folder now, so that open trials are left open.

    Raises:
        TrackingError: The store does not answer.
    """
    follower = Follower(folder, uri)
    follower.read()
    follower.write(is_over=not is_running, everything=True)
    return follower


def follow(folder: RunFolder, uri: str, driver_is_alive: Callable[[], bool]) -> None:
    """Keep MLflow up to date until the session has ended and all is recorded, or it is killed.

    A driver that dies without a word (SIGKILL) is noticed; its open trials stay open for the
    resume that will follow.
    """
    follower = Follower(folder, uri)
    wait_s = _POLL_S
    while True:
        alive = driver_is_alive()
        follower.read()
        try:
            follower.write(is_over=follower.is_over, everything=follower.is_over or not alive)
        except TrackingError as err:
            follower.say(error=str(err))
            wait_s = min(2 * wait_s, _LONGEST_WAIT_S)
            if not alive:
                raise
        else:
            wait_s = _POLL_S
            follower.say()
            if follower.is_over or not alive:
                return
        time.sleep(wait_s)


def _write_quickly(path: Path, status: dict[str, Any]) -> None:
    """Replace a small status file; not made durable, since only running processes read it."""
    temporary = path.with_suffix(".tmp")
    temporary.write_bytes(json.dumps(status).encode())
    temporary.replace(path)
