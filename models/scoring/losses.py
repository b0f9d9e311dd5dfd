"""The losses that nets are trained on.

Each takes a net's outputs (rows, outputs) and their targets, (rows,) or one column an output, and
returns the mean over the rows, or with `reduction="none"` one value a row: the mean over its
targets where it has several. A loss may have options of its own as keywords.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch.nn.functional as F  # noqa: N812 - the field's own name for it
from torch import Tensor

from sweeps.models.scoring.loss_configuration import (
    CustomLoss,
    LossConfig,
    LossKind,
    TaskLoss,
    options_of,
)
from sweeps.models.scoring.tasks import TASKS, Task

__all__ = ["LOSSES", "Loss", "training_loss"]


Loss = Callable[..., Tensor]
_SMALLEST = 1e-30


def _of_numbers(loss: Loss) -> Loss:
    """Return a loss of one output a target: (rows, 1) against (rows,) would make a square."""

    def of_outputs(
        outputs: Tensor, targets: Tensor, reduction: str = "mean", **options: object
    ) -> Tensor:
        found = loss(outputs.reshape(targets.shape), targets, reduction=reduction, **options)
        return found.mean(1) if found.ndim == 2 else found

    return of_outputs


def _binary(
    outputs: Tensor,
    targets: Tensor,
    *,
    reduction: str = "mean",
    pos_weight: Tensor | None = None,
) -> Tensor:
    wanted = targets.to(outputs.dtype)
    return F.binary_cross_entropy_with_logits(
        outputs, wanted, reduction=reduction, pos_weight=pos_weight
    )


def _focal(outputs: Tensor, targets: Tensor, *, gamma: float, reduction: str = "mean") -> Tensor:
    entropy = F.cross_entropy(outputs, targets, reduction="none")
    # expm1: of certain rows 1 - p has no digits left in 1 - exp(-entropy); at 0 a power below 1
    # has no gradient.
    missing = (-(-entropy).expm1()).clamp(min=_SMALLEST)
    rows = missing.pow(gamma) * entropy
    return rows.mean() if reduction == "mean" else rows


def _pinball(
    predicted: Tensor, targets: Tensor, *, quantile: float, reduction: str = "mean"
) -> Tensor:
    below = targets - predicted
    rows = (quantile * below).maximum((quantile - 1) * below)
    return rows.mean() if reduction == "mean" else rows


LOSSES: dict[LossKind, Loss] = {
    "cross_entropy": F.cross_entropy,  # of logits, against int64 classes
    "focal": _focal,
    # Of the standardised target.
    "mse": _of_numbers(F.mse_loss),
    "mae": _of_numbers(F.l1_loss),
    "huber": _of_numbers(F.huber_loss),
    "quantile": _of_numbers(_pinball),
    # Of logits, against 0 and 1: labels, or which of two classes.
    "binary_cross_entropy": _of_numbers(_binary),
}


def training_loss(
    task: Task,
    loss: LossConfig,
    label_smoothing: float = 0.0,
    pos_weight: Tensor | None = None,
) -> Loss:
    """Return the loss that batches are trained on, where it is not the user's own.

    Args:
        task: of the data.
        loss: the section, which suits the task, as `check_trial` has made sure.
        label_smoothing: for the cross-entropy only, likewise.
        pos_weight: for the binary cross-entropy only: a scalar, or (labels,); None for none.
    """
    assert not isinstance(loss, CustomLoss), "own losses are in own_loss"
    function = LOSSES[TASKS[task].losses[0] if isinstance(loss, TaskLoss) else loss.kind]
    options: dict[str, float | Tensor] = {**options_of(loss)}
    if label_smoothing:
        options["label_smoothing"] = label_smoothing
    if pos_weight is not None:
        options["pos_weight"] = pos_weight
    return partial(function, **options) if options else function
