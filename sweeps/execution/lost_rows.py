"""Deletes checkpoints from which a trial could only go on with a gap in the ledger.

A checkpoint has the rows since the report before it. The ledger has those before, unless the
machine went down before they were durable.
"""

from __future__ import annotations

from sweeps.errors import StorageError
from sweeps.execution.work_order import WorkOrder
from sweeps.models.training.file_header import checked, read_about
from sweeps.record.kept_weights import checkpoint_name

__all__ = ["drop_checkpoints_ahead_of_ledger"]


def drop_checkpoints_ahead_of_ledger(order: WorkOrder) -> None:
    """Delete checkpoints that begin after what is recorded: their trials begin again.

    For the begin of a session, when the order's `recorded` is all that the ledger has.

    Raises:
        StorageError: They cannot be read.
    """
    wanted = {checkpoint_name(index): index for index in order.trials}
    try:
        for name in wanted.keys() & set(order.checkpoints.names()):
            content = order.checkpoints.read(name)
            recorded = order.recorded.get(wanted[name], 0)
            if content is not None and _first_epoch(content) > recorded + 1:
                order.checkpoints.delete(name)
    except OSError as err:
        raise StorageError(f"cannot read {order.checkpoints}: {err}") from err


def _first_epoch(checkpoint: bytes) -> int:
    """Return the epoch of a checkpoint's first row, or that to come; 0 of a damaged one."""
    try:
        about = read_about(checked(checkpoint))
        return int(about["epoch"]) - len(about["history"]) + 1
    except (ValueError, KeyError, TypeError):
        return 0  # the worker will not continue from it
