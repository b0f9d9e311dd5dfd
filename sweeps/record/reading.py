"""Reads what is known of a sweep, or of a stage of it, from its folder."""

from __future__ import annotations

from sweeps.definition.goal import Goal
from sweeps.errors import RunFolderError
from sweeps.record.ledger import read_events
from sweeps.record.records import SweepRecord
from sweeps.record.run_folder import RunFolder

__all__ = ["read_record"]


def read_record(folder: RunFolder) -> SweepRecord:
    """Return the state of a sweep as its folder has it.

    Raises:
        RunFolderError: The folder is damaged.
    """
    description, plan = folder.read_description(), folder.read_plan()
    goal = Goal(**description["goal"])
    if not folder.ledger.exists():
        folder.refuse_results_without_ledger()
        return SweepRecord(plan, goal)
    try:
        return SweepRecord.of(plan, goal, (event for event, _ in read_events(folder.ledger)))
    except (KeyError, TypeError, ValueError) as err:
        raise RunFolderError(
            f"{folder.ledger} was damaged: an event lacks what it must have ({err!r}); "
            f"restore it from a backup"
        ) from err
