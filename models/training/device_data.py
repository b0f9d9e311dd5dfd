"""Train and dev rows as tensors on a trial's device: its batches and whole-set forward passes."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from sweeps.models.data.items import ItemRows, NetInputs
from sweeps.models.data.pixels import Pixels, joined
from sweeps.models.splits.splits import Inputs, TrainDev

__all__ = ["Batch", "DeviceData", "TrainingData", "batch_sizes"]

# Inputs, targets, and weights where rows do not count alike.
Batch = tuple[NetInputs, Tensor, Tensor | None]

# Rows of one forward pass of an evaluation: as many as hold about a million numbers, so that
# the activations of an image net stay small and tables still go through in one pass.
_NUMBERS_PER_PASS = 2**20


class TrainingData(Protocol):
    """What a net is trained and evaluated on, however its rows are read."""

    @property
    def train_rows(self) -> int:
        """How many rows are train."""

    @property
    def batches_per_epoch(self) -> int:
        """How many batches an epoch has."""

    def first(self, rows: int) -> Batch:
        """At most so many train rows, the first in their own order, to try things out on."""

    def batches(self, epoch: int) -> Iterator[Batch]:
        """The train rows in an order that is new each epoch, counted from 0, in batches."""

    def passes(self) -> Iterable[NetInputs]:
        """All rows, train before dev, in order, in blocks for forward passes."""

    def by_part(self, outputs: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """Outputs for all rows with their targets, of train and of dev."""

    def close(self) -> None:
        """End what reads rows outside this process."""


class DeviceData:
    """Train and dev rows on one device.

    Attributes:
        x: (train + dev rows, *input_shape) float32, or uint8 of images, train first. Bytes may be
            those of other trials, and are only read.
        y: (train + dev rows,) int64 classes or float32 targets.
        weights: (train rows,) float32 of mean 1; None where all rows count alike.
        train_rows: how many are train.
        batches_per_epoch: how many batches `batches` yields.
    """

    def __init__(
        self,
        data: TrainDev,
        batch_size: int | Literal["full"],
        device: torch.device,
        weights: npt.NDArray[np.float32] | None = None,
    ) -> None:
        self.x = _joined(data.x_train, data.x_dev).to(device)
        self._scale: Callable[[Tensor], Tensor] | None = None
        if isinstance(data.x_train, Pixels):
            self._scale = _Scaling(data.x_train, device)
        self.y = torch.from_numpy(np.concatenate([data.y_train, data.y_dev])).to(device)
        self.weights = None if weights is None else torch.from_numpy(weights).to(device)
        self.train_rows = len(data.x_train)
        self._sizes = batch_sizes(self.train_rows, batch_size)
        self.batches_per_epoch = len(self._sizes)
        self._rows_per_pass = max(1, _NUMBERS_PER_PASS // self.x[0].numel())
        self._measured: Tensor | None = None
        if data.measured is not None:
            self._measured = torch.from_numpy(data.measured).to(device)
            self._measured_x = self.x[self._measured]

    def first(self, rows: int) -> Batch:
        """At most so many train rows, the first in their own order, without weights."""
        rows = min(rows, self.train_rows)
        return self._given(self.x[:rows]), self.y[:rows].clone(), None

    def batches(self, epoch: int) -> Iterator[Batch]:
        """The train rows in a fresh random order, in batches: inputs, targets, weights if any.

        Inputs are (rows, *input_shape), targets and weights (rows,). The order is drawn from
        torch's CPU generator, also on a GPU, wherever that is in the epoch given. Full batches
        are not shuffled.
        """
        y, weights, order = self.y[: self.train_rows], self.weights, None
        if self.batches_per_epoch > 1:
            order = torch.randperm(self.train_rows).to(y.device)
            y = y[order]
            weights = None if weights is None else weights[order]
        else:
            y = y.clone()
        none = [None] * self.batches_per_epoch
        return zip(
            self._train_blocks(order),
            torch.split(y, self._sizes),
            none if weights is None else torch.split(weights, self._sizes),
            strict=True,
        )

    def _train_blocks(self, order: Tensor | None) -> Iterable[Tensor]:
        """The inputs of each batch, train rows in an order; None for their own."""
        if order is None:
            return (self._given(self.x[: self.train_rows]),)
        if self._scale is None:  # one look-up of all rows is quicker than many
            return torch.split(self.x[order], self._sizes)
        scale = self._scale
        return (scale(self.x[rows]) for rows in torch.split(order, self._sizes))

    def passes(self) -> Iterable[Tensor]:
        """All rows that are measured, in order, in blocks for forward passes without gradients."""
        return map(self._given, self._blocks())

    def _given(self, x: Tensor) -> Tensor:
        """A copy for a net, which may change its inputs in place (`nn.ReLU(inplace=True)`)."""
        return x.clone() if self._scale is None else self._scale(x)

    def _blocks(self) -> tuple[Tensor, ...]:
        if self._measured is None:
            return torch.split(self.x, self._rows_per_pass)
        dev = torch.split(self.x[self.train_rows :], self._rows_per_pass)
        return (*torch.split(self._measured_x, self._rows_per_pass), *dev)

    def by_part(self, outputs: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """Outputs for the rows of `passes` with their targets, of train and of dev."""
        train, dev = self.y[: self.train_rows], self.y[self.train_rows :]
        if self._measured is not None:
            train = train[self._measured]
        return zip(torch.split(outputs, [len(train), len(dev)]), (train, dev), strict=True)

    def close(self) -> None:
        """Do nothing: all rows are in this process."""


class _Scaling:
    """Bytes to what `Pixels.scaled` makes of them, bit for bit."""

    def __init__(self, pixels: Pixels, device: torch.device) -> None:
        self._means = torch.from_numpy(pixels.means.copy()).to(device)
        self._divisors = torch.from_numpy(pixels.divisors.copy()).to(device)

    def __call__(self, x: Tensor) -> Tensor:
        return x.double().sub_(self._means).div_(self._divisors).float()


def _joined(train: Inputs, dev: Inputs) -> Tensor:
    """All rows, train first: a copy but of bytes, as a worker's arrays are read-only and shared."""
    if isinstance(train, Pixels) and isinstance(dev, Pixels):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # that one must not write to them
            return torch.from_numpy(joined(train, dev))
    assert not isinstance(train, ItemRows | Pixels), "items are ItemData"
    assert not isinstance(dev, ItemRows | Pixels), "items are ItemData"
    return torch.from_numpy(np.concatenate([train, dev]))


def batch_sizes(rows: int, batch_size: int | Literal["full"]) -> list[int]:
    """Rows of each batch; the last takes what is left.

    One row left over joins the batch before it: batch normalization cannot work on one row.
    """
    if batch_size == "full" or batch_size >= rows:
        return [rows]
    sizes = [batch_size] * (rows // batch_size)
    left = rows % batch_size
    if left == 1:
        sizes[-1] += 1
    elif left > 1:
        sizes.append(left)
    return sizes
