"""What a net has to predict: classes as indices, or numbers.

Class names are taken from all rows; means and scales of regression targets never are.
"""

from __future__ import annotations

import numbers
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from sweeps.models.data.cells import object_array
from sweeps.models.data.features import check_exact, column_values, exact_array, missing_in
from sweeps.models.errors import DataError
from sweeps.models.scoring.tasks import Task

__all__ = ["MAX_AUTO_CLASSES", "ClassType", "Target", "class_labels", "read_target"]

ClassType = Literal["text", "integer", "boolean"]

_LARGEST = 2**63
MAX_AUTO_CLASSES = 20  # above this, `task: auto` takes whole numbers for amounts, not for classes


@dataclass(frozen=True, eq=False)
class Target:
    """What is predicted, for each row.

    Attributes:
        values: (rows,) int64 indices into `class_names`, or float64 numbers; of several targets
            (rows, targets) float64, or of labels (rows, labels) float32 of 0 and 1.
        task: what is asked.
        class_names: words sorted, or whole numbers in ascending order; only for classification.
        class_type: what a class is in the data, where its name is a text in any case.
        names: of the columns where a row has several; empty where it has one.
    """

    values: npt.NDArray[Any]
    task: Task
    class_names: tuple[str, ...] = ()
    class_type: ClassType = "text"
    names: tuple[str, ...] = ()

    @property
    def outputs(self) -> int:
        """Outputs that a net needs: one for each class or target."""
        return len(self.class_names) or len(self.names) or 1

    def take(self, rows: npt.NDArray[np.intp]) -> Target:
        """A copy of the given rows, in the order given."""
        return replace(self, values=self.values[rows])


def class_labels(names: tuple[str, ...], kind: ClassType) -> npt.NDArray[Any]:
    """(classes,) the classes as the data has them: texts, whole numbers, or booleans."""
    if kind == "boolean":
        return np.array([name == "True" for name in names])
    return np.array(names) if kind == "text" else np.array([int(name) for name in names])


def read_target(
    name: str,
    raw: npt.ArrayLike,
    task: Literal["auto", Task],
    labels: npt.NDArray[Any] | None = None,
) -> Target:
    """The target that raw values stand for.

    Args:
        name: the target's, for errors.
        raw: (rows,) or (rows, 1) numbers, booleans or words.
        task: `auto` takes words, booleans, and whole numbers with at most `MAX_AUTO_CLASSES`
            distinct values, for classes.
        labels: (rows,) how each value is written where classes keep that, as 00501.

    Raises:
        DataError: values are missing or infinite, do not suit the task, or are all equal.
    """
    array = exact_array(raw)
    array = array[:, 0] if array.ndim == 2 and array.shape[1] == 1 else array
    values = column_values(name, array)
    if len(values) == 0:
        raise DataError("the data must have at least one row", key=("source",))
    _check_known(name, values)
    exact = _exact(array, values)
    if values.dtype == object and task == "regression":
        rule = f"regression needs numbers; {name!r} holds words"
        raise DataError(rule, key=("task",), value=task, hint=f"Row 1 holds {values[0]!r}")
    if task == "regression" or (task == "auto" and not _looks_like_classes(exact)):
        check_exact(name, array, values)
        return _numbers(name, values)
    return _classes(name, exact, labels)


def _exact(array: npt.NDArray[Any], values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Words, booleans and whole numbers as they are; float64 of any other numbers."""
    if values.dtype == object or array.dtype.kind in "biu":
        return values if values.dtype == object else array
    if array.dtype != object:
        return array.astype(np.float64) if array.dtype.itemsize > 8 else array
    if all(isinstance(one, bool | np.bool_) for one in array):
        return array.astype(np.bool_)
    if all(isinstance(one, numbers.Integral) for one in array):
        return _whole([int(one) for one in array])
    return values


def _check_known(name: str, values: npt.NDArray[Any]) -> None:
    missing = missing_in(values)
    if missing.any():
        rule = f"every row must have a value of target {name!r}; {_rows(missing)} none"
        hint = "Missing targets cannot be filled in: remove these rows"
        raise DataError(rule, key=("target",), hint=hint)
    if values.dtype != object and np.isinf(values).any():
        rule = f"target {name!r} must be finite; {_rows(np.isinf(values))} infinity"
        raise DataError(rule, key=("target",))


def _whole(numbers: list[int]) -> npt.NDArray[Any]:
    """int64, or Python's own where one is larger: numpy would make floats of those."""
    if max(map(abs, numbers)) < _LARGEST:
        return np.array(numbers)
    return object_array(numbers)


def _looks_like_classes(values: npt.NDArray[Any]) -> bool:
    if _are_words(values):
        return True
    distinct = np.unique(values)
    return len(distinct) <= MAX_AUTO_CLASSES and all(float(one).is_integer() for one in distinct)


def _are_words(values: npt.NDArray[Any]) -> bool:
    return values.dtype == object and isinstance(values[0], str)


def _classes(name: str, values: npt.NDArray[Any], labels: npt.NDArray[Any] | None) -> Target:
    distinct, first, indices = np.unique(values, return_index=True, return_inverse=True)
    kind: ClassType = "boolean" if values.dtype == np.bool_ else "text"
    if values.dtype.kind == "f":
        _check_whole(name, distinct)
    if not _are_words(values) and kind == "text":
        distinct = _whole([int(one) for one in distinct])
        kind = "text" if distinct.dtype == object else "integer"
    names = tuple(str(one) for one in distinct)
    if labels is not None and not _are_words(values):
        names, kind = _as_written(name, labels, indices, first), _type_of(names, kind, labels)
    if len(names) < 2:
        rule = f"target {name!r} must have at least two classes; every row is {names[0]!r}"
        raise DataError(rule, key=("target",))
    return Target(indices.astype(np.int64), "classification", names, kind)


def _check_whole(name: str, distinct: npt.NDArray[np.floating[Any]]) -> None:
    """Raises unless floats are whole numbers, and none may stand for two of the data's."""
    broken = distinct[distinct != np.round(distinct)]
    if len(broken):
        rule = f"the classes of target {name!r} must be words or whole numbers"
        hint = "If it is a quantity, write task: regression"
        raise DataError(rule, key=("target",), value=float(broken[0]), hint=hint)
    largest = distinct[np.argmax(np.abs(distinct))]
    digits = np.finfo(distinct.dtype).nmant + 1
    if abs(float(largest)) >= 2**digits:
        raise DataError(
            f"the classes of target {name!r} must be exact: as {distinct.dtype} numbers, whole "
            f"numbers above 2^{digits} cannot be distinguished",
            key=("target",),
            value=int(largest),
            hint="Write them as integers or as words",
        )


def _as_written(
    name: str,
    labels: npt.NDArray[Any],
    indices: npt.NDArray[np.intp],
    first: npt.NDArray[np.intp],
) -> tuple[str, ...]:
    """The classes as the file writes them, each in one way."""
    texts = [label.strip() for label in labels]
    names = tuple(texts[row] for row in first)
    for row, (text, index) in enumerate(zip(texts, indices, strict=True), start=1):
        if text != names[index]:
            raise DataError(
                f"target {name!r} must spell each class in one way: row {first[index] + 1} holds "
                f"{names[index]!r} and row {row} {text!r}",
                key=("target",),
                hint=f"Spell them alike, or treat them as words to keep them apart: words: "
                f"[{name}]",
            )
    return names


def _type_of(names: tuple[str, ...], kind: ClassType, labels: npt.NDArray[Any]) -> ClassType:
    """What classes that are written so are: `00501` and `true` are text."""
    return kind if {label.strip() for label in labels} == set(names) else "text"


def _numbers(name: str, values: npt.NDArray[Any]) -> Target:
    if values.min() == values.max():
        rule = f"target {name!r} must have at least two values; every row is {float(values[0])!r}"
        raise DataError(rule, key=("target",))
    return Target(values, "regression")


def _rows(chosen: npt.NDArray[np.bool_]) -> str:
    """`2 rows (1, 7) have`, or `row 7 has`, counted from 1 as in a table without its header."""
    rows = np.flatnonzero(chosen) + 1
    shown = ", ".join(map(str, rows[:5])) + (", ..." if len(rows) > 5 else "")
    return f"{len(rows)} rows ({shown}) have" if len(rows) > 1 else f"row {shown} has"
