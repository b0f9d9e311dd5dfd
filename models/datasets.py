"""Reading a data set, wherever it comes from, into one record.

No row is dropped, shuffled, scaled or otherwise learned from here.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sweeps.models.builtin_data import load_builtin
from sweeps.models.data_configuration import DataConfig
from sweeps.models.errors import DataError
from sweeps.models.features import Features, features_from_array, features_from_columns
from sweeps.models.own_data import call_own_data
from sweeps.models.table_files import read_file
from sweeps.models.targets import Target, read_target

__all__ = ["Dataset", "load_dataset"]


@dataclass(frozen=True, eq=False)
class Dataset:
    """A data set as it was read.

    Attributes:
        source: the configuration's source, as written.
        features: raw features of all rows.
        target: what is predicted, for all rows.
        digest: sha256 of features, names and target, in hexadecimal.
    """

    source: str
    features: Features
    target: Target
    digest: str

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
    features, target = _read(config, base_dir)
    if len(features) != len(target.values):
        rule = f"features and target have the same rows, not {len(features)} and "
        raise DataError(f"{rule}{len(target.values)}", key=("source",), value=config.source)
    return Dataset(config.source, features, target, _digest(features, target))


def _read(config: DataConfig, base_dir: Path) -> tuple[Features, Target]:
    if config.kind == "builtin":
        return _from_builtin(config)
    if config.kind == "file":
        return _from_file(config, base_dir)
    return _from_function(config)


def _from_builtin(config: DataConfig) -> tuple[Features, Target]:
    data = load_builtin(config.source, config.samples, config.noise)
    if config.task not in ("auto", data.target.task):
        rule = f"{config.source} is a {data.target.task} set"
        raise DataError(rule, key=("task",), value=config.task, choices=("auto", data.target.task))
    return data.features, data.target


def _from_file(config: DataConfig, base_dir: Path) -> tuple[Features, Target]:
    columns = read_file(base_dir / config.source, config.target, config.exclude)
    if config.target is None:
        rule = "a file needs the name of its target column"
        raise DataError(rule, key=("target",), choices=tuple(columns))
    target = read_target(config.target, columns.pop(config.target), config.task)
    arrays = list(columns.values())
    if len(arrays) == 1 and arrays[0].ndim != 1:
        return features_from_array(arrays[0]), target
    return features_from_columns(columns), target


def _from_function(config: DataConfig) -> tuple[Features, Target]:
    raw, raw_target = call_own_data(config.source)
    target = read_target("target", raw_target, config.task)
    if isinstance(raw, np.ndarray):
        return features_from_array(raw), target
    return features_from_columns(raw), target


def _digest(features: Features, target: Target) -> str:
    """A hash of all that was read; shapes and names keep equal bytes of unequal data apart."""
    shapes = [features.numbers.shape, target.values.shape, features.numbers.dtype.str]
    names = [features.number_names, features.word_names, target.task, target.class_names]
    hashed = hashlib.sha256(json.dumps([shapes, names]).encode())
    hashed.update(np.ascontiguousarray(features.numbers).tobytes())
    hashed.update(json.dumps(features.words.tolist()).encode())
    hashed.update(target.values.tobytes())
    return hashed.hexdigest()
