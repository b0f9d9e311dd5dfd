"""What a net has to predict: classes as indices, or numbers.

Class names are taken from all rows; means and scales of regression targets never are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from sweeps.models.errors import DataError
from sweeps.models.features import column_values, missing_in
from sweeps.models.tasks import Task

__all__ = ["MAX_AUTO_CLASSES", "Target", "read_target"]

MAX_AUTO_CLASSES = 20  # above this, `task: auto` takes whole numbers for amounts, not for classes


@dataclass(frozen=True, eq=False)
class Target:
    """What is predicted, for each row.

    Attributes:
        values: (rows,) int64 indices into `class_names`, or float64 numbers.
        task: classification or regression.
        class_names: words sorted, or whole numbers in ascending order; empty for regression.
    """

    values: npt.NDArray[Any]
    task: Task
    class_names: tuple[str, ...] = ()

    @property
    def outputs(self) -> int:
        """Outputs that a net needs: one for each class, or one for regression."""
        return len(self.class_names) or 1

    def take(self, rows: npt.NDArray[np.intp]) -> Target:
        """A copy of the given rows, in the order given."""
        return Target(self.values[rows], self.task, self.class_names)


def read_target(name: str, raw: npt.ArrayLike, task: Literal["auto", Task]) -> Target:
    """The target that raw values stand for.

    Args:
        name: the target's, for errors.
        raw: (rows,) or (rows, 1) numbers, booleans (classes 0 and 1) or words.
        task: `auto` takes words, and whole numbers with at most `MAX_AUTO_CLASSES` distinct
            values, for classes.

    Raises:
        DataError: values are missing or infinite, do not suit the task, or are all equal.
    """
    array = np.asarray(raw)
    values = column_values(name, array[:, 0] if array.ndim == 2 and array.shape[1] == 1 else array)
    if len(values) == 0:
        raise DataError("a data set has rows, and this one has none", key=("source",))
    _check_known(name, values)
    if values.dtype == object and task == "regression":
        rule = f"regression needs numbers, and {name!r} holds words"
        raise DataError(rule, key=("task",), value=task, hint=f"Row 1 holds {values[0]!r}")
    if task == "regression" or (task == "auto" and not _looks_like_classes(values)):
        return _numbers(name, values)
    return _classes(name, values)


def _check_known(name: str, values: npt.NDArray[Any]) -> None:
    missing = missing_in(values)
    if missing.any():
        rule = f"every row has a value of target {name!r}, and {_rows(missing)} none"
        hint = "A target cannot be filled in: remove these rows"
        raise DataError(rule, key=("target",), hint=hint)
    if values.dtype != object and np.isinf(values).any():
        rule = f"target {name!r} is finite, and {_rows(np.isinf(values))} infinity"
        raise DataError(rule, key=("target",))


def _looks_like_classes(values: npt.NDArray[Any]) -> bool:
    if values.dtype == object:
        return True
    distinct = np.unique(values)
    return len(distinct) <= MAX_AUTO_CLASSES and bool((distinct == np.round(distinct)).all())


def _classes(name: str, values: npt.NDArray[Any]) -> Target:
    distinct, indices = np.unique(values, return_inverse=True)
    if values.dtype != object and (distinct != np.round(distinct)).any():
        broken = float(distinct[distinct != np.round(distinct)][0])
        rule = f"the classes of target {name!r} are words or whole numbers"
        hint = "If it is an amount, write task: regression"
        raise DataError(rule, key=("target",), value=broken, hint=hint)
    names = tuple(value if isinstance(value, str) else str(int(value)) for value in distinct)
    if len(names) < 2:
        rule = f"target {name!r} has two classes or more, and every row is {names[0]!r}"
        raise DataError(rule, key=("target",))
    return Target(indices.astype(np.int64), "classification", names)


def _numbers(name: str, values: npt.NDArray[Any]) -> Target:
    if values.min() == values.max():
        rule = f"target {name!r} has two values or more, and every row is {float(values[0])!r}"
        raise DataError(rule, key=("target",))
    return Target(values, "regression")


def _rows(chosen: npt.NDArray[np.bool_]) -> str:
    """`2 rows (1, 7) have`, or `row 7 has`, counted from 1 as in a table without its header."""
    rows = np.flatnonzero(chosen) + 1
    shown = ", ".join(map(str, rows[:5])) + (", ..." if len(rows) > 5 else "")
    return f"{len(rows)} rows ({shown}) have" if len(rows) > 1 else f"row {shown} has"
