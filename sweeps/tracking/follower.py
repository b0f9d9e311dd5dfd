"""Carries a ledger into MLflow: once (`sync`), or as it grows (`sync --follow`).

A server that is slow, down or comes back only delays this process; what is not recorded yet stays
in the ledger and is tried again.
"""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sweeps.errors import RefusedRecordError, RunFolderError, TrackingError
from sweeps.findings.stages import kept_finals, stage_folders
from sweeps.infra.settings import without_password
from sweeps.infra.strict_warnings import lenient_warnings
from sweeps.infra.whole_file import replace_file
from sweeps.record.ledger import LedgerReader
from sweeps.record.replay import replayed
from sweeps.record.run_folder import RunFolder
from sweeps.record.run_log import log, logged
from sweeps.record.sweep_record import Outcome, SweepRecord, TrialRecord
from sweeps.tracking.process import LOG_FILE
from sweeps.tracking.tracker import OpenTracker, Tracker

__all__ = ["Closing", "Follower", "follow", "run_page", "sync"]

_POLL_S = 0.1
# A running trial's new epochs are sent this often; an ended trial's at once.
_RUNNING_PERIOD_S = 10.0
_LONGEST_WAIT_S = 15.0
# What is written here is tried again here: MLflow's own seven retries would take four minutes.
_SETTINGS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
    "MLFLOW_LOGGING_LEVEL": "ERROR",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "GIT_PYTHON_REFRESH": "quiet",
}


@dataclass(frozen=True)
class Closing:
    """What is to be made of a sweep that is over.

    Attributes:
        diagnose: Returns what is to be said of each trial, in words.
        report: Writes the report; returns its file, or None where it could not be drawn.
    """

    diagnose: Callable[[RunFolder], Mapping[int, str]]
    report: Callable[[RunFolder], Path | None]


def _open_mlflow(folder: RunFolder, uri: str, inside: str | None) -> Tracker:
    # Slow to import: while trials train, and not for a command that only asks how far it is.
    from sweeps.tracking.mlflow.tracker import MlflowTracker

    return MlflowTracker(folder, uri, inside)


def _open_checking(folder: RunFolder, uri: str, inside: str | None) -> Tracker:
    from sweeps.tracking.mlflow.tracker import MlflowTracker

    return MlflowTracker(folder, uri, inside, checks=True)


def run_page(folder: RunFolder, uri: str, trial: int | None) -> str | None:
    """Return where MLflow's pages show a trial, or the sweep, below their address; None if nowhere.

    Raises:
        TrackingError: The store does not answer or refuses.
    """
    from sweeps.tracking.mlflow.links import page_of

    with _settings():
        return page_of(folder, uri, trial)


class Follower:
    """Reads a ledger from where it last stopped, and knows which trials a tracker has not seen."""

    def __init__(
        self, folder: RunFolder, uri: str, open_tracker: OpenTracker = _open_mlflow
    ) -> None:
        self.folder = folder
        self.uri = uri
        description, plan = folder.read_description(), folder.read_plan()
        about = description.objective, description.id, description.trials
        self.record = SweepRecord(plan, *about)
        if not folder.ledger.exists():
            folder.refuse_results_without_ledger()
        self.is_over = False
        self._open = open_tracker
        self._tracker: Tracker | None = None
        self._had_errors = False
        self._recorded_at: float | None = None
        self._ledger = LedgerReader(folder.ledger)
        self._rows: dict[int, list[dict[str, float]]] = {}
        self._elapsed_s: dict[int, float] = {}
        self._bests: dict[int, float] = {}
        self._dirty: dict[int, float] = {}
        self._stages: dict[str, Follower] = {}

    def read(self) -> None:
        """Take in what the ledger has gained, and those of the stages."""
        for event in replayed(self.record, self._ledger):
            if event["event"] == "session":
                self.is_over = False
            if "trial" in event:
                self._dirty.setdefault(event["trial"], time.monotonic())
                self._keep_rows(event)
            elif event["event"] == "end":
                self.is_over = True
        for stage, folder in (kept_finals(self.folder) | stage_folders(self.folder)).items():
            if stage not in self._stages:
                self._stages[stage] = Follower(folder, self.uri, self._open)
            self._stages[stage].read()

    def write(self, is_over: bool, everything: bool) -> None:
        """Send ended trials, and running ones whose time has come or `everything`.

        Raises:
            TrackingError: The store does not answer; what was not sent stays to be sent.
        """
        if is_over and self._had_errors:
            # A request that was given up may have been answered late: look at what there is.
            self._tracker, self._had_errors = None, False
        try:
            with _settings():
                self._write(self.tracker(), is_over, everything)
        except TrackingError:
            self._tracker, self._had_errors = None, True
            raise

    def log_closing(self, closing: Closing) -> None:
        """Tag the trials with their diagnoses, and put the report beside the sweep's run.

        The report comes last: it takes seconds, and the record is complete before.

        Raises:
            TrackingError: The store does not answer.
        """
        diagnoses = closing.diagnose(self.folder)
        with _settings():
            self.tracker().note_diagnoses(diagnoses)
        self._recorded_at = time.time()
        self.write_status(stage="report")
        report = closing.report(self.folder)
        if report is not None:
            with _settings():
                self.tracker().log_file(report)

    @property
    def recorded(self) -> int:
        """How many ended trials the tracker has."""
        return sum(
            trial.outcome is not None and trial.trial.index not in self._dirty
            for trial in self.record.trials
        )

    def write_status(self, error: str = "", stage: str = "trials") -> None:
        """Write for the progress display how far the record is."""
        status = {
            "recorded": self.recorded,
            "recorded_in": {name: one.recorded for name, one in self._stages.items()},
            "stage": stage,
            "error": error,
            "pid": os.getpid(),
            "recorded_at": self._recorded_at,
        }
        _write_quickly(self.folder.tracking_status, status)

    def _write(self, tracker: Tracker, is_over: bool, everything: bool) -> None:
        self._write_trials(tracker, is_over, everything, self.write_status)
        for stage in self._stages.values():
            stage.write_stage(tracker.parent_id, is_over, everything, self.write_status)
        if is_over:
            self.write_status(stage="sweep")
            tracker.record_sweep(self.record, is_over)
            self.write_status(stage="model")
            tracker.record_model(self.record)

    def write_stage(
        self, sweep_run: str, is_over: bool, everything: bool, write_status: Callable[[], None]
    ) -> None:
        """Send what a stage of the sweep with this run has gained; raises TrackingError."""
        try:
            tracker = self.tracker(inside=sweep_run)
            self._write_trials(tracker, is_over, everything, write_status)
            if is_over:
                tracker.record_sweep(self.record, is_over)
        except TrackingError:
            self._tracker = None
            raise

    def _write_trials(
        self, tracker: Tracker, is_over: bool, everything: bool, write_status: Callable[[], None]
    ) -> None:
        if not is_over:
            tracker.record_sweep(self.record, is_over)
        for index in tracker.record_trials(self._due(everything), self._rows, is_over):
            self._rows.pop(index, None)
            del self._dirty[index]
            write_status()

    def _due(self, everything: bool) -> list[TrialRecord]:
        """Return the trials to send now: those that ended, and running ones whose time has come."""
        now = time.monotonic()
        dirty = ((self.record.trials[index], since) for index, since in self._dirty.items())
        return [
            trial
            for trial, since in dirty
            if trial.started_at is not None
            and (everything or trial.outcome is not None or now - since >= _RUNNING_PERIOD_S)
        ]

    def tracker(self, inside: str | None = None) -> Tracker:
        """Return the tracker, opened at first use and again after an error.

        Args:
            inside: The run of the sweep whose stage this is.
        """
        if self._tracker is None:
            self._tracker = self._open(self.folder, self.uri, inside)
        return self._tracker

    def _keep_rows(self, event: Mapping[str, Any]) -> None:
        index, rows = event["trial"], event.get("epochs", [])
        kept, trial = self._rows.setdefault(index, []), self.record.trials[index]
        changes = trial.trial.configuration.get("changes", ())
        begins_anew = {change["from_epoch"] for change in changes}
        if trial.best is None:
            self._bests.pop(index, None)
        for row in rows:
            if row["epoch"] in begins_anew:  # another net was trained before
                self._bests.pop(index, None)
            self._elapsed_s[index] = self._elapsed_s.get(index, 0.0) + row.get("epoch_s", 0.0)
            has_diverged = row is rows[-1] and event.get("outcome") == Outcome.DIVERGED
            about = {"_at_s": self._elapsed_s[index]}
            if not has_diverged and self._is_best(index, row):
                about["_is_best"] = 1.0
            kept.append({**row, **about})

    def _is_best(self, index: int, row: Mapping[str, float]) -> bool:
        """Return whether an epoch is better than those of the trial before it."""
        objective = self.record.objective
        if not objective.better(row[objective.metric], self._bests.get(index)):
            return False
        self._bests[index] = row[objective.metric]
        return True


def sync(folder: RunFolder, uri: str, is_running: bool, closing: Closing) -> Follower:
    """Make MLflow equal to the record of a run folder, whatever it holds of it.

    Args:
        is_running: A session holds the folder now: open trials are left open, unless its ledger
            says that it is over, and it only waits for its own tracker.
        closing: What is made of a sweep that is over.

    Raises:
        TrackingError: The store does not answer.
    """
    follower = Follower(folder, uri, _open_mlflow if is_running else _open_checking)
    follower.read()
    is_over = follower.is_over or not is_running
    follower.write(is_over=is_over, everything=True)
    if is_over:
        follower.log_closing(closing)
    return follower


def follow(
    folder: RunFolder, uri: str, driver_is_alive: Callable[[], bool], closing: Closing
) -> bool:
    """Keep MLflow up to date until the session has ended and all is recorded, or it is killed.

    A driver that dies without a word (SIGKILL) is noticed; its open trials stay open for the
    resume that will follow.

    Returns:
        Whether the session has ended; False where its driver died before.

    Raises:
        TrackingError: The store refused the same twice as wrong, or the driver died and the store
            does not answer.
    """
    follower = Follower(folder, uri)
    with _settings():
        import sweeps.tracking.mlflow.tracker  # noqa: F401 # slow: the status says when it is done
    follower.write_status()
    with logged(folder, LOG_FILE):
        _follow(follower, driver_is_alive, closing)
    return follower.is_over


def _follow(follower: Follower, driver_is_alive: Callable[[], bool], closing: Closing) -> None:
    log(logging.INFO, f"recording in MLflow at {without_password(follower.uri)}")
    wait_s, problem = _POLL_S, ""
    while True:
        alive = driver_is_alive()
        follower.read()
        try:
            follower.write(is_over=follower.is_over, everything=follower.is_over or not alive)
            if follower.is_over:
                follower.log_closing(closing)
        except RunFolderError as err:  # what is there no longer will not come by itself
            follower.write_status(error=str(err))
            raise
        except TrackingError as err:
            follower.write_status(error=str(err))
            wait_s = min(2 * wait_s, _LONGEST_WAIT_S)
            # Once more: what was deleted by hand meanwhile is refused too, and then made again.
            is_final = isinstance(err, RefusedRecordError) and str(err) == problem
            if is_final or not alive:
                raise
            if str(err) != problem:  # a server that is down says the same for hours
                log(logging.WARNING, str(err))
            problem = str(err)
        else:
            if problem:
                log(logging.INFO, "MLflow answers again")
            wait_s, problem = _POLL_S, ""
            if follower.is_over or not alive:
                follower.write_status(stage="done")
                log(logging.INFO, f"{follower.recorded} ended trials are recorded")
                return
        time.sleep(wait_s)


@contextmanager
def _settings() -> Iterator[None]:
    """Have MLflow behave as a tracker wants it, where the user has not said otherwise."""
    added = {key: value for key, value in _SETTINGS.items() if key not in os.environ}
    os.environ.update(added)
    try:
        with lenient_warnings():
            yield
    finally:
        for key in added:
            os.environ.pop(key, None)


def _write_quickly(path: Path, status: dict[str, Any]) -> None:
    """Replace a small status file; not made durable, since only running processes read it."""
    replace_file(path, json.dumps(status).encode(), durable=False)
