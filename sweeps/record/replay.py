"""Reads what is known of a sweep, or of a stage of it, from its folder."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sweeps.record.final_files import refuse_other_files
from sweeps.record.ledger import LedgerReader
from sweeps.record.run_folder import RunFolder
from sweeps.record.seals import DAMAGES
from sweeps.record.sweep_record import SweepRecord

__all__ = ["read_ledger", "read_record", "replayed"]


def read_record(folder: RunFolder) -> SweepRecord:
    """Return the state of a sweep as its folder has it.

    Raises:
        RunFolderError: The folder is damaged, or the files of its final are.
    """
    record = read_ledger(folder)
    refuse_other_files(folder, record)
    return record


def read_ledger(folder: RunFolder) -> SweepRecord:
    """Return what plan and ledger say, whatever became of the final's files; raises likewise."""
    description, plan = folder.read_description(), folder.read_plan()
    record = SweepRecord(plan, description.objective, description.id, description.trials)
    if not folder.ledger.exists():
        folder.refuse_results_without_ledger()
    for _ in replayed(record, LedgerReader(folder.ledger)):
        pass
    return record


def replayed(record: SweepRecord, ledger: LedgerReader) -> Iterator[dict[str, Any]]:
    """Have a record take the events that its ledger has gained into account; yield each then.

    Raises:
        RunFolderError: The ledger cannot be read, or a line cannot follow from those before it.
    """
    for event in ledger.events():
        try:
            record.apply(event)
        except DAMAGES as err:
            raise ledger.damage(err) from err
        yield event
