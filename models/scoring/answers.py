"""What a net said of rows whose targets are known: all that a metric is computed from.

Whatever several metrics need is computed once. Nothing here waits for the device.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cached_property
from typing import ClassVar

import torch
from torch import Tensor

from sweeps.models.own_code.net_parts import Parts
from sweeps.models.scoring.losses import Loss, task_loss
from sweeps.models.scoring.metrics import Metric
from sweeps.models.scoring.tasks import TASKS, Moment, Task

__all__ = ["Answers", "Units", "class_logits", "metric_values", "units_on"]

Units = tuple[float | Tensor, float | Tensor]


class Answers:
    """A net's outputs for some rows, and what would have been right.

    Attributes:
        outputs: (rows, outputs) logits, or standardised predictions, one a target.
        targets: (rows,) int64 classes, or standardised targets; (rows, targets) of several.
        scale: original units per standardised unit, (targets,) of several; 1 for classes.
        center: what 0 is in original units, likewise; 0 for classes.
        parts: of a net that returns more than its answers: what the columns of `all_outputs` are.
        all_outputs: (rows, numbers), with what the net returned besides; else the outputs.
        is_whole: whether these are all rows of a part, and not some of them drawn again.
    """

    is_whole: ClassVar[bool] = True
    parts: Parts | None = None

    def __init__(
        self,
        outputs: Tensor,
        targets: Tensor,
        loss: Loss,
        units: Units = (0.0, 1.0),
    ) -> None:
        """Take the outputs and targets as they are; `of` takes them as a task needs them."""
        self.outputs = self.all_outputs = outputs
        self.targets = targets
        self.center, self.scale = units
        self._loss = loss
        self._by_row: dict[object, Tensor] = {}
        self._classes, self._dtype = outputs.shape[1], outputs.dtype

    @staticmethod
    def of(
        task: Task,
        outputs: Tensor,
        targets: Tensor,
        units: Units = (0.0, 1.0),
        parts: Parts | None = None,
    ) -> Answers:
        """Return the answers to a task, widened to float64 where metrics have the target's units.

        A target of 1e-25 has squares that float32 cannot tell from 0, and one of 1e21 squares that
        it cannot hold.

        Args:
            task: what was asked.
            outputs: (rows, outputs) of a net; of two classes also (rows, 1), see `class_logits`.
            targets: as a net is trained on them.
            units: the target's mean and deviation in original units; (0, 1) for classes.
            parts: of a net that returns several tensors, the first of which answers.
        """
        if TASKS[task].is_standardised:
            outputs, targets = outputs.double(), targets.double()
        everything = outputs
        if parts is not None:
            outputs = parts.answers(outputs)
        if TASKS[task].one_logit:
            outputs = class_logits(outputs)
        answers = _KINDS[task](outputs, targets, task_loss(task), units)
        if parts is not None:
            answers.parts, answers.all_outputs = parts, everything
        return answers

    def take(self, rows: Tensor) -> Answers:
        """Return the answers for some of the rows by number, (n,) int64, each as often as named."""
        return _Taken(self, rows)

    def by_row(self, function: Callable[[Answers], Tensor]) -> Tensor:
        """(rows,) values that a function finds of each row, computed once."""
        if function not in self._by_row:
            self._by_row[function] = function(self)
        return self._by_row[function]

    @cached_property
    def loss(self) -> Tensor:
        """Mean loss over the rows."""
        return self._loss(self.outputs, self.targets)

    @cached_property
    def row_losses(self) -> Tensor:
        """(rows,) loss of each row."""
        return self._loss(self.outputs, self.targets, reduction="none")

    @cached_property
    def predicted(self) -> Tensor:
        """(rows,) int64: the likeliest class, the first of equals."""
        return self.outputs.argmax(1)

    @cached_property
    def probabilities(self) -> Tensor:
        """(rows, classes) float64: in float32 those near 1 would often be equal."""
        return self.outputs.double().softmax(1)

    @cached_property
    def is_class(self) -> Tensor:
        """(rows, classes) bool: whether a row is of a class."""
        classes = torch.arange(self._classes, device=self.targets.device)
        return self.targets[:, None] == classes

    @property
    def ranked(self) -> slice:
        """The columns of `probabilities` that are ranked: of two classes the second's alone."""
        return slice(1 if self._classes == 2 else 0, None)

    @cached_property
    def is_wrong(self) -> Tensor:
        """(rows,) bool: whether a row was not answered by its class."""
        return self.predicted != self.targets

    @cached_property
    def confusion(self) -> Tensor:
        """(true classes, predicted classes) numbers of rows, as floats."""
        classes = self._classes
        pairs = torch.bincount(self.targets * classes + self.predicted, minlength=classes**2)
        return pairs.view(classes, classes).to(self._dtype)

    @cached_property
    def hits(self) -> Tensor:
        """(classes,) rows of each class that were answered by it."""
        return self.confusion.diagonal()

    @cached_property
    def class_rows(self) -> Tensor:
        """(classes,) rows of each true class."""
        return self.confusion.sum(1)

    @cached_property
    def class_answers(self) -> Tensor:
        """(classes,) rows that were answered by each class."""
        return self.confusion.sum(0)

    @cached_property
    def errors(self) -> Tensor:
        """Prediction less target, standardised, in the shape of the targets."""
        return self.outputs.reshape(self.targets.shape) - self.targets

    @cached_property
    def mean_squares(self) -> Tensor:
        """Mean squared error, standardised: a scalar, or (targets,) of several."""
        return self.errors.square().mean(0)


class _LabelAnswers(Answers):
    """Of labels, each of which a row has or has not; what is (classes,) above is (labels,) here."""

    @property
    def ranked(self) -> slice:
        return slice(None)

    @cached_property
    def predicted(self) -> Tensor:
        """(rows, labels) bool: whether a label is likelier than not."""
        return self.outputs > 0

    @cached_property
    def probabilities(self) -> Tensor:
        """(rows, labels) float64."""
        return self.outputs.double().sigmoid()

    @cached_property
    def is_class(self) -> Tensor:
        """(rows, labels) bool: whether a row has a label."""
        return self.targets > 0

    @cached_property
    def is_wrong(self) -> Tensor:
        """(rows,) bool: whether a row has a label that was not answered, or the reverse."""
        return (self.predicted != self.is_class).any(1)

    @cached_property
    def hits(self) -> Tensor:
        return (self.predicted & self.is_class).sum(0).to(self._dtype)

    @cached_property
    def class_rows(self) -> Tensor:
        return self.is_class.sum(0).to(self._dtype)

    @cached_property
    def class_answers(self) -> Tensor:
        return self.predicted.sum(0).to(self._dtype)

    def take(self, rows: Tensor) -> Answers:
        return _TakenLabels(self, rows)


class _Taken(Answers):
    """Some rows of other answers; what those know of each row is looked up, not computed again.

    A bootstrap takes thousands of times, and outputs may be wide: they are gathered when asked for.
    """

    is_whole = False

    def __init__(self, whole: Answers, rows: Tensor) -> None:
        self._whole = whole
        self._rows = rows
        self.targets = whole.targets[rows]
        self.center, self.scale = whole.center, whole.scale
        self._classes, self._dtype = whole._classes, whole._dtype

    def by_row(self, function: Callable[[Answers], Tensor]) -> Tensor:
        return self._whole.by_row(function)[self._rows]

    @cached_property
    def outputs(self) -> Tensor:  # type: ignore[override]
        return self._whole.outputs[self._rows]

    @cached_property
    def loss(self) -> Tensor:
        return self.row_losses.mean()

    @cached_property
    def row_losses(self) -> Tensor:
        return self._whole.row_losses[self._rows]

    @cached_property
    def predicted(self) -> Tensor:
        return self._whole.predicted[self._rows]

    @cached_property
    def probabilities(self) -> Tensor:
        return self._whole.probabilities[self._rows]

    @cached_property
    def errors(self) -> Tensor:
        return self._whole.errors[self._rows]


class _TakenLabels(_Taken, _LabelAnswers):
    """Some rows of answers of labels."""


_KINDS: dict[Task, type[Answers]] = {
    "classification": Answers,
    "regression": Answers,
    "multilabel": _LabelAnswers,
}


def class_logits(outputs: Tensor) -> Tensor:
    """Return (rows, classes) logits; one logit z of the second of two classes becomes 0 and z.

    The softmax of (0, z) is the sigmoid of z, so that all that is computed of classes holds.
    """
    if outputs.shape[1] > 1:
        return outputs
    return torch.cat([torch.zeros_like(outputs), outputs], dim=1)


def metric_values(answers: Answers, metrics: Iterable[Metric]) -> Tensor:
    """Return the values of metrics in their order, (metrics,) float64, on the answers' device."""
    # Widened after all were joined, which promotes a float32 among float64 and loses nothing.
    return torch.stack([metric.function(answers) for metric in metrics]).double()


def units_on(device: torch.device, mean: Moment, scale: Moment) -> Units:
    """Return the mean and deviation of targets, as answers on a device need them."""
    return _unit_on(device, mean), _unit_on(device, scale)


def _unit_on(device: torch.device, moment: Moment) -> float | Tensor:
    if isinstance(moment, float | int):
        return moment
    return torch.tensor(moment, dtype=torch.float64, device=device)
