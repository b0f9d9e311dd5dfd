"""Cuts in the order of a column: what comes later is predicted from what came before.

Rows with equal values of the column stay on one side, so that a split may differ from its fraction
by the rows of one value.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from sweeps.models.data.configuration import SplitFractions
from sweeps.models.errors import DataError
from sweeps.models.splits.row_cuts import RowCut, Rows

__all__ = ["cut_in_order", "roll_folds"]

Values = npt.NDArray[Any]


def cut_in_order(values: Values, fractions: SplitFractions) -> RowCut:
    """Cut rows into train, then dev, then the test set, in ascending order of `values`.

    Args:
        values: (rows,) numbers or datetimes, none missing.
        fractions: Of all rows that dev and test get; `gap` rows are left out before each.

    Raises:
        DataError: A split would be empty.
    """
    assert fractions.dev is not None, "folds are cut by roll_folds"
    order, ends = _ordered(values)
    test_from = _start_of_last(ends, fractions.test, len(order), "test")
    before = order[: max(test_from - fractions.gap, 0)]
    _, inner = _ordered(values[before])
    share = fractions.dev * len(order) / max(len(before), 1)
    dev_from = _start_of_last(inner, min(share, 1.0), len(before), "dev")
    train = before[: max(dev_from - fractions.gap, 0)]
    _check_train(train, fractions)
    return RowCut(train, before[dev_from:], order[test_from:])


def roll_folds(values: Values, fractions: SplitFractions) -> tuple[RowCut, ...]:
    """Cut the last rows off as the test set, and the rest into folds that roll forward.

    The rest is cut into folds + 1 stretches; fold i is compared on stretch i + 1 and trained on
    all before it, less the gap (scikit-learn's TimeSeriesSplit).

    Args:
        values, errors: As for `cut_in_order`.
    """
    assert fractions.folds is not None, "a dev split is cut by cut_in_order"
    order, ends = _ordered(values)
    test_from = _start_of_last(ends, fractions.test, len(order), "test")
    before = order[: max(test_from - fractions.gap, 0)]
    _, inner = _ordered(values[before])
    starts = [
        _start_of_last(inner, 1 - number / (fractions.folds + 1), len(before), "folds")
        for number in range(1, fractions.folds + 1)
    ]
    cuts = []
    for dev_from, dev_to in zip(starts, [*starts[1:], len(before)], strict=True):
        train, dev = before[: max(dev_from - fractions.gap, 0)], before[dev_from:dev_to]
        _check_train(train, fractions)
        if not len(dev):
            rule = f"each of {fractions.folds} folds must have dev rows of its own"
            raise DataError(rule, key=("split", "folds"), hint="Lower split.folds")
        cuts.append(RowCut(train, dev, order[test_from:]))
    return tuple(cuts)


def _ordered(values: Values) -> tuple[Rows, Rows]:
    """Return the rows in ascending order, and the places in it at which a new value begins."""
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    return order, np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])


def _start_of_last(starts: Rows, fraction: float, rows: int, key: str) -> int:
    """Return where the last part of about `fraction` of the rows begins, at a new value."""
    wanted = rows - round(fraction * rows)
    inside = starts[starts > 0]
    if not len(inside) or wanted >= rows:
        rule = "a split would be empty: rows with equal `order` values stay together"
        raise DataError(rule, key=("split", key), value=fraction, hint="Give it a larger fraction")
    return int(inside[np.abs(inside - wanted).argmin()])


def _check_train(train: Rows, fractions: SplitFractions) -> None:
    if len(train) < 2:
        gap = f" and a gap of {fractions.gap}" if fractions.gap else ""
        rule = f"at least two rows must be left to train on before dev{gap}"
        raise DataError(rule, key=("split",), hint="Lower split.dev, split.test or split.gap")
