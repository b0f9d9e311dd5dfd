"""A checkpoint continues a trial only where the ledger has all that came before its rows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from sweeps.execution.lost_rows import drop_checkpoints_ahead_of_ledger
from sweeps.execution.work_order import WorkOrder
from tests.sweeps.execution.test_trial_worker import curve, order, worker

__all__ = ["order"]


def checkpoint(order: WorkOrder) -> Path:
    """Write a checkpoint of epoch 6 with the rows since epoch 4; returns its file."""
    one = worker(order)
    one.advance()
    one.advance()
    return order.stacks / "000000.pt"


def test_a_checkpoint_that_the_ledger_leads_up_to_stays(order: WorkOrder) -> None:
    path = checkpoint(order)
    for recorded in (3, 5, 6, 9):
        drop_checkpoints_ahead_of_ledger(replace(order, recorded={0: recorded}))
    assert path.exists()


def test_a_trial_whose_earlier_rows_are_lost_begins_again(order: WorkOrder) -> None:
    path = checkpoint(order)
    path_of_whole = order.stacks / "000001.pt"
    worker(order, index=1).advance()
    fewer = replace(order, recorded={0: 2})
    drop_checkpoints_ahead_of_ledger(fewer)
    assert (path.exists(), path_of_whole.exists()) == (False, True)
    again = curve(worker(fewer).advance().rows)
    assert [row["epoch"] for row in again] == [3]


def test_a_damaged_checkpoint_is_left_to_the_worker(order: WorkOrder) -> None:
    path = checkpoint(order)
    path.write_bytes(path.read_bytes()[:30])
    drop_checkpoints_ahead_of_ledger(order)
    assert path.exists()
