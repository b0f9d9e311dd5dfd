"""The user's own metrics: called on answers of a task, and held to one number.

A wrong return would be wrong again, so that no trial is tried a second time for it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from numbers import Real

import numpy as np
import torch
from torch import Tensor

from sweeps.models.errors import OwnFunctionError
from sweeps.models.own_code.own_call import OwnCall
from sweeps.models.process.randomness import OwnRandomness
from sweeps.models.scoring.answers import Answers
from sweeps.models.scoring.metric_configuration import MetricOptions
from sweeps.models.scoring.metrics import Metric
from sweeps.models.scoring.tasks import TASKS, Task

__all__ = ["own_metrics"]

_RULE = "the function must return one finite number"


def own_metrics(task: Task, asked: Mapping[str, MetricOptions]) -> dict[str, Metric]:
    """Return those of the asked metrics that are the user's own, by name.

    Args:
        task: of the data.
        asked: by name, as `check_metrics` has made sure.

    Raises:
        OwnFunctionError: one cannot be found.
    """
    return {name: _metric(task, name, one) for name, one in asked.items() if one.target}


def _metric(task: Task, name: str, options: MetricOptions) -> Metric:
    assert options.goal is not None, "check_metrics asks for it"
    function = _OwnMetric(task, name, options)
    return Metric((task,), options.goal, function, limits=options.limits)


class _OwnMetric:
    """A function of the user's as the function of a Metric."""

    def __init__(self, task: Task, name: str, options: MetricOptions) -> None:
        key = ("metrics", name, "target")
        self._own = OwnCall(str(options.target), key, options.options)
        self._said = _predictions if TASKS[task].is_standardised else _probabilities
        self._wanted = _numbers if TASKS[task].is_standardised else _classes

    def __call__(self, answers: Answers) -> Tensor:
        """The metric of some rows, as a scalar; NaN where the net put out what is no number.

        Rows that are drawn again for an interval may have no value, as an area of one class has
        none: there an error is NaN, too.

        Raises:
            OwnFunctionError: it raised, or returned no finite number.
        """
        value = math.nan
        if answers.by_row(_finite).all():
            try:
                value = self._of(answers)
            except OwnFunctionError:
                if answers.is_whole:
                    raise
        return torch.tensor(value, dtype=torch.float64, device=answers.targets.device)

    def _of(self, answers: Answers) -> float:
        # Copies: what it changes in place no other metric sees, and no later epoch.
        given = (answers.by_row(one) for one in (self._said, self._wanted))
        said, wanted = (one.to("cpu", copy=True) for one in given)
        # What it draws is the same at every call, and of no trial's numbers.
        with OwnRandomness(0, torch.device("cpu")), torch.no_grad():
            returned = self._own(outputs=said, targets=wanted)
        return self._number(returned, len(wanted))

    def _number(self, returned: object, rows: int) -> float:
        if isinstance(returned, Tensor | np.ndarray) and returned.shape == ():
            returned = returned.item()
        if not isinstance(returned, Real):
            shape = getattr(returned, "shape", None)
            kind = f"a {type(returned).__name__}"
            got = kind if shape is None else f"{kind} of shape {tuple(shape)}"
            raise self._own.refused(f"{_RULE}, and returned {got}")
        try:
            value = float(returned)
        except OverflowError as error:
            what = f"{_RULE}, and returned a whole number that no float holds"
            raise self._own.refused(what) from error
        if not math.isfinite(value):
            raise self._own.refused(f"{_RULE}, and returned {value} for {rows} rows")
        return value


def _finite(answers: Answers) -> Tensor:
    return answers.outputs.isfinite().flatten(1).all(1)


def _probabilities(answers: Answers) -> Tensor:
    return answers.probabilities


def _classes(answers: Answers) -> Tensor:
    return answers.targets


def _predictions(answers: Answers) -> Tensor:
    """In the target's own units and shape."""
    return answers.outputs.reshape(answers.targets.shape) * answers.scale + answers.center


def _numbers(answers: Answers) -> Tensor:
    return answers.targets * answers.scale + answers.center
