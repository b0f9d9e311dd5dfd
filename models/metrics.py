"""The loss that is trained on, and the metrics that every epoch reports, as tensors.

Nothing here waits for the device; one transfer an epoch reads all metrics at once.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
import torch.nn.functional as F  # noqa: N812 - the field's own name for it
from torch import Tensor

from sweeps.models.data_configuration import Task

__all__ = ["classification_metrics", "regression_metrics", "training_loss"]


def training_loss(task: Task, label_smoothing: float = 0.0) -> Callable[[Tensor, Tensor], Tensor]:
    """The loss of a batch: (rows, outputs) and (rows,) to a scalar, the mean over rows.

    Cross-entropy for classes; the squared error of the standardised target for regression.
    """
    if task == "regression":
        return _squared_error
    return partial(F.cross_entropy, label_smoothing=label_smoothing)


def _squared_error(outputs: Tensor, targets: Tensor) -> Tensor:
    return F.mse_loss(outputs.squeeze(1), targets)


def classification_metrics(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy, accuracy and macro F1.

    A class that is neither among the labels nor predicted has no F1 and is left out of its mean,
    as in scikit-learn.

    Args:
        logits: (rows, classes).
        labels: (rows,) int64.

    Returns:
        (3,) float32.
    """
    classes = logits.shape[1]
    predicted = logits.argmax(1)
    pairs = torch.bincount(labels * classes + predicted, minlength=classes * classes)
    confusion = pairs.view(classes, classes).float()  # (true, predicted)
    hits = confusion.diagonal()
    seen = confusion.sum(0) + confusion.sum(1)
    f1 = (2 * hits / seen.clamp(min=1)).sum() / (seen > 0).sum()
    return torch.stack([F.cross_entropy(logits, labels), hits.sum() / len(labels), f1])


def regression_metrics(outputs: Tensor, targets: Tensor, scale: float) -> Tensor:
    """The loss, then mean squared error, mean absolute error and R2.

    R2 of a constant target is 1 for a perfect prediction and else 0, as in scikit-learn.

    Args:
        outputs: (rows, 1), standardised.
        targets: (rows,), standardised.
        scale: original units per standardised unit.

    Returns:
        (4,) float32: the loss in standardised units, the others in original ones.
    """
    errors = outputs.squeeze(1).double() - targets
    mse = errors.square().mean()
    variance = targets.double().var(correction=0)
    r2 = torch.where(variance > 0, 1 - mse / variance, (mse == 0).double())
    mae = errors.abs().mean() * scale
    return torch.stack([mse, mse * scale**2, mae, r2]).float()
