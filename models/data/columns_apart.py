"""Columns that are no features: the one that decides the cut, and the weights of rows."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from sweeps.models.data.configuration import DataConfig
from sweeps.models.data.csv_files import CsvFile
from sweeps.models.data.npz_files import array_of
from sweeps.models.errors import DataError

if TYPE_CHECKING:
    import pyarrow

__all__ = ["Apart", "checked_weights", "column_of_file", "column_of_values", "columns_apart"]

Values = npt.NDArray[Any]


@dataclass(frozen=True)
class Apart:
    """A column that is no feature.

    Attributes:
        name: the column's.
        key: where it is named in the `data` section.
        purpose: what it does, for errors: `decides the cut`.
    """

    name: str
    key: tuple[str, ...]
    purpose: str


def columns_apart(config: DataConfig) -> dict[str, Apart]:
    """Return the columns that a `data` section names for something else than to learn from."""
    found = {}
    if config.weights is not None:
        found[config.weights] = Apart(config.weights, ("weights",), "weighs the rows")
    column = config.split.column
    if column is not None:
        named = [key for key in ("group", "order", "given") if getattr(config.split, key)]
        found[column] = Apart(column, ("split", *named), "decides the split")
    return found


def checked_weights(name: str, values: Values) -> npt.NDArray[np.float64]:
    """Return (rows,) weights of rows.

    Raises:
        DataError: One is no number, negative or infinite.
    """
    if values.dtype.kind not in "biuf":
        rule = f"column {name!r} holds the weights of rows and must hold numbers"
        raise DataError(rule, key=("weights",), value=str(values[0]))
    weights: npt.NDArray[np.float64] = values.astype(np.float64)
    unfit = np.flatnonzero(~(np.isfinite(weights) & (weights >= 0)))
    if len(unfit):
        rule = f"a weight must be a number, 0 or more; row {unfit[0] + 1} of {name!r} has none"
        raise DataError(rule, key=("weights",), value=float(weights[unfit[0]]))
    return weights


def column_of_file(config: DataConfig, base_dir: Path, column: Apart) -> Values:
    """Return (rows,) values of one column of a table, or of an array of an .npz.

    Whole numbers, datetimes and text stay what they are, so that ids stay distinct.

    Raises:
        DataError: A row has no value, or there is not one value a row.
    """
    path = config.path(base_dir)
    if path.suffix.lower() == ".npz":
        with np.load(path, allow_pickle=False) as archive:
            return column_of_values(column, array_of(archive, column.name, path))
    return _of_table(column, _table(path, config, column.name).column(0))


def column_of_values(column: Apart, values: object) -> Values:
    """Return (rows,) values that a function of the user gave, as `column_of_file` does."""
    array = np.asarray(values)
    if array.ndim != 1:
        rule = f"column {column.name!r} {column.purpose} and must have one value per row"
        raise DataError(rule, key=column.key[:1], value=f"shape {array.shape}")
    if array.dtype.kind in "US":
        array = array.astype(object)
    missing = [value is None or value != value for value in array.tolist()]
    return _known(column, array, np.array(missing, dtype=bool))


def _table(path: Path, config: DataConfig, name: str) -> pyarrow.Table:
    if path.suffix.lower() == ".parquet":
        from pyarrow import parquet

        return parquet.read_table(path, columns=[name])
    return CsvFile(path, config).table(only=[name])


def _of_table(apart: Apart, column: pyarrow.ChunkedArray) -> Values:
    import pyarrow

    if pyarrow.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    missing = np.array(column.is_null().to_pylist(), dtype=bool)
    kind = column.type
    if missing.any():
        return _known(apart, np.empty(len(column)), missing)
    if pyarrow.types.is_timestamp(kind) or pyarrow.types.is_date(kind):
        # In the unit of the file: the years of nanoseconds end in 2262, and wrap around.
        unit = kind.unit if pyarrow.types.is_timestamp(kind) else "ms"
        column = column.cast(pyarrow.timestamp(unit)).cast(pyarrow.int64())
        return np.array(column.to_pylist(), dtype=np.int64).astype(f"datetime64[{unit}]")
    if pyarrow.types.is_time(kind) or pyarrow.types.is_duration(kind):
        width = pyarrow.int32() if kind.bit_width == 32 else pyarrow.int64()
        return np.array(column.cast(width).to_pylist(), dtype=np.int64)
    if pyarrow.types.is_decimal(kind):
        column = column.cast(pyarrow.float64(), safe=False)
    listed = column.to_pylist()
    numbers = np.array(listed)
    return numbers if numbers.dtype.kind in "biuf" else np.array(listed, dtype=object)


def _known(column: Apart, values: Values, missing: npt.NDArray[np.bool_]) -> Values:
    if missing.any():
        rule = f"column {column.name!r} {column.purpose} and must have a value in every row"
        raise DataError(rule, key=column.key[:1], value=f"none in row {int(missing.argmax()) + 1}")
    return values
