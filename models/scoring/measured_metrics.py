"""What is measured of every epoch, with user-defined functions found."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from sweeps.models.scoring.losses import CustomLoss, Loss, LossConfig, training_loss
from sweeps.models.scoring.metric_configuration import MetricOptions
from sweeps.models.scoring.metrics import Metric, recorded_metrics
from sweeps.models.scoring.own_loss import OwnLoss, own_loss_metric
from sweeps.models.scoring.own_metric import own_metrics
from sweeps.models.scoring.tasks import Task

__all__ = ["loss_function", "measured_metrics"]


def loss_function(
    task: Task,
    loss: LossConfig,
    label_smoothing: float = 0.0,
    pos_weight: Tensor | None = None,
) -> Loss:
    """Return the loss that batches are trained on; see `training_loss`.

    Raises:
        OwnFunctionError: the user's own cannot be found.
    """
    if isinstance(loss, CustomLoss):
        return OwnLoss(loss)
    return training_loss(task, loss, label_smoothing, pos_weight)


def measured_metrics(
    task: Task, asked: Mapping[str, MetricOptions], loss: LossConfig | None
) -> dict[str, Metric]:
    """Return the metrics of every epoch by name, as `recorded_metrics` does, ready to be computed.

    Args:
        task: of the data.
        asked: by name, as `check_metrics` has made sure.
        loss: what is trained on: where it is the user's own, `loss` is its mean.

    Raises:
        OwnFunctionError: a function of the user's cannot be found.
    """
    metrics = recorded_metrics(task, asked) | own_metrics(task, asked)
    if isinstance(loss, CustomLoss):
        metrics["loss"] = own_loss_metric(OwnLoss(loss))
    return metrics
