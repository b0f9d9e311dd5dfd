"""Which metrics have no value on given dev rows, told before anything starts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from sweeps.models.data.targets import Target
from sweeps.models.scoring.metrics import Needs
from sweeps.models.scoring.tasks import Task

__all__ = ["unmeasurable"]

Rows = npt.NDArray[np.intp]


def unmeasurable(target: Target, dev: Sequence[Rows]) -> dict[Needs, str]:
    """Return what is missing that some metrics need, and the reason in words.

    Args:
        target: of all rows.
        dev: the dev rows; with folds those of each.
    """
    return dict(_FOUND[target.task](target, [target.values[rows] for rows in dev]))


def _of_classes(target: Target, dev: Sequence[npt.NDArray[Any]]) -> Iterator[tuple[Needs, str]]:
    names = target.class_names
    if len(names) != 2:
        yield "only two classes", f"the target has {len(names)} classes: {', '.join(names[:5])}"
    for where, values in _places(dev):
        present = np.unique(values)
        if len(present) == 1:
            yield "two classes", f"{where} are all of class {names[present[0]]!r}"
        if len(names) == 2 and 1 not in present:
            yield "a second class", f"{where} have none of class {names[1]!r}"


def _of_labels(_: Target, dev: Sequence[npt.NDArray[Any]]) -> Iterator[tuple[Needs, str]]:
    for where, values in _places(dev):
        if (values.min(axis=0) == values.max(axis=0)).all():
            yield "two classes", f"each label is the same in all of {where}"
        if not values.any():
            yield "a second class", f"{where} have no label"


def _places(dev: Sequence[npt.NDArray[Any]]) -> Iterator[tuple[str, npt.NDArray[Any]]]:
    for fold, values in enumerate(dev, start=1):
        yield f"the dev rows of fold {fold}" if len(dev) > 1 else "the dev rows", values


def _of_numbers(_: Target, dev: Sequence[npt.NDArray[Any]]) -> Iterator[tuple[Needs, str]]:
    zeros = sum(int((values == 0).sum()) for values in dev)
    if zeros:
        yield "no zeros", f"the target is 0 in {zeros} dev row{'s' if zeros > 1 else ''}"


_FOUND: dict[Task, Callable[[Target, Sequence[npt.NDArray[Any]]], Iterator[tuple[Needs, str]]]] = {
    "classification": _of_classes,
    "regression": _of_numbers,
    "multilabel": _of_labels,
}
