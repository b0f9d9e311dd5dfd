"""A few of a trial's rows, to try things out on in a moment."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from sweeps.models.data.items import ItemRows
from sweeps.models.splits.splits import Inputs, TrainDev

__all__ = ["few_rows"]

_TRAIN, _DEV = 256, 128


def few_rows(data: TrainDev) -> TrainDev:
    """At most 256 train and 128 dev rows, spread evenly over the targets.

    So every class that is not very rare is there, and metrics can be computed. Rows keep their
    order; train metrics are measured on all that are left.
    """
    of_train, of_dev = _spread(data.y_train, _TRAIN), _spread(data.y_dev, _DEV)
    return replace(
        data,
        x_train=_taken(data.x_train, of_train),
        y_train=data.y_train[of_train],
        x_dev=_taken(data.x_dev, of_dev),
        y_dev=data.y_dev[of_dev],
        weights=None if data.weights is None else data.weights[of_train],
        measured=None,
    )


def _spread(y: npt.NDArray[np.generic], most: int) -> npt.NDArray[np.intp]:
    """(k,) numbers of rows, in order: all, or evenly many from the lowest target to the highest."""
    if len(y) <= most:
        return np.arange(len(y))
    order = np.argsort(y, kind="stable") if y.ndim == 1 else np.arange(len(y))
    return np.sort(order[np.linspace(0, len(y) - 1, most).astype(np.intp)])


def _taken(x: Inputs, rows: npt.NDArray[np.intp]) -> Inputs:
    return (
        ItemRows(x.items, x.numbers[rows], x.labels[rows]) if isinstance(x, ItemRows) else x[rows]
    )
