"""Targets of which a row has several: amounts, or labels that it has or has not."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from sweeps.models.data.features import column_values, named_columns
from sweeps.models.data.targets import Target, read_target
from sweeps.models.errors import DataError
from sweeps.models.scoring.tasks import Task

__all__ = ["read_targets", "targets_of"]

_TASKS: tuple[Task, ...] = ("regression", "multilabel")


def targets_of(name: str, raw: object) -> dict[str, npt.NDArray[Any]] | None:
    """Return the columns of a target by name, or None where a row has one value.

    Args:
        name: the target's: columns of an array are `<name>_0`, `<name>_1`, ...
        raw: (rows, targets), or masks (rows, height, width), of which each pixel is a target; a
            mapping of names to columns, or a data frame.
    """
    named = named_columns(raw)
    if named is not None:
        return {key: np.asarray(values) for key, values in named.items()}
    array = np.asarray(raw)
    targets = math.prod(array.shape[1:])
    if array.ndim < 2 or targets < 2:
        return None
    array = array.reshape(len(array), targets)
    return {f"{name}_{at}": array[:, at] for at in range(array.shape[1])}


def read_targets(
    columns: Mapping[str, npt.NDArray[Any]],
    task: Literal["auto", Task],
    are_named: bool = True,
) -> Target:
    """Return the target that several columns stand for.

    Args:
        columns: (rows,) numbers or booleans, by the target's name.
        task: `auto` takes columns of 0 and 1 for labels, any other numbers for amounts.
        are_named: whether somebody named each; of an array some labels may be equal in all rows,
            as pixels at the edge of masks are.

    Raises:
        DataError: values are missing or infinite, are words, do not suit the task, or are all
            equal in a named column; or the task has one target.
    """
    if task == "auto":
        is_binary = all(map(_is_binary, map(column_values, columns, columns.values())))
        task = "multilabel" if is_binary else "regression"
    if task not in _TASKS:
        rule = f"{task} takes one target; {len(columns)} are named"
        hint = "Name one; for several labels per row, give columns of 0 and 1"
        raise DataError(rule, key=("task",), value=task, choices=("auto", *_TASKS), hint=hint)
    if task == "multilabel":
        _check_labels(columns)
    # Each is held to what a target of its own is held to: known, finite, and more than one value.
    alike = set() if are_named or task != "multilabel" else _equal_in_all_rows(columns)
    read = [
        np.asarray(values, np.float64)
        if name in alike
        else read_target(name, values, "regression").values
        for name, values in columns.items()
    ]
    dtype = np.float32 if task == "multilabel" else np.float64
    if len(set(map(len, read))) > 1:
        found = {name: len(one) for name, one in zip(columns, read, strict=True)}
        raise DataError("all targets must have equal numbers of rows", key=("target",), value=found)
    values = np.stack(read, axis=1).astype(dtype)
    return Target(values, task, names=tuple(columns))


def _equal_in_all_rows(columns: Mapping[str, npt.NDArray[Any]]) -> set[str]:
    """Return the labels that all rows have, or none has; empty where that is so of each label."""
    found = {name for name, values in columns.items() if (values == values[0]).all()}
    return found if len(found) < len(columns) else set()


def _is_binary(values: npt.NDArray[Any]) -> bool:
    return values.dtype != object and bool(np.isin(values, (0, 1)).all())


def _check_labels(columns: Mapping[str, npt.NDArray[Any]]) -> None:
    if len(columns) < 2:
        rule = "multilabel needs at least two labels; one is named"
        hint = "For one column of 0 and 1, write task: classification"
        raise DataError(rule, key=("target",), value=next(iter(columns)), hint=hint)
    for name, raw in columns.items():
        values = column_values(name, raw)
        if values.dtype == object or not (np.isin(values, (0, 1)) | np.isnan(values)).all():
            unfit = next(one for one in values.tolist() if one not in (0, 1))
            rule = f"a label must be 0 or 1 in every row; {name!r} holds {unfit!r}"
            hint = "Write one column of 0 and 1 for each label"
            raise DataError(rule, key=("target",), value=name, hint=hint)
