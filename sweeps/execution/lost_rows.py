"""Deletes checkpoints from which a trial could only go on with a gap in the ledger.

A checkpoint has the rows since the report before it. The ledger has those before, unless the
machine went down before they were durable.
"""

from __future__ import annotations

import json
from pathlib import Path

from sweeps.execution.work_order import WorkOrder

__all__ = ["discard_gaps"]


def discard_gaps(order: WorkOrder) -> None:
    """Delete checkpoints that begin after what is recorded: their trials begin again.

    For the begin of a session, when the order's `recorded` is all that the ledger has.
    """
    for index in order.trials:
        path = order.checkpoints / f"{index:06d}.pt"
        if path.exists() and _first_epoch(path) > order.recorded.get(index, 0) + 1:
            path.unlink()


def _first_epoch(path: Path) -> int:
    """Return the epoch of a checkpoint's first row, or that to come; 0 of a damaged one.

    Read from the header alone: the driver has no torch.
    """
    try:
        with path.open("rb") as file:
            file.seek(4)  # the checksum
            header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        about = json.loads(header["__metadata__"]["about"])
        return int(about["epoch"]) - len(about["history"]) + 1
    except (OSError, ValueError, KeyError, TypeError, MemoryError, OverflowError):
        return 0  # the worker will not continue from it
