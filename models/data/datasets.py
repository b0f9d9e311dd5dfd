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

from sweeps.models.data.builtin import load_builtin
from sweeps.models.data.column_kinds import as_words, check_words, settled_columns
from sweeps.models.data.columns_apart import (
    Apart,
    checked_weights,
    column_of_file,
    column_of_values,
    columns_apart,
)
from sweeps.models.data.configuration import DataConfig
from sweeps.models.data.features import (
    Features,
    column_values,
    exact_array,
    features_from_array,
    features_from_columns,
    named_columns,
)
from sweeps.models.data.items import ItemRows, Items
from sweeps.models.data.named_datasets import PART, NamedDatasets
from sweeps.models.data.own import arrays_of, call_data_function, dataset_of
from sweeps.models.data.positive_class import with_positive
from sweeps.models.data.several_targets import read_targets, targets_of
from sweeps.models.data.table_files import Table, read_table
from sweeps.models.data.targets import Target, read_target
from sweeps.models.data.unchanged_file import unchanged
from sweeps.models.errors import DataError

__all__ = ["Dataset", "load_dataset"]

_HASHED = 2**20  # numbers at a time


class _Read(NamedTuple):
    """What was read; see Dataset."""

    features: Features | Items
    target: Target
    cut_by: npt.NDArray[Any] | None = None
    missing: Mapping[str, Mapping[str, int]] = {}
    weights: npt.NDArray[np.float64] | None = None
    labels: npt.NDArray[Any] | None = None


@dataclass(frozen=True, eq=False)
class Dataset:
    """A data set as it was read.

    Attributes:
        source: the configuration's source, as written.
        features: raw features of all rows, or the items of a dataset of the user's.
        target: what is predicted, for all rows.
        digest: sha256 of features, names and target, in hexadecimal.
        cut_by: (rows,) the column that decides the cut: numbers, datetimes or words; None where
            rows are cut at random.
        missing: of a .csv file's features with missing values: how often which text stood there.
        weights: (rows,) how much each row counts in training; None where all count alike.
        labels: (rows,) the y of each item as it was read, or (rows, numbers); None of features.
    """

    source: str
    features: Features | Items
    target: Target
    digest: str
    cut_by: npt.NDArray[Any] | None = None
    missing: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    weights: npt.NDArray[np.float64] | None = None
    labels: npt.NDArray[Any] | None = None

    def __len__(self) -> int:
        return len(self.features)

    def raw(self, rows: npt.NDArray[np.intp]) -> Features | ItemRows:
        """The given rows as they were read, in the order given: a copy, or numbers of items."""
        if not isinstance(self.features, Items):
            return self.features.take(rows)
        assert self.labels is not None, "labels are read with the items"
        return ItemRows(self.features, rows, self.labels[rows])


def load_dataset(config: DataConfig, base_dir: Path) -> Dataset:
    """Reads the data set that a configuration names.

    Args:
        config: the `data` section of a sweep file.
        base_dir: folder that relative file names start from.

    Raises:
        DataError: the source is missing or unreadable, has no such columns, or its target does
            not suit the task or have no such positive class.
    """
    read = _read(config, base_dir)
    if config.positive is not None:
        read = read._replace(target=with_positive(read.target, config.positive))
    apart = {config.split.column: read.cut_by, config.weights: read.weights}
    _check_lengths(config, read, {str(k): len(v) for k, v in apart.items() if v is not None})
    return Dataset(
        source=config.source,
        features=read.features,
        target=read.target,
        digest=_digest(read),
        cut_by=read.cut_by,
        missing=read.missing,
        weights=read.weights,
        labels=read.labels,
    )


def _check_lengths(config: DataConfig, read: _Read, apart: Mapping[str, int]) -> None:
    rows, targets = len(read.features), len(read.target.values)
    if {rows, targets, *apart.values()} == {rows}:
        return
    found = f"{rows} and {targets}"
    found += "".join(f", and {count} of {name}" for name, count in apart.items())
    rule = f"features and target must have equal numbers of rows, not {found}"
    raise DataError(rule, key=("source",), value=config.source)


def _read(config: DataConfig, base_dir: Path) -> _Read:
    if config.kind == "builtin":
        return _from_builtin(config)
    if config.kind == "file":
        with unchanged(config.path(base_dir)):
            return _from_file(config, base_dir)
    return _from_function(config)


def _from_builtin(config: DataConfig) -> _Read:
    data = load_builtin(config.source, config.samples, config.noise)
    if config.task not in ("auto", data.target.task):
        rule = f"{config.source} is a {data.target.task} set"
        raise DataError(rule, key=("task",), value=config.task, choices=("auto", data.target.task))
    return _Read(data.features, data.target)


def _from_file(config: DataConfig, base_dir: Path) -> _Read:
    apart = columns_apart(config)
    names = tuple(name for name in apart if name not in config.exclude)
    used = config.model_copy(update={"exclude": (*config.exclude, *names)})
    table = _table_without(used, base_dir, apart)
    columns = table.columns
    if not config.targets:
        rule = "a file needs the name of its target column"
        raise DataError(rule, key=("target",), choices=tuple(columns))
    wanted = {name: columns.pop(name) for name in config.targets}
    target = _target_of_file(config, wanted, table.labels)
    missing = {name: found for name, found in table.missing.items() if name in columns}
    read = {name: column_of_file(config, base_dir, one) for name, one in apart.items()}
    arrays = list(columns.values())
    if len(arrays) == 1 and arrays[0].ndim != 1:
        return _with_apart(_Read(features_from_array(arrays[0]), target), config, read)
    features = features_from_columns(settled_columns(columns, config))
    return _with_apart(_Read(features, target, missing=missing), config, read)


def _with_apart(read: _Read, config: DataConfig, apart: Mapping[str, npt.NDArray[Any]]) -> _Read:
    cut_by = apart.get(config.split.column or "")
    weights = apart.get(config.weights or "")
    weights = None if weights is None else checked_weights(str(config.weights), weights)
    return read._replace(cut_by=cut_by, weights=weights)


def _table_without(config: DataConfig, base_dir: Path, apart: Mapping[str, Apart]) -> Table:
    """Reads a file without columns that are no features, each named where it was written."""
    try:
        return read_table(config.path(base_dir), config)
    except DataError as error:
        if error.key != ("exclude",) or error.value not in apart:
            raise
        raise DataError(
            error.rule,
            key=apart[str(error.value)].key,
            value=error.value,
            choices=error.choices,
            hint=error.hint,
        ) from None


def _from_function(config: DataConfig) -> _Read:
    returned = call_data_function(config.source, config.options)
    found = dataset_of(config.source, returned)
    if found is not None:
        return _from_dataset(config, *found)
    if config.loader.workers:
        rule = "loader processes read the items of a dataset; this function returns arrays"
        hint = "Remove the key: arrays are in memory, and need no loader"
        raise DataError(rule, key=("loader", "workers"), value=config.loader.workers, hint=hint)
    raw, raw_target, beside = arrays_of(config.source, returned)
    several = targets_of("target", raw_target)
    if several is not None and len(several) > 1:
        target = read_targets(several, config.task, named_columns(raw_target) is not None)
    else:
        target = _target(config, "target", next(iter(several.values())) if several else raw_target)
    read = {}
    for name, one in columns_apart(config).items():
        named = {} if isinstance(raw, np.ndarray) else raw
        held = beside if name in beside else named
        if name not in held:
            hint = "Return it among the features, or as a third value: {name: one value per row}"
            raise _no_such_column(one, (*beside, *named), hint)
        read[name] = column_of_values(one, held[name])
    _check_excluded(config, () if isinstance(raw, np.ndarray) else tuple(raw))
    if isinstance(raw, np.ndarray):
        return _with_apart(_Read(features_from_array(raw), target), config, read)
    unused = {*read, *config.exclude}
    columns = {name: values for name, values in raw.items() if name not in unused}
    features = features_from_columns(settled_columns(columns, config))
    return _with_apart(_Read(features, target), config, read)


def _check_excluded(config: DataConfig, columns: tuple[str, ...]) -> None:
    """Every column that is left out must be one that the function returns among its features."""
    for name in config.exclude:
        if name not in columns:
            rule = "the function must return a column of this name, so that it can be left out"
            hint = "" if columns else "It returns no named columns: remove the key"
            raise DataError(rule, key=("exclude",), value=name, choices=columns, hint=hint)


def _from_dataset(config: DataConfig, dataset: Any, beside: Mapping[str, npt.ArrayLike]) -> _Read:
    from sweeps.models.data.item_reading import read_dataset  # imports torch, as the user's did

    if config.words:
        rule = "words names columns of features; the items of a dataset have none"
        raise DataError(rule, key=("words",), value=list(config.words), hint="Remove the key")
    if isinstance(dataset, NamedDatasets) and config.split.given != PART:
        rule = "named datasets already define the split; remove the other rule"
        hint = f"Write split: {{given: {PART}}}; without dev it is cut from train"
        raise DataError(rule, key=("split",), value=config.split.column or "at random", hint=hint)
    read = {}
    for name, one in columns_apart(config).items():
        if name not in beside:
            hint = "Return it beside the dataset: dataset, {name: one value an item}"
            raise _no_such_column(one, tuple(beside), hint)
        read[name] = column_of_values(one, beside[name])
    _check_excluded(config, ())
    items, labels = read_dataset(config.source, dataset)
    items.options, items.loader = dict(config.options), config.loader
    several = targets_of("y", labels)
    if several is None:
        target = _target(config, "y", labels)
    else:
        target = read_targets(several, config.task, are_named=False)
    return _with_apart(_Read(items, target, labels=labels), config, read)


def _no_such_column(column: Apart, choices: tuple[str, ...], hint: str) -> DataError:
    rule = f"the function must return a column {column.name!r}, which {column.purpose}"
    return DataError(rule, key=column.key[:1], value=column.name, choices=choices, hint=hint)


def _target_of_file(
    config: DataConfig, wanted: Mapping[str, npt.NDArray[Any]], labels: npt.NDArray[Any] | None
) -> Target:
    if len(wanted) > 1:
        return read_targets(wanted, config.task)
    [(name, raw)] = wanted.items()
    several = targets_of(name, raw)
    if several is not None:
        return read_targets(several, config.task, are_named=False)
    return _target(config, name, raw, labels)


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


def _digest(read: _Read) -> str:
    """A hash of all that was read; shapes and names keep equal bytes of unequal data apart."""
    features, target = read.features, read.target
    if isinstance(features, Items):
        about = [features.digest, len(features), target.task, target.class_names]
        hashed = hashlib.sha256(json.dumps(about).encode())
    else:
        hashed = _hashed_features(features, target)
    hashed.update(np.ascontiguousarray(target.values).tobytes())
    if target.names:
        hashed.update(json.dumps(target.names).encode())
    if read.cut_by is not None:
        hashed.update(json.dumps([str(value) for value in read.cut_by.tolist()]).encode())
    if read.weights is not None:
        hashed.update(b"weights" + read.weights.tobytes())
    return hashed.hexdigest()


def _hashed_features(features: Features, target: Target) -> hashlib._Hash:
    # Bytes count as the float32 that they are scaled from, as they did in every version.
    numbers = features.numbers
    kind = np.dtype(np.float32) if numbers.dtype == np.uint8 else numbers.dtype
    shapes = [numbers.shape, target.values.shape, kind.str]
    names = [features.number_names, features.word_names, target.task, target.class_names]
    hashed = hashlib.sha256(json.dumps([shapes, names]).encode())
    for start in range(0, len(numbers), step := max(1, _HASHED // max(1, numbers[:1].size))):
        hashed.update(np.ascontiguousarray(numbers[start : start + step], dtype=kind).data)
    hashed.update(json.dumps(features.words.tolist()).encode())
    return hashed
