"""The cut of a data set into train, dev and test, by whichever rule its `split` section names.

A unit is what stays on one side: a row, a group, rows with equal features, or a moment in time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from sweeps.models.data.configuration import SplitFractions
from sweeps.models.data.datasets import Dataset
from sweeps.models.data.features import Features
from sweeps.models.data.items import PARTS
from sweeps.models.data.targets import Target
from sweeps.models.errors import DataError
from sweeps.models.splits.equal_rows import equal_rows, is_by_chance
from sweeps.models.splits.order_cuts import cut_in_order, roll_folds
from sweeps.models.splits.row_cuts import RowCut, Rows, cut_folds, cut_rows

__all__ = ["AT_RANDOM", "Cut", "cut_dataset"]

# How rows are cut where nothing else is said.
AT_RANDOM = "at random"
_TRAIN, _DEV, _TEST = range(3)


@dataclass(frozen=True, eq=False)
class Cut:
    """How the rows of a data set were cut.

    Attributes:
        parts: One cut a net of a trial: one, or one a fold; all have the same test set.
        rule: By which rule, in words.
        units: (rows,) numbers from 0 on, the same for rows that were kept together; None where each
            row is a unit of its own.
        shared: Rows of dev or test whose features equal those of a row that is trained on.
        by_chance: Whether so few different values make equal rows by chance.
    """

    parts: tuple[RowCut, ...]
    rule: str
    units: Rows | None = None
    shared: int = 0
    by_chance: bool = False

    def independent(self) -> dict[str, float]:
        """Return how many independent rows each part comes to if the rows of a unit are all alike.

        That is n squared over the sum of the units' squared sizes (Kish, Survey Sampling, 1965,
        8.2): their number where they are of one size, and fewer where a few hold most rows. Dev is
        that of all folds together, and so is train. Empty where no unit has two rows.
        """
        sizes = {name: own.astype(float) for name, own in self._unit_sizes.items()}
        return {name: float(own.sum() ** 2 / (own**2).sum()) for name, own in sizes.items()}

    def unit_counts(self) -> dict[str, int]:
        """Return how many units each part has rows of, as `independent` takes the parts."""
        return {name: int((own > 0).sum()) for name, own in self._unit_sizes.items()}

    @cached_property
    def _unit_sizes(self) -> dict[str, Rows]:
        if self.units is None or len(np.unique(self.units)) == len(self.units):
            return {}
        rows = {name: [getattr(part, name) for part in self.parts] for name in ("train", "dev")}
        rows["test"] = [self.parts[0].test]
        taken = {name: np.unique(np.concatenate(own)) for name, own in rows.items()}
        return {name: np.bincount(self.units[own]) for name, own in taken.items()}

    def refit(self) -> RowCut:
        """Return one more cut in which train and dev rows are trained on; rows of a gap stay out.

        The dev rows are those of the first fold, or of the last where folds roll forward; they are
        trained on, so that nothing can be chosen by them any more.
        """
        last = max(self.parts, key=lambda part: len(part.train) + len(part.dev))
        return RowCut(np.concatenate([last.train, last.dev]), last.dev, last.test)


def cut_dataset(dataset: Dataset, fractions: SplitFractions, seed: int) -> Cut:
    """Cut a data set by its rule; equal seeds give equal cuts.

    Args:
        dataset: What was read, with the column that decides the cut if there is one.
        fractions: The `split` section.
        seed: The sweep's; `fractions` may have another.

    Raises:
        DataError: A part would be empty, or lack a class, or the column cannot decide a cut.
    """
    twins = _twins(dataset, fractions)
    if fractions.order is not None:
        cut = _in_order(dataset, fractions)
    elif fractions.given is not None:
        cut = _as_given(dataset, fractions, seed)
    elif fractions.group is not None:
        groups = np.unique(_column(dataset), return_inverse=True)[1]
        rule = f"at random by {groups.max() + 1:,} groups of {fractions.group}"
        cut = Cut(_random(dataset.target, fractions, seed, groups), rule, groups)
    else:
        cut = _at_random(dataset, fractions, seed, twins)
    return replace(cut, shared=_shared(cut.parts, twins))


def _twins(dataset: Dataset, fractions: SplitFractions) -> Rows:
    """Return (rows,) the same number for equal rows; items of a dataset are not read for that."""
    if isinstance(dataset.features, Features):
        return equal_rows(dataset.features)
    if fractions.duplicates == "together":
        raise DataError(
            "duplicates: together compares rows, and the items of a dataset are not compared",
            key=("split", "duplicates"),
            value=fractions.duplicates,
            hint="Name a column that is equal where items belong together: split: {group: name}",
        )
    return np.arange(len(dataset))


def _at_random(dataset: Dataset, fractions: SplitFractions, seed: int, twins: Rows) -> Cut:
    """Cut single rows; where that parts equal rows, keep them together unless told otherwise."""
    rule = AT_RANDOM
    parts = _random(dataset.target, fractions, seed, None)
    if fractions.duplicates == "apart" or not _shared(parts, twins):
        return Cut(parts, rule)
    assert isinstance(dataset.features, Features), "items are not compared"
    if fractions.duplicates == "auto" and is_by_chance(dataset.features, twins):
        return Cut(parts, rule, by_chance=True)
    try:
        together = _random(dataset.target, fractions, seed, twins)
    except DataError:
        if fractions.duplicates == "auto":  # too few different rows to be cut at all
            return Cut(parts, rule)
        raise
    sizes = np.bincount(twins)
    count, groups = int(sizes[sizes > 1].sum()), int((sizes > 1).sum())
    rule += f"; rows with equal features together ({count:,} rows in {groups:,} groups)"
    return Cut(together, rule, twins)


def _random(
    target: Target,
    fractions: SplitFractions,
    seed: int,
    units: Rows | None,
    with_test: bool = True,
) -> tuple[RowCut, ...]:
    if fractions.folds is None:
        return (cut_rows(target, fractions, seed, units, with_test),)
    return cut_folds(target, fractions, seed, units, with_test)


def _in_order(dataset: Dataset, fractions: SplitFractions) -> Cut:
    values = _column(dataset)
    if values.dtype == object:
        raise DataError(
            f"an order must be numbers or dates such as 2026-01-31, and {fractions.order!r} holds "
            "text",
            key=("split", "order"),
            value=str(values[0]),
        )
    gap = f", a gap of {fractions.gap:,} rows" if fractions.gap else ""
    if fractions.folds is None:
        parts: tuple[RowCut, ...] = (cut_in_order(values, fractions),)
        rule = f"in the order of {fractions.order}: dev after train, test after dev{gap}"
    else:
        parts = roll_folds(values, fractions)
        rule = f"in the order of {fractions.order}: folds roll forward, test comes last{gap}"
    return Cut(parts, rule, np.unique(values, return_inverse=True)[1])


def _as_given(dataset: Dataset, fractions: SplitFractions, seed: int) -> Cut:
    part = _given_parts(_column(dataset), str(fractions.given))
    test, rest = np.flatnonzero(part == _TEST), np.flatnonzero(part != _TEST)
    rule = f"as column {fractions.given} says"
    if (part == _DEV).any():
        if fractions.folds is not None:
            rule = "folds cannot be cut where the column gives the dev rows"
            raise DataError(rule, key=("split", "folds"), hint="Remove folds")
        train, dev = np.flatnonzero(part == _TRAIN), np.flatnonzero(part == _DEV)
        return Cut((RowCut(train, dev, test),), rule)
    # Dev rows or folds are cut from the rest as from a data set whose test set is elsewhere.
    inner = _random(dataset.target.take(rest), fractions, seed, None, with_test=False)
    parts = tuple(RowCut(rest[one.train], rest[one.dev], test) for one in inner)
    return Cut(parts, f"test rows as column {fractions.given} says; the rest at random")


def _given_parts(values: npt.NDArray[Any], column: str) -> npt.NDArray[np.int64]:
    """Return (rows,) which part each row is given to."""
    words = [str(value).strip().lower() for value in values]
    wrong = next((row for row, word in enumerate(words) if word not in PARTS), None)
    if wrong is not None:
        rule = f"column {column!r} must say train, dev or test, and row {wrong + 1} says"
        raise DataError(rule, key=("split", "given"), value=str(values[wrong]))
    parts = np.array([PARTS[word] for word in words])
    absent = [name for name in ("train", "test") if not (parts == PARTS[name]).any()]
    if absent:
        rule = f"column {column!r} must give rows to train and to test, and gives none to"
        raise DataError(f"{rule} {' or '.join(absent)}", key=("split", "given"))
    return parts


def _column(dataset: Dataset) -> npt.NDArray[Any]:
    assert dataset.cut_by is not None, "a dataset is read with the column of its split"
    return dataset.cut_by


def _shared(parts: Sequence[RowCut], twins: Rows) -> int:
    """Return how many held-out rows have the features of a row that is trained on."""
    held = [np.concatenate([part.dev, part.test]) for part in parts]
    return max(
        int(np.isin(twins[rows], twins[part.train]).sum())
        for rows, part in zip(held, parts, strict=True)
    )
