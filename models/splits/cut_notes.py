"""What a person should know of a cut before trusting what the test rows say."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from sweeps.models.data.columns_apart import Apart, column_of_file
from sweeps.models.data.configuration import DataConfig
from sweeps.models.data.datasets import Dataset
from sweeps.models.data.features import Features
from sweeps.models.data.items import Items
from sweeps.models.errors import DataError
from sweeps.models.splits.cuts import Cut

__all__ = ["cut_notes"]

Column = npt.NDArray[Any]
# Of the rows held out: fewer equal rows by chance are not worth a word.
_MANY = 0.05
_SEVERAL = 0.9  # of the values of a group are those of several rows
_FEW = 5  # values: fewer are options, not groups
_GROUP_NAME = re.compile(
    r"(^|_)(id|uid|uuid|patient|subject|person|user|customer|client|session|group|site|household)"
    r"(_|$|s$)|[a-z]Id$",
    flags=re.IGNORECASE,
)


def cut_notes(dataset: Dataset, cut: Cut, config: DataConfig, base_dir: Path) -> tuple[str, ...]:
    """Return sentences about rows, groups and times that a cut at random tears apart.

    Args:
        dataset: What was cut.
        cut: How.
        config: The `data` section; columns that it excludes are looked at, too.
        base_dir: Folder that relative file names start from.
    """
    if isinstance(dataset.features, Items):
        return ("items of a dataset are not compared: equal ones may be in several splits",)
    return (*_about_rows(cut), *_about_columns(dataset, config, base_dir))


def _about_rows(cut: Cut) -> Iterator[str]:
    held = len(cut.parts[0].dev) + len(cut.parts[0].test)
    if not cut.shared or (cut.by_chance and cut.shared < _MANY * held):
        return
    reason = ": few different values make rows equal by chance" if cut.by_chance else ""
    way_out = "; split.duplicates: together keeps them in one split" if cut.by_chance else ""
    rows = f"{cut.shared:,} rows" if cut.shared > 1 else "1 row"
    yield f"{rows} of dev or test with the same features as a training row{reason}{way_out}"


def _about_columns(dataset: Dataset, config: DataConfig, base_dir: Path) -> Iterator[str]:
    if config.split.column is not None:
        return
    for name, column in _columns(dataset, config, base_dir):
        if _is_sorted_time(column):
            yield (
                f"{name} looks like a time, but rows are split at random: if the net is to predict "
                f"what comes later, write split: {{order: {name}}}"
            )
        elif name not in config.exclude and _is_identifier(name, column):
            yield f"{name} has a different value in each row, like an identifier: exclude: [{name}]"
        elif _is_group(name, column):
            count = len(np.unique(column.astype(str)))
            yield (
                f"{name} looks like a group ({count:,} values, each in several rows), but rows are "
                f"split at random: if the net is to predict for new ones, write split: "
                f"{{group: {name}}}"
            )


def _columns(dataset: Dataset, config: DataConfig, base_dir: Path) -> Iterator[tuple[str, Column]]:
    """Yield each column of a table by name, those that are excluded from a file among them."""
    features = dataset.features
    assert isinstance(features, Features), "items have no columns"
    if config.kind == "builtin" or features.numbers.ndim != 2:
        return
    likely = _may_tell(features.numbers)
    yield from (
        (name, features.numbers[:, place] + 0.0)  # -0 is 0
        for place, name in enumerate(features.number_names)
        if likely[place] or _GROUP_NAME.search(name)
    )
    yield from zip(features.word_names, features.words.T, strict=True)
    for name in config.exclude:
        try:
            yield (
                name,
                column_of_file(config, base_dir, Apart(name, ("split",), "decides the split")),
            )
        except (DataError, ValueError, OSError):
            continue  # what cannot be read, or has gaps, decides no cut


def _may_tell(numbers: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.bool_]:
    """(columns,) whether the numbers of a column count up, or nearly all come in several rows.

    All at once, as a look at each of 20,000 columns takes a second.
    """
    steps = np.diff(numbers, axis=0)
    counts_up = (steps == 1).all(axis=0)
    is_whole = (np.isfinite(numbers) & (numbers % 1 == 0)).all(axis=0)
    is_new = np.diff(np.sort(numbers, axis=0), axis=0) != 0
    edge = np.ones((1, numbers.shape[1]), dtype=np.bool_)
    alone = (np.vstack((edge, is_new)) & np.vstack((is_new, edge))).sum(axis=0)
    values = 1 + is_new.sum(axis=0)
    likely: npt.NDArray[np.bool_] = counts_up | (is_whole & (1 - alone / values > _SEVERAL))
    return likely


def _is_sorted_time(column: Column) -> bool:
    if column.dtype.kind != "M" or len(np.unique(column)) < _FEW:
        return False
    steps = np.diff(column.astype("datetime64[ns]").astype(np.int64))
    return bool((steps >= 0).all() or (steps <= 0).all())


def _is_identifier(name: str, column: Column) -> bool:
    """Whether words, or whole numbers that count up or are called so, are all different."""
    if column.dtype == object:
        return len(set(column.tolist())) == len(column) > _FEW
    if column.dtype.kind not in "iuf" or len(column) <= _FEW:
        return False
    if (np.diff(column) == 1).all():
        return True
    is_called_so = _GROUP_NAME.search(name) is not None and bool((column % 1 == 0).all())
    return is_called_so and len(np.unique(column)) == len(column)


def _is_group(name: str, column: Column) -> bool:
    """Whether nearly all values come in several rows, side by side or under a group's name."""
    if column.dtype.kind == "f" and not (np.isfinite(column) & (column % 1 == 0)).all():
        return False
    if column.dtype.kind not in "iufO":
        return False
    values = column.astype(str)
    counts = np.unique(values, return_counts=True)[1]
    several = (counts > 1).mean() > _SEVERAL
    if not several or len(counts) < max(_FEW, 0.5 * np.sqrt(len(values))):
        return False
    runs = 1 + int((values[1:] != values[:-1]).sum())
    return bool(runs <= 1.1 * len(counts) or _GROUP_NAME.search(name))
