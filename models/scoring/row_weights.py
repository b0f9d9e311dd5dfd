"""How much each training row counts in the loss: by its class, and by a column of the data."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from sweeps.models.errors import TrialConfigError
from sweeps.models.scoring.losses import ClassWeights, PosWeight

__all__ = ["positive_weights", "row_weights"]

Floats = npt.NDArray[np.float64]
Floats32 = npt.NDArray[np.float32]


def row_weights(
    class_weights: ClassWeights, y_train: npt.NDArray[Any], own: Floats | None
) -> Floats32 | None:
    """Return (rows,) weights of mean 1, or None where all rows count alike.

    The loss of a batch is the mean of weight times loss, so that every row pulls as much in
    whichever batch it comes: torch's own weighted mean divides by the weights of the batch, in
    which a rare class then counts less. On a full batch the two are the same.

    Args:
        class_weights: one a class, or by which rule.
        y_train: (rows,) classes by index, where there are class weights.
        own: (rows,) the weights of a column; None without one.

    Raises:
        TrialConfigError: no training row has a weight above 0.
    """
    if class_weights == "none" and own is None:
        return None
    weights = np.ones(len(y_train)) if own is None else own
    if class_weights != "none":
        weights = weights * _of_classes(class_weights, y_train)[y_train]
    mean = float(weights.mean())
    if mean <= 0:
        rule = "at least one training row must have a weight above 0"
        raise TrialConfigError(rule, key=("loss", "class_weights"), value=class_weights)
    return (weights / mean).astype(np.float32)


def _of_classes(weights: ClassWeights, y_train: npt.NDArray[Any]) -> Floats:
    """(classes,) weights; balanced ones are rows / (classes * rows of the class)."""
    if weights != "balanced":
        return np.array(weights, dtype=np.float64)
    rows = np.bincount(y_train)
    return len(y_train) / (np.count_nonzero(rows) * np.maximum(rows, 1))


def positive_weights(weight: PosWeight, y_train: npt.NDArray[Any]) -> Floats32 | None:
    """Return what the loss of positive rows is multiplied by, or None for 1.

    Not scaled to a mean of 1, so that a step is that of torch's BCEWithLogitsLoss. Where a label
    has one value in all training rows there is nothing to balance, and its weight is 1.

    Args:
        weight: a number, or by which rule.
        y_train: (rows,) of 0 and 1, or (rows, labels).

    Returns:
        A scalar, or (labels,) of them.
    """
    if weight == "none":
        return None
    if weight != "balanced":
        return np.array(weight, dtype=np.float32)
    positive = y_train.sum(axis=0, dtype=np.float64)
    negative = len(y_train) - positive
    has_both = (positive > 0) & (negative > 0)
    found = np.where(has_both, negative / np.maximum(positive, 1), 1.0)
    return found.astype(np.float32)
