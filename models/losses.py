"""The losses that nets are trained on.

Each takes a net's outputs (rows, outputs) and their targets (rows,), and returns the mean over the
rows, or with `reduction="none"` one value a row.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch.nn.functional as F  # noqa: N812 - the field's own name for it
from torch import Tensor

from sweeps.models.tasks import TASKS, LossKind, Task

__all__ = ["LOSSES", "Loss", "training_loss"]


Loss = Callable[..., Tensor]


def _squared_error(outputs: Tensor, targets: Tensor, *, reduction: str = "mean") -> Tensor:
    # (rows, 1) against (rows,) would broadcast to (rows, rows).
    return F.mse_loss(outputs.squeeze(1), targets, reduction=reduction)


LOSSES: dict[LossKind, Loss] = {
    "cross_entropy": F.cross_entropy,  # of logits, against int64 classes
    "squared_error": _squared_error,  # of the standardised target
}


def training_loss(task: Task, label_smoothing: float = 0.0) -> Loss:
    """Return the loss of a task, as its batches are trained on.

    Args:
        task: of the data.
        label_smoothing: for classes only, as `check_trial` has made sure.
    """
    loss = LOSSES[TASKS[task].loss]
    return partial(loss, label_smoothing=label_smoothing) if label_smoothing else loss
