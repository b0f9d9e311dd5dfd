"""Whether a sweep follows from its file and its ledger: trials are planned, copies made again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sweeps.definition.exploring import Explorer
from sweeps.definition.lineage import Copy
from sweeps.definition.planning import PlannedTrial
from sweeps.definition.sweep import Sweep
from sweeps.execution.scheduling.copies_again import CopyAgain, copied_again
from sweeps.record.growing_plan import planned_again
from sweeps.record.ledger import LedgerReader
from sweeps.record.run_folder import RunFolder
from sweeps.record.sweep_record import SweepRecord
from sweeps.search_methods.learning import require_sampler
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
        copies: How many copies of a population were made again, up to the first that differs.
        copy: The first of these that differs; None where all are equal.
    """

    trials: int
    different: PlannedTrial | None = None
    instead: PlannedTrial | None = None
    copies: int = 0
    copy: CopyAgain | None = None

    @property
    def follows(self) -> bool:
        """Whether all follows."""
        return self.different is None and self.copy is None

    @property
    def sentence(self) -> str:
        """That in words."""
        if self.copy is not None:
            return (
                f"trial {self.copy.trial} does not follow: in the ledger it "
                f"{_words(self.copy.written)}, and by the file and the ledger before that it "
                f"{_words(self.copy.again)}"
            )
        if self.different is None:
            copies = f" and all {self.copies} copies" if self.copies else ""
            what = f"all {self.trials} planned trials{copies}"
            return f"{what} follow from the sweep file and the ledger"
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
    require_sampler(sweep.file.search)
    count = 0
    for planned, again in planned_again(folder, sweep):
        if planned != again:
            return Replay(count, planned, again)
        count += 1
    copies = 0
    for copy in _copies(folder, sweep):
        if copy.written != copy.again:
            return Replay(count, copies=copies, copy=copy)
        copies += 1
    return Replay(count, copies=copies)


def _copies(folder: RunFolder, sweep: Sweep) -> Iterator[CopyAgain]:
    """Yield the copies of a population; none of another sweep."""
    explorer = Explorer.of(sweep.file)
    if explorer is not None:
        description = folder.read_description()
        record = SweepRecord(folder.read_plan(), description.objective, description.id)
        longest = max(int(one.trial.configuration["training"]["epochs"]) for one in record.trials)
        scheduler = sweep.file.stopping.build(description.objective, longest)
        yield from copied_again(record, LedgerReader(folder.ledger), scheduler, explorer)


def _words(copy: Copy | None) -> str:
    if copy is None:
        return "copied none"
    values = ", ".join(f"{key} {value:.6g}" for key, value in copy.values.items())
    return f"copied trial {copy.source} after epoch {copy.epoch} with {values}"
