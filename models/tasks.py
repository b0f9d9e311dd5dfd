"""What a net is asked for: one record a task says what follows from it everywhere else.

Imports no torch. How raw values become a task's target stands in targets.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["TASKS", "LossKind", "Task", "TaskKind"]

Task = Literal["classification", "regression"]
LossKind = Literal["cross_entropy", "squared_error"]


@dataclass(frozen=True)
class TaskKind:
    """What follows from a task.

    Attributes:
        loss: what is trained on, and reported without smoothing or penalties.
        score: the metric whose distance from 1 is the error that bias and variance are read from.
        is_stratified: whether every split gets its share of each value of the target.
        is_standardised: whether nets see the target less its training mean, in training deviations.
    """

    loss: LossKind
    score: str
    is_stratified: bool
    is_standardised: bool


TASKS: dict[Task, TaskKind] = {
    "classification": TaskKind(
        loss="cross_entropy",
        score="accuracy",
        is_stratified=True,
        is_standardised=False,
    ),
    "regression": TaskKind(
        loss="squared_error",
        score="r2",
        is_stratified=False,
        is_standardised=True,
    ),
}
