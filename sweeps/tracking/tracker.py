"""What a tracker of experiments has to do, so that a `Follower` keeps it equal to a ledger."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from sweeps.record.run_folder import RunFolder
from sweeps.record.sweep_record import SweepRecord, TrialRecord

__all__ = ["OpenTracker", "Rows", "Tracker"]

Rows = list[dict[str, float]]


class Tracker(Protocol):
    """The record of one sweep, or of one stage of it, in a tracker: a projection of its folder.

    Everything may be sent again, by this process or by another one after a kill at any instant,
    and is then there once: a tracker knows what it has by itself. Its methods raise TrackingError
    where it does not answer, so that they are called again, and RefusedRecordError where that
    would not help.
    """

    @property
    def parent_id(self) -> str:
        """What the sweep's own run is called, for the stages that are recorded inside it."""

    def record_trials(
        self, trials: Sequence[TrialRecord], rows: Mapping[int, Rows], is_over: bool
    ) -> Iterator[int]:
        """Bring trials up to date, and yield the index of each that is.

        Args:
            trials: Trials that have been started.
            rows: Epochs to add, by trial; some may be there already. Beside what an epoch reported
                each has `_at_s`, the seconds of training until its end, and `_is_best` where it is
                better than all before it.
            is_over: The sweep is not running: a trial without an outcome stays unfinished.
        """

    def record_sweep(self, record: SweepRecord, is_over: bool) -> None:
        """Bring the sweep's own run up to date, with its files when it is over."""

    def record_model(self, record: SweepRecord) -> None:
        """Log the net that the sweep ended with, once; nothing while there is none."""

    def note_diagnoses(self, diagnoses: Mapping[int, str]) -> None:
        """Note on trials, by index, what their curves say."""

    def log_file(self, path: Path) -> None:
        """Put a file beside the sweep's own run, in place of one with its name."""


class OpenTracker(Protocol):
    """Finds the record of a run folder at a URI, or begins it."""

    def __call__(self, folder: RunFolder, uri: str, inside: str | None, /) -> Tracker:
        """Return a folder's tracker.

        Args:
            inside: The `parent_id` of the sweep whose stage this is.

        Raises:
            TrackingError: The tracker does not answer or refuses.
        """
