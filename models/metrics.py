"""The metrics of every epoch, and of the final's test rows: one table, from which all else follows.

A metric is a row of `METRICS` and a function of `Answers` that returns a scalar tensor, wherever
those lie, and waits for no device. Imports no torch, so that a sweep file is checked at once:
functions use what tensors have as methods.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from sweeps.models.errors import TrialConfigError
from sweeps.models.tasks import Task

if TYPE_CHECKING:
    from torch import Tensor

    from sweeps.models.answers import Answers

__all__ = ["METRICS", "PARTS", "Metric", "Mode", "metric_columns", "metrics_of", "mode_of"]

Mode = Literal["min", "max"]
PARTS = ("train", "dev")


@dataclass(frozen=True)
class Metric:
    """How well a net answers.

    Attributes:
        tasks: for which it is defined.
        direction: whether low or high values are good.
        function: takes the answers for one row or more; returns a scalar of any float type.
        is_share: whether it is a share of the rows, whose error is known without a bootstrap.
        floor: its least value where high ones are good; where low ones are, that is 0.
    """

    tasks: tuple[Task, ...]
    direction: Mode
    function: Callable[[Answers], Tensor]
    is_share: bool = False
    floor: float = 0.0

    @property
    def bounds(self) -> tuple[float, float]:
        """The least and the greatest value that it can have."""
        return (0.0, math.inf) if self.direction == "min" else (self.floor, 1.0)


def _loss(answers: Answers) -> Tensor:
    return answers.loss


def _accuracy(answers: Answers) -> Tensor:
    return answers.hits.sum() / len(answers.targets)


def _f1(answers: Answers) -> Tensor:
    """Macro F1. A class that is neither true nor predicted has none and is left out of the mean."""
    seen = answers.confusion.sum(0) + answers.class_rows  # (classes,) = 2 TP + FP + FN
    f1 = 2 * answers.hits / seen.clamp(min=1)
    return f1.sum() / (seen > 0).sum()


def _balanced_accuracy(answers: Answers) -> Tensor:
    """Mean recall of the classes that are among the targets."""
    recall = answers.hits / answers.class_rows.clamp(min=1)  # (classes,)
    return recall.sum() / (answers.class_rows > 0).sum()


def _mse(answers: Answers) -> Tensor:
    return answers.mean_square * answers.scale**2


def _mae(answers: Answers) -> Tensor:
    return answers.errors.abs().mean() * answers.scale


def _r2(answers: Answers) -> Tensor:
    """Explained share of the variance; of a constant target 1 for perfect predictions, else 0."""
    mse = answers.mean_square
    variance = answers.targets.var(correction=0)
    return (1 - mse / variance).where(variance > 0, (mse == 0).to(mse.dtype))


# In the order in which a row of an epoch has them. The definitions are scikit-learn's.
METRICS: dict[str, Metric] = {
    "loss": Metric(("classification", "regression"), "min", _loss),
    "accuracy": Metric(("classification",), "max", _accuracy, is_share=True),
    "f1": Metric(("classification",), "max", _f1),
    "balanced_accuracy": Metric(("classification",), "max", _balanced_accuracy),
    "mse": Metric(("regression",), "min", _mse),
    "mae": Metric(("regression",), "min", _mae),
    "r2": Metric(("regression",), "max", _r2, floor=-math.inf),
}


def metrics_of(task: Task) -> dict[str, Metric]:
    """Return the metrics of a task by name, in their order."""
    return {name: metric for name, metric in METRICS.items() if task in metric.tasks}


def metric_columns(task: Task) -> tuple[str, ...]:
    """Return the metrics of every epoch, train before dev: `train_loss`, ..., `dev_loss`, ..."""
    return tuple(f"{part}_{name}" for part in PARTS for name in metrics_of(task))


def mode_of(column: str) -> Mode:
    """Return whether low or high values of a metric are good.

    Args:
        column: one of `metric_columns`.

    Raises:
        TrialConfigError: no task has this metric.
    """
    part, _, name = column.partition("_")
    if part not in PARTS or name not in METRICS:
        rule = "must be a metric of some task"
        known = sorted(f"{part}_{name}" for part in PARTS for name in METRICS)
        raise TrialConfigError(rule, value=column, choices=known)
    return METRICS[name].direction
