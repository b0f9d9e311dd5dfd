from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Literal

import numpy as np
import pytest
import torch

from sweeps.models.splits.splits import TrainDev
from sweeps.models.training.device_data import DeviceData
from tests.models.trial_fixtures import blobs, pictures

CPU = torch.device("cpu")


def measured_blobs() -> TrainDev:
    return replace(blobs(), measured=np.arange(0, 60, 7))


def sizes(rows: int, batch_size: int | Literal["full"]) -> list[int]:
    data = DeviceData(blobs(rows * 3 // 2), batch_size, CPU)
    return [len(y) for _, y, _ in data.batches(0)]


@pytest.mark.parametrize(
    ("rows", "batch_size", "expected"),
    [
        (60, 20, [20, 20, 20]),
        (60, 25, [25, 25, 10]),
        (60, 59, [60]),
        (60, 60, [60]),
        (60, 61, [60]),
        (60, "full", [60]),
        (4, 1, [1, 1, 1, 1]),
        (10, 3, [3, 3, 4]),
    ],
)
def test_batches_have_their_size_and_the_last_is_never_a_lone_row(
    rows: int, batch_size: int | Literal["full"], expected: list[int]
) -> None:
    assert sizes(rows, batch_size) == expected


def test_an_epoch_has_every_train_row_once_with_its_own_target() -> None:
    data = DeviceData(blobs(), 16, CPU)
    batches = list(data.batches(0))
    seen = torch.cat([torch.column_stack([x, y]) for x, y, _ in batches])
    expected = torch.column_stack([data.x[:60], data.y[:60]])
    assert sorted(seen.tolist()) == sorted(expected.tolist())


def test_the_order_is_new_every_epoch() -> None:
    data = DeviceData(blobs(), 16, CPU)
    first, second = (torch.cat([x for x, _, _ in data.batches(epoch)]) for epoch in range(2))
    assert not torch.equal(first, second)


def test_passes_hold_all_rows_in_order() -> None:
    data = DeviceData(pictures(), 16, CPU)
    assert torch.equal(torch.cat(list(data.passes())), data.x)


@pytest.mark.parametrize("batch_size", [16, "full"])
@pytest.mark.parametrize("rows", [blobs, pictures, measured_blobs])
def test_a_net_that_changes_its_inputs_in_place_changes_no_row(
    rows: Callable[[], TrainDev], batch_size: int | Literal["full"]
) -> None:
    data = DeviceData(rows(), batch_size, CPU)
    before = data.x.clone(), data.y.clone(), torch.cat(list(data.passes()))
    for x in data.passes():
        x.mul_(2)
    for x, y, _ in (data.first(5), *data.batches(0)):
        x.zero_()
        y.zero_()
    after = data.x, data.y, torch.cat(list(data.passes()))
    assert all(map(torch.equal, before, after))


def test_outputs_are_cut_into_train_and_dev() -> None:
    data = DeviceData(blobs(), 16, CPU)
    train, dev = data.by_part(data.x)
    assert torch.equal(torch.cat([train[0], dev[0]]), data.x)
    assert (len(train[1]), len(dev[1])) == (60, 30)


def test_read_only_arrays_are_taken() -> None:
    arrays = blobs()
    arrays.x_train.flags.writeable = False
    arrays.y_train.flags.writeable = False
    assert DeviceData(arrays, 16, CPU).train_rows == 60
