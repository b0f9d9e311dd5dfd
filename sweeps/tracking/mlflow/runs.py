"""A run as MLflow has it: the tags by which it is found, and the mark of what is in it.

Tags whose names begin with `mlflow.` are there for programs: MLflow's pages do not show them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

__all__ = [
    "DIAGNOSIS_TAG",
    "MARK_TAG",
    "MODEL_TAG",
    "NOTE_TAG",
    "SWEEP_TAG",
    "TRIAL_TAG",
    "TrackedRun",
    "fullest_first",
]

SWEEP_TAG, TRIAL_TAG, DIAGNOSIS_TAG = "sweeps.sweep", "sweeps.trial", "diagnosis"
NOTE_TAG = "mlflow.note.content"
MARK_TAG, MODEL_TAG = "mlflow.sweeps.recorded", "mlflow.sweeps.model"
# Of versions whose metrics had other names (best_dev_loss for best/dev_loss), and a seed among the
# parameters: neither can be taken back, so that such a run is made anew.
_OLD_MARK_TAG = "sweeps.recorded"


@dataclass
class TrackedRun:
    """A run as MLflow has it, and what was recorded in it.

    Attributes:
        mark: `state:points:end:last`, `last` being the time of the last points in ms, or None until
            something is in. Points are a trial's epochs; in a sweep's own run, ended trials.
        is_old: Whether an earlier version recorded it, by other names.
        is_own: Whether this process wrote in it, so that it has what the mark says.
    """

    run_id: str
    mark: str | None = None
    diagnosis: str = ""
    is_old: bool = False
    is_own: bool = False

    @classmethod
    def of(cls, run: Any) -> Self:
        """Read an MLflow run."""
        tags = run.data.tags
        return cls(
            str(run.info.run_id),
            tags.get(MARK_TAG),
            tags.get(DIAGNOSIS_TAG, ""),
            is_old=MARK_TAG not in tags and _OLD_MARK_TAG in tags,
        )

    def begins(self, count: int, times: Mapping[int, int]) -> bool:
        """Return whether what is in it can be the beginning of `count` points.

        It cannot where a power cut took lines of the ledger that were recorded already, or another
        copy of the run folder was resumed: the points came again, and took other times.

        Args:
            times: When the points are, in ms, by their number from 1. Of those that were sent
                before the server went away nothing is known any more: they do not speak against
                the run.
        """
        if self.is_old:
            return False
        if self.mark is None or self.is_own:
            return True
        is_alike = not self.last_ms or times.get(self.points, self.last_ms) == self.last_ms
        return self.points <= count and is_alike

    @property
    def state(self) -> str:
        """What became of the trial, or of the sweep, as it was recorded."""
        return (self.mark or "").partition(":")[0]

    @property
    def points(self) -> int:
        """How many points are in."""
        return int(self.mark.split(":")[1]) if self.mark else 0

    @property
    def last_ms(self) -> int:
        """When the last points are; 0 where the mark does not say it."""
        parts = (self.mark or "").split(":")
        return int(parts[3]) if len(parts) > 3 else 0


def fullest_first(run: Any) -> tuple[bool, int, bool, str]:
    """Sort fuller runs first, those of earlier versions last; the id makes the order certain."""
    found = TrackedRun.of(run)
    return found.is_old, -found.points, found.mark is None, found.run_id
