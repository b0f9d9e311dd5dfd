"""Reading a data set, wherever it comes from, into one record.

No row is dropped, shuffled, scaled or otherwise learned from here.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from sweeps.models.builtin_data import load_builtin
from sweeps.models.column_kinds import as_words, check_words, settled_columns
from sweeps.models.data_configuration import DataConfig
from sweeps.models.errors import DataError
from sweeps.models.features import (
    Features,
    column_values,
    exact_array,
    features_from_array,
    features_from_columns,
)
from sweeps.models.own_data import call_own_data
from sweeps.models.split_column import column_of_file, column_of_values
from sweeps.models.table_files import Table, read_table
from sweeps.models.targets import Target, read_target

__all__ = ["Dataset", "load_dataset"]


class _Read(NamedTuple):
    """What was read; see Dataset."""

    features: Features
    target: Target
    cut_by: npt.NDArray[Any] | None = None
    missing: Mapping[str, Mapping[str, int]] = {}


@dataclass(frozen=True, eq=False)
class Dataset:
    """A data set as it was read.

    Attributes:
        source: the configuration's source, as written.
        features: raw features of all rows.
        target: what is predicted, for all rows.
        digest: sha256 of features, names and target, in hexadecimal.
        cut_by: (rows,) the column that decides the cut: numbers, datetimes or words; None where
            rows are cut at random.
        missing: of a .csv file's features with missing values: how often which text stood there.
    """

    source: str
    features: Features
    target: Target
    digest: str
    cut_by: npt.NDArray[Any] | None = None
    missing: Mapping[str, Mapping[str, int]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.features)


def load_dataset(config: DataConfig, base_dir: Path) -> Dataset:
    """Reads the data set that a configuration names.

    Args:
        config: the `data` section of a sweep file.
        base_dir: folder that relative file names start from.

    Raises:
        DataError: the source is missing or unreadable, has no such columns, or its target does
            not suit the task.
    """
    features, target, cut_by, missing = _read(config, base_dir)
    lengths = {len(features), len(target.values), len(features if cut_by is None else cut_by)}
    if len(lengths) > 1:
        found = f"{len(features)} and {len(target.values)}"
        found += "" if cut_by is None else f", and {len(cut_by)} of {config.split.column}"
        rule = f"features and target must have the same rows, not {found}"
        raise DataError(rule, key=("source",), value=config.source)
    digest = _digest(features, target, cut_by)
    return Dataset(config.source, features, target, digest, cut_by, missing)


def _read(config: DataConfig, base_dir: Path) -> _Read:
    if config.kind == "builtin":
        return _from_builtin(config)
    if config.kind == "file":
        return _from_file(config, base_dir)
    return _from_function(config)


def _from_builtin(config: DataConfig) -> _Read:
    data = load_builtin(config.source, config.samples, config.noise)
    if config.task not in ("auto", data.target.task):
        rule = f"{config.source} is a {data.target.task} set"
        raise DataError(rule, key=("task",), value=config.task, choices=("auto", data.target.task))
    return _Read(data.features, data.target)


def _from_file(config: DataConfig, base_dir: Path) -> _Read:
    column = config.split.column
    apart = () if column is None or column in config.exclude else (column,)
    used = config.model_copy(update={"exclude": (*config.exclude, *apart)})
    table = _table_without(used, base_dir, column)
    columns = table.columns
    if config.target is None:
        rule = "a file needs the name of its target column"
        raise DataError(rule, key=("target",), choices=tuple(columns))
    target = _target(config, config.target, columns.pop(config.target), table.labels)
    missing = {name: found for name, found in table.missing.items() if name in columns}
    arrays = list(columns.values())
    cut_by = None if column is None else column_of_file(config, base_dir, column)
    if len(arrays) == 1 and arrays[0].ndim != 1:
        return _Read(features_from_array(arrays[0]), target, cut_by)
    return _Read(features_from_columns(settled_columns(columns, config)), target, cut_by, missing)


def _table_without(config: DataConfig, base_dir: Path, column: str | None) -> Table:
    """Reads a file without the column of the cut, which is named where it was written if absent."""
    try:
        return read_table(config.path(base_dir), config)
    except DataError as error:
        if column is None or (error.key, error.value) != (("exclude",), column):
            raise
        named = [key for key in ("group", "order", "given") if getattr(config.split, key)]
        raise DataError(
            error.rule,
            key=("split", *named),
            value=column,
            choices=error.choices,
            hint=error.hint,
        ) from None


def _from_function(config: DataConfig) -> _Read:
    raw, raw_target, beside = call_own_data(config.source)
    target = _target(config, "target", raw_target)
    column, cut_by = config.split.column, None
    if column is not None:
        named = {} if isinstance(raw, np.ndarray) else raw
        held = beside if column in beside else named
        if column not in held:
            rule = f"the function must return a column {column!r}, which decides the cut"
            hint = "Return it among the features, or as a third value: {name: one value a row}"
            choices = (*beside, *named)
            raise DataError(rule, key=("split",), value=column, choices=choices, hint=hint)
        cut_by = column_of_values(column, held[column])
        raw = raw if isinstance(raw, np.ndarray) else {k: v for k, v in raw.items() if k != column}
    if isinstance(raw, np.ndarray):
        return _Read(features_from_array(raw), target, cut_by)
    return _Read(features_from_columns(settled_columns(raw, config)), target, cut_by)


def _target(
    config: DataConfig, name: str, raw: npt.ArrayLike, labels: npt.NDArray[Any] | None = None
) -> Target:
    """The target; words are classes only where they are not nearly all numbers."""
    if name in config.words:
        return read_target(name, as_words(name, raw), config.task)
    array = exact_array(raw)
    if array.ndim == 1 and array.dtype.kind in "OUS" and config.task != "classification":
        check_words(name, column_values(name, array), config)
    return read_target(name, array, config.task, labels)


def _digest(features: Features, target: Target, cut_by: npt.NDArray[Any] | None) -> str:
    """A hash of all that was read; shapes and names keep equal bytes of unequal data apart."""
    shapes = [features.numbers.shape, target.values.shape, features.numbers.dtype.str]
    names = [features.number_names, features.word_names, target.task, target.class_names]
    hashed = hashlib.sha256(json.dumps([shapes, names]).encode())
    hashed.update(np.ascontiguousarray(features.numbers).tobytes())
    hashed.update(json.dumps(features.words.tolist()).encode())
    hashed.update(target.values.tobytes())
    if cut_by is not None:
        hashed.update(json.dumps([str(value) for value in cut_by.tolist()]).encode())
    return hashed.hexdigest()
