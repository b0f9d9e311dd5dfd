"""Starts and ends the process that carries a running sweep's ledger into MLflow.

A process of its own, at the lowest priority: whatever MLflow costs, and however slow or dead its
server is, neither a trial nor Tune's event loop waits for it. It reads the ledger, so it cannot
lose what it never held.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import IO, Any, Self

from sweeps.errors import StorageError
from sweeps.infra.package import python_path
from sweeps.infra.sqlite_uri import file_of
from sweeps.infra.strict_warnings import lenient_environment
from sweeps.record.run_folder import RunFolder
from sweeps.storage.refusals import next_step

__all__ = ["LOG_FILE", "TrackingProcess"]

LOG_FILE = "tracking.log"
# How long the end of a sweep waits for a server that does not answer, and for what takes long on
# a busy machine: the tracker's start, a store in a file, artifacts and a model, and a report.
PATIENCE_S = 20.0
_LONG_PATIENCE_S = 300.0
_LOWEST_PRIORITY = 19
_STAGES = ("start", "trials", "sweep", "model", "report", "done")
_LONG_STAGES = ("start", "sweep", "model", "report")


class TrackingProcess:
    """The tracker of one session; `recorded` and `error` say how it is doing."""

    def __init__(self, folder: RunFolder, uri: str | None) -> None:
        """Record `folder` at an MLflow URI; without one, do nothing."""
        self._folder = folder
        self._uri = uri
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        if self._uri is None:
            return self
        log = self._begin_log()
        command = [sys.executable, "-P", "-m", "sweeps", "sync", str(self._folder.path)]
        # Its parent by then may be another, where the driver is killed at once.
        command += ["--follow", str(os.getpid())]
        with log:
            self._process = subprocess.Popen(
                command,
                env=_environment(self._uri),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        with suppress(OSError):  # it may have ended
            os.setpriority(os.PRIO_PROCESS, self._process.pid, _LOWEST_PRIORITY)
        return self

    def _begin_log(self) -> IO[bytes]:
        """Return the file for what the tracker prints; what an earlier one said is deleted.

        Raises:
            StorageError: The run folder cannot be written to.
        """
        status, log = self._folder.tracking_status, self._folder.path / LOG_FILE
        try:
            status.unlink(missing_ok=True)
            return log.open("ab")
        except OSError as err:
            why = f"{err.strerror}; {next_step(err.errno or 0)}"
            raise StorageError(f"cannot write {err.filename}: {why}") from err

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            self._process.wait()

    def finish(self, must_stop: Callable[[], bool] = lambda: False) -> None:
        """Wait until all is recorded and the report drawn, or there is no progress for too long.

        Args:
            must_stop: Whether somebody asks for an end of the waiting.
        """
        if self._process is None:
            return
        furthest, since = self._progress(), time.monotonic()
        while self._process.poll() is None and not must_stop():
            if time.monotonic() - since > (_LONG_PATIENCE_S if self._is_busy() else PATIENCE_S):
                return
            time.sleep(0.02)
            # After an error the stages come again, which is not progress.
            reached = tuple(map(max, self._progress(), furthest))
            if reached != furthest:
                furthest, since = reached, time.monotonic()

    def _is_busy(self) -> bool:
        """Return whether the tracker works, and does not wait for a server."""
        is_file = self._uri is not None and file_of(self._uri) is not None
        return not self.error and (is_file or self._stage() in _LONG_STAGES)

    def _stage(self) -> str:
        return str(self.status().get("stage", "start"))  # until it has said anything

    @property
    def is_on(self) -> bool:
        """Whether this session is recorded in MLflow at all."""
        return self._uri is not None

    @property
    def has_ended(self) -> bool:
        """Whether the tracker is no longer there to record anything."""
        return self._process is not None and self._process.poll() is not None

    @property
    def is_complete(self) -> bool:
        """Whether all that the ledger has is in MLflow."""
        return self._process is None or self._process.poll() == 0

    @property
    def error(self) -> str:
        """What keeps the tracker from recording now, or an empty text."""
        if self._process is not None and self._process.poll() not in (None, 0):
            log = self._folder.path / LOG_FILE
            return str(self.status().get("error") or f"recording in MLflow stopped: see {log}")
        return str(self.status().get("error") or "")

    def _progress(self) -> tuple[int, ...]:
        """Return how many ended trials are recorded, stages' too, and the number of the stage."""
        in_stages = sum(self.status().get("recorded_in", {}).values())
        return self.recorded() + in_stages, _STAGES.index(self._stage())

    def recorded(self) -> int:
        """Return how many ended trials of the search are in MLflow."""
        return int(self.status().get("recorded", 0))

    def status(self) -> dict[str, Any]:
        """Return what the tracker last said: recorded trials, stage, error."""
        try:
            return dict(json.loads(self._folder.tracking_status.read_bytes()))
        except (OSError, ValueError):
            return {}


def _environment(uri: str) -> dict[str, str]:
    return {**lenient_environment(), "MLFLOW_TRACKING_URI": uri, "PYTHONPATH": python_path()}
