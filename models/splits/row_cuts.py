"""Cuts at random: which rows are trained on, which trials are compared on, which are the test set.

Stratified for classes: each class is in every split, within one row of its share of dev and test;
folds have as many rows of each class as one another, within one. Rows of one unit stay together,
and then shares hold as far as units allow. Of labels, the combinations are what is stratified.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from sweeps.models.data.configuration import SplitFractions
from sweeps.models.data.feature_checks import listed
from sweeps.models.data.targets import Target
from sweeps.models.errors import DataError
from sweeps.models.scoring.tasks import TASKS
from sweeps.models.splits.unit_cuts import deal_units, split_units

__all__ = ["RowCut", "Rows", "cut_folds", "cut_rows"]

Rows = npt.NDArray[np.intp]
# The numbers that split_units gives: what is left over, then the splits in their order.
_TRAIN, _TEST, _DEV = range(3)
_STREAM = 0x73706C6974  # "split": a stream of its own beside those of the search and the trials


@dataclass(frozen=True, eq=False)
class RowCut:
    """Row numbers of each split, each in random order; together every row once."""

    train: Rows
    dev: Rows
    test: Rows


def cut_rows(
    target: Target,
    fractions: SplitFractions,
    seed: int,
    units: Rows | None = None,
    with_test: bool = True,
) -> RowCut:
    """Cuts rows at random, the test set first: its rows do not depend on the fraction of dev.

    Args:
        target: of all rows; classes are stratified.
        fractions: of all rows that dev and test get; without folds.
        seed: the sweep's, 0 or above, which `fractions` may have another for; equal seeds give
            equal cuts.
        units: (rows,) numbers from 0 on; rows of one number stay on one side. None: each its own.
        with_test: whether a test set is cut off; without, test rows are elsewhere already.

    Raises:
        DataError: a split would be empty, or a class has too few rows to be in each split.
    """
    assert fractions.dev is not None, "folds are cut by cut_folds"
    groups, sizes = _groups(target, units, min(fractions.test, fractions.dev))
    _check_classes(target, sizes, 3 if with_test else 2)
    test = _test_counts(sizes, fractions, with_test)
    dev = _shares(sizes, fractions.dev, "dev")
    _check_train(target, sizes - test - dev)
    order = _random_order(len(groups), fractions.seed_in(seed))
    if units is None:
        split = _splits_in_order(groups[order], test, dev)
    else:
        split = split_units(groups[order], units[order], [test, dev], target.class_names)
    return RowCut(order[split == _TRAIN], order[split == _DEV], order[split == _TEST])


def cut_folds(
    target: Target,
    fractions: SplitFractions,
    seed: int,
    units: Rows | None = None,
    with_test: bool = True,
) -> tuple[RowCut, ...]:
    """Cuts rows into the test set, the same as that of `cut_rows`, and the rest into folds.

    Each row outside the test set is in the dev split of one fold, and in train of the others. The
    folds' sizes differ by one row at most, and so do their rows of each class.

    Args:
        target: of all rows; classes are stratified.
        fractions: what test gets, and how many folds the rest is cut into.
        seed: the sweep's, 0 or above, which `fractions` may have another for; equal seeds give
            equal cuts.
        units, with_test: as for `cut_rows`.

    Returns:
        One cut a fold; all have the same test set.

    Raises:
        DataError: the test set or a fold would lack rows or a class.
    """
    assert fractions.folds is not None, "a dev split is cut by cut_rows"
    groups, sizes = _groups(target, units, min(fractions.test, 1 / fractions.folds))
    test = _test_counts(sizes, fractions, with_test)
    _check_folds(target, sizes - test, fractions.folds)
    order = _random_order(len(groups), fractions.seed_in(seed))
    if units is None:
        split = _splits_in_order(groups[order], test, np.zeros_like(test))
    else:
        split = split_units(groups[order], units[order], [test], target.class_names)
    rest = order[split == _TRAIN]
    if units is None:
        # Dealt out like cards, class after class: at random within each, since the order is.
        fold = np.empty(len(rest), dtype=np.intp)
        fold[np.argsort(groups[rest], kind="stable")] = np.arange(len(rest)) % fractions.folds
    else:
        fold = deal_units(groups[rest], units[rest], fractions.folds, target.class_names)
    return tuple(
        RowCut(rest[fold != number], rest[fold == number], order[split == _TEST])
        for number in range(fractions.folds)
    )


def _groups(
    target: Target, units: Rows | None, smallest: float
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """What is stratified by: the group of each row, and the rows of each group.

    Args:
        smallest: the fraction that the smallest split has.
    """
    groups = np.zeros(len(target.values), dtype=np.int64)
    if TASKS[target.task].is_stratified:
        groups = target.values
    elif target.task == "multilabel" and units is None:
        groups = _combinations(target.values, math.ceil(1 / smallest))
    return groups, np.bincount(groups, minlength=len(target.class_names) or 1)


def _combinations(labels: npt.NDArray[Any], fewest: int) -> npt.NDArray[np.int64]:
    """(rows,) which combination of labels each row has; those of fewer rows are one group.

    Such a group cannot be in every split, and would be in each once more than its share.
    """
    _, found = np.unique(labels, axis=0, return_inverse=True)
    groups = found.reshape(-1)
    for _ in range(2):  # the rare ones together, and with the most frequent where still too few
        sizes = np.bincount(groups)
        rare = np.flatnonzero(sizes < fewest)
        into = int(sizes.argmax()) if len(rare) < 2 else int(rare[0])
        groups = np.where(np.isin(groups, rare), into, groups)
        groups = np.unique(groups, return_inverse=True)[1]
    return groups.astype(np.int64)


def _random_order(rows: int, seed: int) -> Rows:
    return np.random.default_rng([seed, _STREAM]).permutation(rows)


def _splits_in_order(
    groups: npt.NDArray[Any], test: npt.NDArray[np.int64], dev: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """Of each group the first rows go to the test set, the next to dev and the rest to train."""
    split = np.full(len(groups), _TRAIN)
    for group, (test_rows, dev_rows) in enumerate(zip(test, dev, strict=True)):
        members = np.flatnonzero(groups == group)
        split[members[:test_rows]] = _TEST
        split[members[test_rows : test_rows + dev_rows]] = _DEV
    return split


def _test_counts(
    sizes: npt.NDArray[np.int64], fractions: SplitFractions, with_test: bool
) -> npt.NDArray[np.int64]:
    return _shares(sizes, fractions.test, "test") if with_test else np.zeros_like(sizes)


def _shares(sizes: npt.NDArray[np.int64], fraction: float, key: str) -> npt.NDArray[np.int64]:
    """Rows that each group gives to a split: its share rounded down or up, and at least one.

    The largest remainders are rounded up until the split has its fraction of all rows.
    """
    total = round(fraction * int(sizes.sum()))
    if total == 0:
        rule = f"a split of {sizes.sum()} rows must have at least one row"
        raise DataError(rule, key=("split", key), value=fraction, hint="Give it a larger fraction")
    exact = fraction * sizes
    shares: npt.NDArray[np.int64] = np.maximum(np.floor(exact).astype(np.int64), 1)
    by_remainder = np.argsort(shares - exact, kind="stable")
    shares[by_remainder[: max(total - int(shares.sum()), 0)]] += 1
    return shares


def _check_classes(target: Target, sizes: npt.NDArray[np.int64], splits: int) -> None:
    small = _named(target, sizes, sizes < splits)
    if small:
        raise DataError(
            f"each class must have at least {splits} rows, one for each split; fewer has {small}",
            key=("target",),
            hint="Add rows of it, merge it with another class, or, if the target is an amount, "
            "write task: regression",
        )


def _check_train(target: Target, sizes: npt.NDArray[np.int64]) -> None:
    if TASKS[target.task].is_standardised and sizes[0] < 2:  # one row has no deviation
        rule = "at least two rows must be left to train on"
        raise DataError(rule, key=("split",), hint="Lower split.dev or split.test")
    empty = _named(target, sizes, sizes < 1)
    if empty:
        rule = f"each class must have rows left to train on; none has {empty}"
        raise DataError(rule, key=("split",), hint="Lower split.dev or split.test")


def _check_folds(target: Target, left: npt.NDArray[np.int64], folds: int) -> None:
    small = _named(target, left, left < folds)
    if small:
        raise DataError(
            f"each class must have a row for each of {folds} folds besides those in the test set; "
            f"fewer are left of {small}",
            key=("split", "folds"),
            value=folds,
            hint="Lower split.folds, add rows of it, or merge it with another class",
        )
    smallest_train = int(left.sum()) - math.ceil(left.sum() / folds)
    if TASKS[target.task].is_standardised and (left[0] < folds or smallest_train < 2):
        raise DataError(
            f"each fold must have a row, and at least two to train on; {left[0]} are left "
            "besides the test set",
            key=("split", "folds"),
            value=folds,
            hint="Lower split.folds or split.test, or add rows",
        )


def _named(target: Target, sizes: npt.NDArray[np.int64], chosen: npt.NDArray[np.bool_]) -> str:
    """`b (2), c (1)`: the first of the chosen classes with their rows; empty for regression."""
    classes = zip(target.class_names, sizes, chosen, strict=False)
    return listed([f"{name} ({size})" for name, size, is_chosen in classes if is_chosen])
