"""Metrics of a user's own, good and bad, that the tests name by package.module:function."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from sklearn.metrics import fbeta_score, median_absolute_error, roc_auc_score
from torch import Tensor


def fbeta(outputs: Tensor, targets: Tensor, *, beta: float = 2.0) -> float:
    return float(fbeta_score(targets, outputs.argmax(1), beta=beta, average="macro"))


def hits(outputs: Tensor, targets: Tensor) -> Tensor:
    return (outputs.argmax(1) == targets).double().mean()


def median_error(outputs: Tensor, targets: Tensor) -> float:
    return float(median_absolute_error(targets, outputs))


def area(outputs: Tensor, targets: Tensor) -> float:
    """Raises where all rows are of one class."""
    if len(targets.unique()) == 1:
        raise ValueError("one class alone")
    return float(roc_auc_score(targets, outputs[:, 1]))


def drawing(outputs: Tensor, targets: Tensor) -> float:
    """Draws from all generators, which changes nothing that follows."""
    return float(torch.rand(()) + np.random.rand())


def shapes(outputs: Tensor, targets: Tensor) -> float:
    total = outputs.sum(1) if outputs.ndim == 2 else torch.ones(len(targets))
    assert torch.allclose(total, torch.ones_like(total))
    assert outputs.dtype == torch.float64
    return float(outputs.ndim)


def by_row(outputs: Tensor, targets: Tensor) -> Tensor:
    return outputs.argmax(1) == targets


def words(outputs: Tensor, targets: Tensor) -> Any:
    return "0.5"


def nothing(outputs: Tensor, targets: Tensor) -> Any:
    return None


def not_a_number(outputs: Tensor, targets: Tensor) -> float:
    return float("nan")


def raising(outputs: Tensor, targets: Tensor) -> float:
    raise ZeroDivisionError("no boxes")


def spoiling(outputs: Tensor, targets: Tensor) -> float:
    """Changes what it was given in place."""
    outputs.zero_()
    targets.numpy()[:] = 0
    return 0.5


def beyond_floats(outputs: Tensor, targets: Tensor) -> int:
    return 10**400
