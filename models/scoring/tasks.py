"""What a net is asked for: one record a task says what follows from it everywhere else.

Imports no torch. How raw values become a task's target stands in targets.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["TASKS", "Moment", "Task", "TaskKind"]

Task = Literal["classification", "regression", "multilabel"]
Moment = float | tuple[float, ...]  # of one target, or of each of several


@dataclass(frozen=True)
class TaskKind:
    """What follows from a task.

    Attributes:
        loss: what is trained on unless another is named, and what every trial reports as its
            loss, without weights, smoothing or penalties.
        score: the metric whose distance from 1 is the error that bias and variance are read from.
        one_logit: the loss by which a net has a single output for two classes; None without one.
        is_stratified: whether every split gets its share of each value of the target.
        is_categorical: whether an answer is right or wrong, rather than more or less far off.
        is_standardised: whether nets see the target less its training mean, in training deviations.
    """

    loss: str
    score: str
    is_stratified: bool
    is_categorical: bool
    is_standardised: bool
    one_logit: str | None = None


TASKS: dict[Task, TaskKind] = {
    "classification": TaskKind(
        loss="cross_entropy",
        score="accuracy",
        is_stratified=True,
        is_categorical=True,
        is_standardised=False,
        one_logit="binary_cross_entropy",
    ),
    "regression": TaskKind(
        loss="mse",
        score="r2",
        is_stratified=False,
        is_categorical=False,
        is_standardised=True,
    ),
    "multilabel": TaskKind(
        loss="binary_cross_entropy",
        score="subset_accuracy",
        is_stratified=False,
        is_categorical=True,
        is_standardised=False,
    ),
}
