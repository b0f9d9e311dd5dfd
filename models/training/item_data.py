"""Train and dev items of a user's dataset, read a batch at a time: its batches and evaluations.

The order of an epoch, and all that the dataset draws at random for a batch, follow from the trial's
seed, the epoch and the batch alone: a trial that goes on needs no state of what reads its items.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from sweeps.models.data.item_forms import moved
from sweeps.models.data.items import ItemRows, NetInputs
from sweeps.models.splits.splits import TrainDev
from sweeps.models.training.device_data import Batch, DeviceData, TrainingData, batch_sizes
from sweeps.models.training.item_loading import Block, ItemLoading, pass_blocks

__all__ = ["ItemData", "trial_data"]

_STREAM = 0x6974656D73  # "items"
# Evaluations draw the same in every trial and epoch, so that all are compared on the same draws.
_TRAIN_SEED, _DEV_SEED = 0x747261696E, 0x646576


class ItemData:
    """Train and dev items of a dataset; only the targets are on the device all the time.

    Attributes:
        train_rows: how many are train.
        batches_per_epoch: how many batches `batches` yields.
    """

    def __init__(
        self,
        data: TrainDev,
        batch_size: int | Literal["full"],
        device: torch.device,
        seed: int,
        weights: npt.NDArray[np.float32] | None = None,
    ) -> None:
        """Opens the dataset, where this process has not done so yet.

        Raises:
            DataError: the user's function fails, or returns another dataset than it did.
        """
        assert isinstance(data.x_train, ItemRows), "arrays are DeviceData"
        assert isinstance(data.x_dev, ItemRows), "arrays are DeviceData"
        self._device, self._seed = device, seed
        self._y = torch.from_numpy(data.y_train.copy()).to(device)
        self._y_dev = torch.from_numpy(data.y_dev.copy()).to(device)
        self._weights = None if weights is None else torch.from_numpy(weights).to(device)
        self.train_rows = len(data.x_train)
        self._sizes = batch_sizes(self.train_rows, batch_size)
        self.batches_per_epoch = len(self._sizes)
        every = np.arange(self.train_rows) if data.measured is None else data.measured
        self._measured = torch.from_numpy(every.copy())
        passes = [
            *pass_blocks(0, every.tolist(), data.x_train, _TRAIN_SEED),
            *pass_blocks(1, list(range(len(data.x_dev))), data.x_dev, _DEV_SEED),
        ]
        self._loading = ItemLoading((data.x_train, data.x_dev), self._blocks, passes)

    def first(self, rows: int) -> Batch:
        """At most so many train rows, the first in their own order, without weights."""
        rows = min(rows, self.train_rows)
        x = self._loading.here(Block(0, list(range(rows)), _TRAIN_SEED))
        return moved(x, self._device), self._y[:rows], None

    def batches(self, epoch: int) -> Iterator[Batch]:
        """The train rows in the order of an epoch, in batches: inputs, targets, weights if any.

        Inputs are (rows, *input_shape), targets and weights (rows,). Full batches are not shuffled.
        """
        for block, x in self._loading.train(epoch):
            here = torch.tensor(block.positions, device=self._device)
            weights = None if self._weights is None else self._weights[here]
            yield moved(x, self._device), self._y[here], weights

    def _blocks(self, epoch: int) -> list[Block]:
        entropy = [self._seed % 2**64, _STREAM, epoch]
        states = np.random.SeedSequence(entropy).generate_state(len(self._sizes) + 1, np.uint64)
        order_seed, *seeds = (int(state) for state in states)
        order = torch.arange(self.train_rows)
        if self.batches_per_epoch > 1:
            generator = torch.Generator().manual_seed(order_seed)
            order = torch.randperm(self.train_rows, generator=generator)
        split = torch.split(order, self._sizes)
        return [Block(0, rows.tolist(), seed) for rows, seed in zip(split, seeds, strict=True)]

    def passes(self) -> Iterator[NetInputs]:
        """All rows that are measured, in order, in blocks for forward passes without gradients."""
        for x in self._loading.passes():
            yield moved(x, self._device)

    def close(self) -> None:
        """End the processes that read items."""
        self._loading.close()

    def by_part(self, outputs: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """Outputs for the rows of `passes` with their targets, of train and of dev."""
        train = self._y[self._measured.to(self._device)]
        sizes = [len(train), len(self._y_dev)]
        return zip(torch.split(outputs, sizes), (train, self._y_dev), strict=True)


def trial_data(
    data: TrainDev,
    batch_size: int | Literal["full"],
    device: torch.device,
    seed: int,
    weights: npt.NDArray[np.float32] | None = None,
) -> TrainingData:
    """Return what reads the rows of a trial: arrays at once, items of a dataset in batches.

    Args:
        seed: of the trial.
        weights: (train rows,) of mean 1; None where all rows count alike.

    Raises:
        DataError: see ItemData.
    """
    if isinstance(data.x_train, ItemRows):
        return ItemData(data, batch_size, device, seed, weights)
    return DeviceData(data, batch_size, device, weights)
