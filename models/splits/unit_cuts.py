"""Cuts rows that must stay together: patients, sessions, rows with equal features.

Shapes: R rows in random order, U units of them, C classes (1 where nothing is stratified).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from sweeps.models.errors import DataError

__all__ = ["deal_units", "split_units"]

Ints = npt.NDArray[np.integer[Any]]
_LEFT = 0


def split_units(
    classes: Ints, units: Ints, quotas: Sequence[Ints], names: Sequence[str] = ()
) -> npt.NDArray[np.int64]:
    """Give each split whole units until it has its quota of every class, as nearly as units allow.

    A unit joins a split where that brings the split nearer to its quotas: the sum over classes of
    squared distances, each as a part of the class, falls. Where every row is a unit of its own
    these are the first rows of each class, as in a cut without units.

    Args:
        classes: (R,) numbers from 0 on, rows in the order in which they are taken.
        units: (R,) numbers from 0 on.
        quotas: (C,) rows of each class that a split is to have, one array a split.
        names: Of the classes, for errors; none where nothing is stratified.

    Returns:
        (R,) 0 for what is left over, 1 for the first split, 2 for the second.

    Raises:
        DataError: A class is in too few units to be in every split.
    """
    order, counts = _units_in_order(classes, units, len(quotas[0]))
    _check_units(counts, len(quotas) + 1, names)
    weights = 1.0 / np.maximum(counts.sum(axis=0), 1) ** 2
    taken = np.full(len(order), _LEFT)
    for number, quota in enumerate(quotas, start=1):
        if not quota.any():
            continue
        later = len(quotas) - number + 1
        held = _start(counts, taken, number, later)
        _fill(counts, taken, number, later, quota - held, weights)
    return taken[_place_of(order, units)]


def deal_units(
    classes: Ints, units: Ints, folds: int, names: Sequence[str] = ()
) -> npt.NDArray[np.int64]:
    """Deal whole units into folds that have as many rows of each class as units allow.

    The largest units go first, each to the fold that has least of its classes (as scikit-learn's
    StratifiedGroupKFold does, which sorts by spread).

    Args:
        classes, units: As for `split_units`.
        folds: How many.
        names: Of the classes, for errors.

    Returns:
        (R,) the fold of each row, from 0 on.

    Raises:
        DataError: A class is in fewer units than there are folds.
    """
    order, counts = _units_in_order(classes, units, int(classes.max()) + 1)
    _check_units(counts, folds, names)
    weights = 1.0 / np.maximum(counts.sum(axis=0), 1) ** 2
    held = np.zeros((folds, counts.shape[1]))
    fold = np.empty(len(order), dtype=np.int64)
    for unit in np.argsort(-counts.sum(axis=1), kind="stable"):
        load = held @ (counts[unit] * weights)
        fold[unit] = np.lexsort((held.sum(axis=1), load))[0]
        held[fold[unit]] += counts[unit]
    return fold[_place_of(order, units)]


def _units_in_order(classes: Ints, units: Ints, width: int) -> tuple[Ints, Ints]:
    """Return (U,) the units as they first appear, and (U, C) their rows of each class."""
    known, first, inverse = np.unique(units, return_index=True, return_inverse=True)
    counts = np.zeros((len(known), width), dtype=np.int64)
    np.add.at(counts, (inverse, classes), 1)
    appearance = np.argsort(first)
    return known[appearance], counts[appearance]


def _place_of(order: Ints, units: Ints) -> Ints:
    """Return (R,) where each row's unit stands in `order`."""
    sorter = np.argsort(order)
    return np.asarray(sorter[np.searchsorted(order, units, sorter=sorter)])


def _check_units(counts: Ints, splits: int, names: Sequence[str]) -> None:
    """Refuse a class (or, without classes, all rows) that has fewer units than there are splits."""
    found = (counts > 0).sum(axis=0)
    few = np.flatnonzero(found < splits)
    if not len(few):
        return
    if names:
        shown = ", ".join(f"{names[one]} ({found[one]})" for one in few[:10])
        rule = (
            f"each class must occur in at least {splits} groups, one for each part; not so {shown}"
        )
    else:
        rule = f"there must be at least {splits} groups, one for each part; there are {found[0]}"
    raise DataError(
        rule,
        key=("split",),
        hint="Rows of one group, or with equal features, stay together: add groups, merge classes, "
        "or leave group out (duplicates: apart for equal rows)",
    )


def _start(counts: Ints, taken: Ints, number: int, later: int) -> npt.NDArray[np.float64]:
    """Give a split one unit of every class, the rarest class first; returns the rows it holds.

    A unit is taken only while enough of its classes' units are left for what comes later.
    """
    held = np.zeros(counts.shape[1])
    for one in np.argsort((counts > 0).sum(axis=0), kind="stable"):
        if held[one]:
            continue
        free = np.flatnonzero((taken == _LEFT) & (counts[:, one] > 0))
        left = (counts[taken == _LEFT] > 0).sum(axis=0)
        spared = (unit for unit in free if ((left > later) | (counts[unit] == 0)).all())
        unit = next(spared, free[0] if len(free) else None)
        if unit is not None:
            taken[unit] = number
            held += counts[unit]
    return held


def _fill(
    counts: Ints,
    taken: Ints,
    number: int,
    later: int,
    lacking: npt.NDArray[np.float64],
    weights: npt.NDArray[np.float64],
) -> None:
    """Take each unit that brings the split nearer to its quota, in order.

    What comes later keeps a unit of each class apiece, however large the last ones are.

    Most units have rows of one class only: of these m rows missing and u in the unit decide,
    (m - u)^2 < m^2, in plain numbers, as millions of rows may come.
    """
    missing = lacking.tolist()
    left = (counts[taken == _LEFT] > 0).sum(axis=0).tolist()
    sizes = counts.sum(axis=1).tolist()
    only = np.where((counts > 0).sum(axis=1) == 1, counts.argmax(axis=1), -1).tolist()
    for unit in np.flatnonzero(taken == _LEFT).tolist():
        one = only[unit]
        if one >= 0:
            if sizes[unit] < 2 * missing[one] and left[one] > later:
                taken[unit] = number
                missing[one] -= sizes[unit]
                left[one] -= 1
            continue
        rows = counts[unit]
        is_spared = (np.array(left)[rows > 0] > later).all()
        if is_spared and ((rows - 2 * np.array(missing)) * rows * weights).sum() < 0:
            taken[unit] = number
            missing = (np.array(missing) - rows).tolist()
            left = (np.array(left) - (rows > 0)).tolist()
