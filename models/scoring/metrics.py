"""The metrics of every epoch, and of the final's test rows: one table, from which all else follows.

A metric is a row of `METRICS` and a function of `Answers` that returns a scalar tensor, wherever
those lie, and waits for no device. Imports no torch, so that a sweep file is checked at once:
functions use what tensors have as methods. All are of all rows at once, each row counting alike.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Literal

from sweeps.models.scoring.metric_configuration import MetricOptions
from sweeps.models.scoring.tasks import Task

if TYPE_CHECKING:
    from torch import Tensor

    from sweeps.models.scoring.answers import Answers

__all__ = [
    "METRICS",
    "PARTS",
    "Limits",
    "Metric",
    "Mode",
    "bounds_of",
    "metric_columns",
    "metrics_of",
    "recorded_metrics",
    "with_objective",
]

Mode = Literal["min", "max"]
Limits = tuple[float | None, float | None]
PARTS = ("train", "dev")
Needs = Literal["", "two classes", "a second class", "only two classes", "no zeros"]


@dataclass(frozen=True)
class Metric:
    """How well a net answers.

    Attributes:
        tasks: for which it is defined.
        direction: whether low or high values are good.
        function: takes the answers for one row or more; returns a scalar of any float type.
        is_share: whether it is a share of the rows, whose error is known without a bootstrap.
        floor: its least value where high ones are good; where low ones are, that is 0.
        is_usual: whether it is recorded of every sweep with such a task; others where asked for.
        limits: its least and greatest value where they are others; None for one without an end.
        needs: what it is undefined without, by its name in `unmeasurable`; empty for nothing.
        influence: (rows,) how much each row moves it, where that depends much on the other rows;
            None where the weights that rows have among all rows serve for any sample of them.
    """

    tasks: tuple[Task, ...]
    direction: Mode
    function: Callable[[Answers], Tensor]
    is_share: bool = False
    floor: float = 0.0
    is_usual: bool = False
    needs: Needs = ""
    limits: Limits | None = None
    influence: Callable[[Answers], Tensor] | None = None

    @property
    def bounds(self) -> tuple[float, float]:
        """The least and the greatest value that it can have."""
        if self.limits is not None:
            return bounds_of(self.limits)
        return (0.0, math.inf) if self.direction == "min" else (self.floor, 1.0)


def bounds_of(limits: Limits) -> tuple[float, float]:
    """Return the least and the greatest value; infinite where there is no end."""
    low, high = limits
    return -math.inf if low is None else low, math.inf if high is None else high


def _loss(answers: Answers) -> Tensor:
    return answers.loss


def _accuracy(answers: Answers) -> Tensor:
    return answers.hits.sum() / len(answers.targets)


def _subset_accuracy(answers: Answers) -> Tensor:
    """Share of the rows of which every label is right."""
    return 1 - answers.is_wrong.double().mean()


def _hamming_loss(answers: Answers) -> Tensor:
    """Share of all labels of all rows that are wrong."""
    return (answers.predicted != answers.is_class).double().mean()


def _f1_of_classes(answers: Answers) -> tuple[Tensor, Tensor]:
    """(classes,) F1, and whether a class is true or predicted of any row; else it has none."""
    seen = answers.class_answers + answers.class_rows  # (classes,) = 2 TP + FP + FN
    return 2 * answers.hits / seen.clamp(min=1), seen > 0


def _f1(answers: Answers) -> Tensor:
    """Macro F1. A class that is neither true nor predicted is left out of the mean."""
    f1, is_seen = _f1_of_classes(answers)
    return f1.sum() / is_seen.sum().clamp(min=1)


def _f1_weighted(answers: Answers) -> Tensor:
    f1, _ = _f1_of_classes(answers)
    return (f1 * answers.class_rows).sum() / answers.class_rows.sum().clamp(min=1)


def _f1_micro(answers: Answers) -> Tensor:
    """F1 of all labels of all rows together."""
    seen = answers.class_answers.sum() + answers.class_rows.sum()
    return 2 * answers.hits.sum() / seen.clamp(min=1)


def _f1_binary(answers: Answers) -> Tensor:
    return _f1_of_classes(answers)[0][1]


def _balanced_accuracy(answers: Answers) -> Tensor:
    """Mean recall of the classes that are among the targets."""
    recall = answers.hits / answers.class_rows.clamp(min=1)  # (classes,)
    return recall.sum() / (answers.class_rows > 0).sum()


def _auc(answers: Answers) -> Tensor:
    from sweeps.models.scoring.ranking import roc_areas

    return _of_classes(answers, roc_areas)


def _average_precision(answers: Answers) -> Tensor:
    from sweeps.models.scoring.ranking import average_precisions

    return _of_classes(answers, average_precisions)


def _of_classes(answers: Answers, ranked: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
    """The second of two classes; of more, or of labels, the mean of each against the others.

    A class that none or all of the rows have is left out of that mean.
    """
    columns = answers.ranked
    found = ranked(
        answers.probabilities.T[columns].contiguous(), answers.is_class.T[columns].contiguous()
    )
    return found.nanmean()


def _brier(answers: Answers) -> Tensor:
    """Mean squared error of the probabilities; of two classes that of the second's alone."""
    errors = (answers.probabilities - answers.is_class.double()).square().sum(1).mean()
    return errors / 2 if answers.probabilities.shape[1] == 2 else errors


def _mse(answers: Answers) -> Tensor:
    return _over_targets(answers.mean_squares * answers.scale**2)


def _over_targets(values: Tensor) -> Tensor:
    """The mean over (targets,), each counting alike; the value itself of a single one."""
    return values.mean() if values.ndim else values


def _mae(answers: Answers) -> Tensor:
    return _over_targets(answers.errors.abs().mean(0) * answers.scale)


def _r2(answers: Answers) -> Tensor:
    """Explained share of the variance; of a constant target 1 for perfect predictions, else 0."""
    mse = answers.mean_squares
    variance = answers.targets.var(0, correction=0)
    r2 = (1 - mse / variance).where(variance > 0, (mse == 0).to(mse.dtype))
    return _over_targets(r2)


def _r2_influence(answers: Answers) -> Tensor:
    """(rows,) the influence function of R2 = 1 - M / V: -e^2 / V + M / V^2 (y - mean y)^2."""
    around = (answers.targets - answers.targets.mean(0)).square()
    mse, variance = answers.mean_squares, around.mean(0)
    influence = (mse / variance * around - answers.errors.square()) / variance
    return influence.mean(1) if influence.ndim > 1 else influence


def _rmse(answers: Answers) -> Tensor:
    return _over_targets(answers.mean_squares.sqrt() * answers.scale)


def _mape(answers: Answers) -> Tensor:
    """Mean error as a share of the true value; that of a value of 0 is taken at float64's eps."""
    truth = (answers.targets * answers.scale + answers.center).abs()
    return (answers.errors.abs() * answers.scale / truth.clamp(min=_SMALLEST)).mean()


def _pinball(answers: Answers, quantile: float = 0.5) -> Tensor:
    """Koenker and Bassett (Econometrica 1978): least where the quantile is predicted."""
    below = -answers.errors  # what the truth has more than the prediction
    return _over_targets(
        below.mul(quantile).maximum(below.mul(quantile - 1)).mean(0) * answers.scale
    )


_CLASSES: tuple[Task, ...] = ("classification",)
_NUMBERS: tuple[Task, ...] = ("regression",)
_LABELS: tuple[Task, ...] = ("multilabel",)
_SMALLEST = 2.0**-52

# The usual ones in the order in which a row of an epoch has them, then those that may be asked
# for. The definitions are scikit-learn's.
METRICS: dict[str, Metric] = {
    "loss": Metric((*_CLASSES, *_NUMBERS, *_LABELS), "min", _loss, is_usual=True),
    "accuracy": Metric(_CLASSES, "max", _accuracy, is_share=True, is_usual=True),
    "subset_accuracy": Metric(_LABELS, "max", _subset_accuracy, is_share=True, is_usual=True),
    "hamming_loss": Metric(_LABELS, "min", _hamming_loss, is_usual=True),
    "f1": Metric((*_CLASSES, *_LABELS), "max", _f1, is_usual=True),
    "balanced_accuracy": Metric(_CLASSES, "max", _balanced_accuracy, is_usual=True),
    "mse": Metric(_NUMBERS, "min", _mse, is_usual=True),
    "mae": Metric(_NUMBERS, "min", _mae, is_usual=True),
    "r2": Metric(_NUMBERS, "max", _r2, floor=-math.inf, is_usual=True, influence=_r2_influence),
    "auc": Metric((*_CLASSES, *_LABELS), "max", _auc, needs="two classes"),
    "average_precision": Metric(
        (*_CLASSES, *_LABELS), "max", _average_precision, needs="a second class"
    ),
    "f1_weighted": Metric((*_CLASSES, *_LABELS), "max", _f1_weighted),
    "f1_micro": Metric(_LABELS, "max", _f1_micro),
    "f1_binary": Metric(_CLASSES, "max", _f1_binary, needs="only two classes"),
    "log_loss": Metric(_CLASSES, "min", _loss),
    "brier": Metric(_CLASSES, "min", _brier),
    "rmse": Metric(_NUMBERS, "min", _rmse),
    "mape": Metric(_NUMBERS, "min", _mape, needs="no zeros"),
    "pinball": Metric(_NUMBERS, "min", _pinball),
}


def metrics_of(task: Task) -> dict[str, Metric]:
    """Return all metrics of a task by name, in their order."""
    return {name: metric for name, metric in METRICS.items() if task in metric.tasks}


def recorded_metrics(task: Task, asked: Mapping[str, MetricOptions]) -> dict[str, Metric]:
    """Return the metrics of every epoch by name: the usual ones, then those that were asked for.

    User-defined metrics are in own_metric: to find them is to import their modules.

    Args:
        task: of the data.
        asked: by name, as `check_metrics` has made sure.
    """
    usual = {name: metric for name, metric in metrics_of(task).items() if metric.is_usual}
    ours = {name: one for name, one in asked.items() if not one.target}
    return usual | {name: _with_options(METRICS[name], one) for name, one in ours.items()}


def with_objective(asked: Mapping[str, MetricOptions], metric: str) -> dict[str, MetricOptions]:
    """Return what is asked for, with the metric that trials are judged by.

    Args:
        asked: the `metrics` section.
        metric: the objective, `dev_auc`.
    """
    name = metric.removeprefix("dev_")
    return dict(asked) if name in asked else {**asked, name: MetricOptions()}


def _with_options(metric: Metric, options: MetricOptions) -> Metric:
    if options.quantile is None:
        return metric
    return replace(metric, function=partial(_pinball, quantile=options.quantile))


def metric_columns(names: Iterable[str]) -> tuple[str, ...]:
    """Return the metrics of every epoch, train before dev: `train_loss`, ..., `dev_loss`, ..."""
    listed = tuple(names)
    return tuple(f"{part}_{name}" for part in PARTS for name in listed)
