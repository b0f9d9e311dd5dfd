"""Whether the copies of a population follow from its file and its ledger: each is made again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from sweeps.definition.exploring import Explorer
from sweeps.definition.lineage import Copy
from sweeps.execution.scheduling.ledger_scheduler import LedgerScheduler
from sweeps.record.ledger import LedgerReader
from sweeps.record.recorder import Recorder
from sweeps.record.replay import replayed
from sweeps.record.sweep_record import SweepRecord
from sweeps.schedulers.scheduler import Scheduler

__all__ = ["CopyAgain", "copied_again"]


class CopyAgain(NamedTuple):
    """A copy as the ledger has it and as it follows; None where there is none."""

    trial: int
    written: Copy | None
    again: Copy | None


def copied_again(
    record: SweepRecord, ledger: LedgerReader, scheduler: Scheduler, explorer: Explorer
) -> Iterator[CopyAgain]:
    """Yield each copy of a ledger beside what follows from the lines before it.

    Args:
        record: What the plan says alone; it takes the lines into account.
        scheduler: One that was told nothing.

    Raises:
        RunFolderError: The ledger cannot be read.
    """
    due = _Due(record)
    asked, heard = LedgerScheduler(scheduler, due, explorer), 0
    for event in replayed(record, ledger):
        if event["event"] == "copied":
            trial, epoch = event["trial"], event["epoch"]
            written = Copy(epoch, event["source"], event["values"])
            yield CopyAgain(trial, written, due.copies.pop((trial, epoch), None))
        asked.hear(record.steps[heard:])
        heard = len(record.steps)
    if not record.is_open:  # else a kill came before they were written, and a resume makes them
        yield from (CopyAgain(trial, None, copy) for (trial, _), copy in due.copies.items())


class _Due(Recorder):
    """Takes the copies that a scheduler wants, and writes nothing."""

    def __init__(self, record: SweepRecord) -> None:
        self.record = record
        self.copies: dict[tuple[int, int], Copy] = {}

    def copied(self, index: int, copy: Copy) -> None:
        self.copies[index, copy.epoch] = copy

    def decided(self, index: int, action: str, seen: Mapping[str, Any]) -> None:
        """Leave it to the ledger, which has it."""

    def ended(self, *about: Any, **more: Any) -> None:
        """Leave it to the ledger, which has it."""
