"""What a page needs to know of a sweep, and of it only what has changed since it last asked.

The record on disk is all that is read, each line of a ledger once; nothing is written.
"""

from __future__ import annotations

import json
import threading
import time
from bisect import bisect_right
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from sweeps.analysis.evidence import dimensions, parameter_values
from sweeps.definition.configurations import flatten
from sweeps.errors import RunFolderError
from sweeps.findings.pareto import front_trials
from sweeps.findings.stages import state_of
from sweeps.record.ledger import LedgerReader
from sweeps.record.replay import replayed
from sweeps.record.requests import asked_trials
from sweeps.record.run_folder import RunFolder
from sweeps.record.sweep_record import SweepRecord, TrialRecord
from sweeps.search_spaces.space import Space
from sweeps.watch.plain_values import finite, six_digits
from sweeps.watch.what_matters import WhatMatters

__all__ = ["Feed"]

Point = tuple[int, int, int, float]


@dataclass(frozen=True)
class _Cursor:
    """How far a page has read: the line of the ledger, of which reading of the folder."""

    reading: int = 0
    line: int = 0

    @classmethod
    def of(cls, text: str) -> _Cursor:
        """Read `2.140`; anything else is a page that has nothing yet."""
        reading, _, line = text.partition(".")
        both = reading.isascii() and line.isascii() and reading.isdecimal() and line.isdecimal()
        return cls(int(reading[:9]), int(line[:12])) if both else cls()


class Feed:
    """Follows one run folder for any number of pages."""

    def __init__(self, folder: RunFolder) -> None:
        self.folder = folder
        self._lock = threading.Lock()
        self._readings = 0
        self._open: _Reading | None = None
        self._matters = WhatMatters(folder)

    def changes(self, since: str = "") -> dict[str, Any]:
        """Return what has changed since a page last asked, as values for JSON.

        Args:
            since: The `cursor` of the answer before; empty, or that of another reading of the
                folder, asks for all that there is.

        Raises:
            RunFolderError: The folder was damaged.
        """
        with self._lock:
            reading, asked = self._read(), _Cursor.of(since)
            is_whole = asked.reading != self._readings or asked.line > reading.line
            line = -1 if is_whole else asked.line
            grown = is_whole or reading.has_grown_since(line)
            trials = reading.trials_since(line)
            return {
                "cursor": f"{self._readings}.{reading.line}",
                "whole": is_whole,
                "sweep": self._about(reading.record),
                "dimensions": reading.dimensions() if grown else None,
                "trials": trials,
                "front": sorted(front_trials(reading.record)) if trials else None,
                "curves": reading.curves_since(line),
            }

    def is_in_mlflow(self) -> bool:
        """Return whether MLflow has, or will have, a record of it; raises as `changes`."""
        with self._lock:
            leaves_out = self._read().leaves_mlflow_out
        return not leaves_out or self.folder.tracking_status.exists()

    def what_matters(self) -> dict[str, Any]:
        """Return which parameters matter, as values for JSON; raises as `changes`."""
        with self._lock:
            ended = self._read().record.outcomes.total()
        return self._matters.told(ended, is_over=not self.folder.is_running())

    def course(self) -> dict[str, Any]:
        """Return how far the sweep is, and each step of its best so far; raises as `changes`.

        A step is (trials ended, seconds of work, best so far); the last is where the sweep is now.
        Settings are those of the sweep file by dotted keys, as texts, defaults included.
        """
        settings = flatten(self.folder.read_description().values)
        with self._lock:
            record = self._read().record
            return {
                "sweep": self._about(record),
                "steps": _steps(record),
                "settings": {key: _text(value) for key, value in settings.items()},
            }

    def summary(self) -> dict[str, Any]:
        """Return how far the sweep is; raises RunFolderError as `changes`."""
        with self._lock:
            return self._about(self._read().record)

    def _read(self) -> _Reading:
        """Return the reading of the folder as it is now."""
        if self._open is None or not self._open.is_of_this_folder():
            self._begin()
        assert self._open is not None
        try:
            self._open.read_on()
        except RunFolderError:
            # A plan may have been lengthened between the reading of sweep.json and of the ledger.
            self._begin()
            self._open.read_on()
        return self._open

    def _begin(self) -> None:
        self._open = None
        self._open = _Reading(self.folder)
        self._readings += 1

    def _about(self, record: SweepRecord) -> dict[str, Any]:
        running = self.folder.is_running()
        description = self.folder.read_description()
        best = record.best
        return {
            "name": self.folder.name,
            "state": state_of(self.folder, record, running),
            "metric": record.objective.metric,
            "others": [{"metric": one.metric, "mode": one.mode} for one in record.objective.others],
            "mode": record.objective.mode,
            "method": description.values["search"]["method"],
            "data": description.data.source,
            "created_at": description.created_at,
            "started_at": record.started_at,
            "ended_at": record.ended_at,
            "active_s": finite(_active_s(record, running)),
            "wanted": record.wanted,
            "to_be_added": _to_be_added(self.folder) if running else 0,
            "outcomes": {str(one): count for one, count in record.outcomes.items() if count},
            "running": sum(one.is_running for one in record.trials) if running else 0,
            "epochs": sum(one.epochs for one in record.trials),
            "best": None if best is None else best.trial.index,
            "best_value": None if best is None else record.value(best),
            "stopped": "" if record.stopped is None else str(record.stopped),
            "shared": record.nodes.words if running else "",
            "has_report": (self.folder.path / "report.html").exists(),
        }


def _text(value: Any) -> str:
    return "none" if value is None else value if isinstance(value, str) else json.dumps(value)


def _steps(record: SweepRecord) -> list[tuple[int, float, float]]:
    worked = {trial.ended: trial.worked_s for trial in record.trials if trial.ended}
    steps: list[tuple[int, float, float]] = []
    for count, best in enumerate(record.bests, start=1):
        # Of a trial that was tried again, the time of its first end is no longer known.
        worked_s = worked.get(count)
        if best.row is None or worked_s is None:
            continue
        value = best.row[record.objective.metric]
        if count == len(record.bests) or not steps or value != steps[-1][2]:
            steps.append((count, round(worked_s, 3), value))
    return steps


def _to_be_added(folder: RunFolder) -> int:
    """Return how many more trials are asked for; none while that cannot be read."""
    try:
        return asked_trials(folder)
    except OSError:
        return 0


class _Reading:
    """A folder read from its beginning on, and where in the ledger each thing changed."""

    def __init__(self, folder: RunFolder) -> None:
        self._folder = folder
        self._description = folder.read_description()
        about = self._description
        self.record = SweepRecord(folder.read_plan(), about.objective, about.id, about.trials)
        self._space = Space(folder.read_sweep().space)
        self._values: list[list[float | None]] = []
        self._ledger = LedgerReader(folder.ledger)
        # As the last session was asked to; a `sync` records it nevertheless.
        self.leaves_mlflow_out = False
        self._size = 0
        self._changed = [0] * len(self.record.trials)
        self._points: list[Point] = []
        self._grown_at = 0
        self._take_new_trials()

    @property
    def line(self) -> int:
        """The line of the ledger that was read last."""
        return self._ledger.line

    def is_of_this_folder(self) -> bool:
        """Return whether the folder still is the one that was read."""
        is_whole = not self._size or (
            self._folder.ledger.exists() and self._folder.ledger.stat().st_size >= self._size
        )
        return is_whole and self._folder.read_description() == self._description

    def read_on(self) -> None:
        """Take what the ledger has gained."""
        for event in replayed(self.record, self._ledger):
            if "trial" in event:
                self._changed[event["trial"]] = self.line
            elif event["event"] in ("session", "end"):  # nothing runs from here on
                self._touch_unfinished()
            if event["event"] == "session":
                self.leaves_mlflow_out = event.get("mlflow") is False
            if event["event"] == "report":
                self._take_points(event)
            self._take_new_trials()
        if self._folder.ledger.exists():
            self._size = self._folder.ledger.stat().st_size

    def has_grown_since(self, line: int) -> bool:
        """Return whether trials were planned after this line."""
        return self._grown_at > line

    def dimensions(self) -> list[dict[str, Any]]:
        """Return every parameter: what it is called, and its axis."""
        return [
            {
                "name": one.name,
                "kind": one.kind,
                "low": finite(one.low),
                "high": finite(one.high),
                "log": one.log,
                "options": list(one.options),
            }
            for one in dimensions(self._space, self._values)
        ]

    def trials_since(self, line: int) -> list[dict[str, Any]]:
        """Return the trials that changed after this line, each whole but for its curve."""
        return [
            self._trial(trial, values)
            for trial, values, changed in zip(
                self.record.trials, self._values, self._changed, strict=True
            )
            if changed > line
        ]

    def curves_since(self, line: int) -> dict[int, list[tuple[int, float | None]]]:
        """Return (epoch, objective) of each trial, of the epochs that came after this line."""
        curves: dict[int, list[tuple[int, float | None]]] = {}
        for _, trial, epoch, value in self._points[bisect_right(self._points, line, key=_LINE) :]:
            curves.setdefault(trial, []).append((epoch, six_digits(value)))
        return curves

    def _trial(self, trial: TrialRecord, values: list[float | None]) -> dict[str, Any]:
        value = self.record.value(trial)
        others = self.record.objective.others
        return {
            "trial": trial.trial.index,
            "outcome": _status(trial),
            "value": value,
            "others": [None if value is None else finite(trial.value_of(one)) for one in others],
            "best_epoch": trial.best_epoch,
            "epochs": trial.epochs,
            "train_s": finite(round(trial.train_s, 3)),
            "ended_at": trial.ended_at,
            "reason": trial.reason,
            "failures": trial.failures,
            "values": [None if one is None else finite(one) for one in values],
        }

    def _take_points(self, event: dict[str, Any]) -> None:
        metric, trial = self.record.objective.metric, event["trial"]
        for row in event["epochs"]:
            self._points.append((self.line, trial, int(row["epoch"]), row[metric]))

    def _take_new_trials(self) -> None:
        new = self.record.trials[len(self._values) :]
        self._values += [parameter_values(self._space, one) for one in new]
        missing = len(self.record.trials) - len(self._changed)
        self._changed += [self.line] * missing
        if new:
            self._grown_at = self.line

    def _touch_unfinished(self) -> None:
        for trial in self.record.unfinished:
            self._changed[trial.trial.index] = self.line


_LINE = itemgetter(0)


def _status(trial: TrialRecord) -> str:
    if trial.outcome is not None:
        return str(trial.outcome)
    return "running" if trial.is_running else "waiting"


def _active_s(record: SweepRecord, running: bool) -> float:
    """Return for how long sessions have trained, the one that runs now included."""
    is_in_session = running and record.started_at is not None and record.ended_at is None
    own = max(0.0, time.time() - record.session_from) if is_in_session else 0.0
    return round(record.active_s + own, 1)
