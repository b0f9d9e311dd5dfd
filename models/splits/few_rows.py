"""A few of a trial's rows, to try things out on in a moment."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from sweeps.models.splits.splits import Part, Splits, TrainDev

__all__ = ["few_rows"]

_TRAIN, _DEV = 256, 128


def few_rows(splits: Splits) -> TrainDev:
    """At most 256 train and 128 dev rows, spread evenly over the targets.

    So every class that is not very rare is there, and metrics can be computed. Rows keep their
    order; train metrics are measured on all that are left.
    """
    train, dev = _few(splits.train, _TRAIN), _few(splits.dev, _DEV)
    return replace(splits, train=train, dev=dev, measured=None).train_dev()


def _few(part: Part, most: int) -> Part:
    taken = _spread(part.y, most)
    return Part(
        x=part.x[taken],
        y=part.y[taken],
        rows=part.rows[taken],
        weights=None if part.weights is None else part.weights[taken],
    )


def _spread(y: npt.NDArray[np.generic], most: int) -> npt.NDArray[np.intp]:
    """(k,) numbers of rows, in order: all, or evenly many from the lowest target to the highest."""
    if len(y) <= most:
        return np.arange(len(y))
    order = np.argsort(y, kind="stable") if y.ndim == 1 else np.arange(len(y))
    return np.sort(order[np.linspace(0, len(y) - 1, most).astype(np.intp)])
