"""Whether the plan of a sweep follows from its file and its ledger: each trial is planned again."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sweeps.definition.planning import PlannedTrial
from sweeps.errors import require_extra
from sweeps.record.growing_plan import planned_again
from sweeps.service.running import open_sweep
from sweeps.session.growth import sweep_of

__all__ = ["Replay", "replay"]


@dataclass(frozen=True)
class Replay:
    """What planning a sweep again found.

    Attributes:
        trials: How many trials were planned again, up to the first that differs.
        different: The first that stands in the plan otherwise than it follows; None where all are
            equal.
        instead: What follows in its place; None where no trial does.
    """

    trials: int
    different: PlannedTrial | None = None
    instead: PlannedTrial | None = None

    @property
    def sentence(self) -> str:
        """That in words."""
        if self.different is None:
            return f"all {self.trials} planned trials follow from the sweep file and the ledger"
        what = "no trial" if self.instead is None else f"configuration {self.instead.hash}"
        return (
            f"trial {self.different.index} does not follow: the plan has configuration "
            f"{self.different.hash}, and the file and the ledger before it give {what}"
        )


def replay(path: str | Path) -> Replay:
    """Plan each trial of a sweep again, from what was known when it was planned.

    Raises:
        SweepFileError: The sweep's file can no longer be run.
        RunFolderError: The folder was damaged.
    """
    folder = open_sweep(path)
    sweep = sweep_of(folder)
    if sweep.file.search.learns:
        require_extra("search", f"`method: {sweep.file.search.method}`")
    count = 0
    for planned, again in planned_again(folder, sweep):
        if planned != again:
            return Replay(count, planned, again)
        count += 1
    return Replay(count)
