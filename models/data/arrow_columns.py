"""Columns of pyarrow tables as numpy arrays that change no value.

pyarrow's own to_numpy would import pandas (0.3 to 0.7 s).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow
from pyarrow import compute

from sweeps.models.data.cells import object_array
from sweeps.models.data.features import no_feature

__all__ = ["cells_of", "column_of", "exact_numbers", "texts_of"]

_LARGEST_EXACT = 2**53  # whole numbers above it have no float64 of their own each


def column_of(name: str, column: pyarrow.ChunkedArray, exact: bool = False) -> npt.NDArray[Any]:
    """One column: (rows,) float64 with NaN where missing, or str and None.

    Whole numbers of which float64 would merge some come as they are.

    Args:
        name: the column's, for errors.
        column: of any type.
        exact: keep all whole numbers and booleans as they are.

    Raises:
        DataError: the column holds neither numbers nor booleans nor words.
    """
    types = pyarrow.types
    if types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    kind = column.type
    if kind == pyarrow.float64():  # most often, and quickly where there are thousands
        return _numbers(column)
    if types.is_string(kind) or types.is_large_string(kind):
        return texts_of(column)
    if types.is_null(kind):
        return np.full(len(column), np.nan)
    if types.is_integer(kind) or (types.is_decimal(kind) and kind.scale <= 0):
        return _whole_numbers(column, exact)
    if types.is_boolean(kind) and exact:
        return texts_of(column)
    if types.is_floating(kind) or types.is_boolean(kind) or types.is_decimal(kind):
        return _numbers(column)
    raise no_feature(name, str(kind), is_time=types.is_temporal(kind))


def exact_numbers(table: pyarrow.Table) -> dict[str, npt.NDArray[np.float64]]:
    """The columns of a table whose numbers float64 holds as they are: what `column_of` gives.

    All at once, as a column at a time takes a second for 20,000.

    Returns:
        (rows,) each, NaN where missing: views of one array.
    """
    wanted = (pyarrow.float64(), pyarrow.int64())
    names = [field.name for field in table.schema if field.type in wanted]
    batches = table.select(names).combine_chunks().to_batches() if names else []
    if not batches:  # no rows
        return {}
    tensor = batches[0].to_tensor(null_to_nan=True, row_major=False)
    block = np.asarray(tensor.to_numpy(), dtype=np.float64)
    too_large = np.any(np.abs(block) >= _LARGEST_EXACT, axis=0).tolist()  # never of NaN
    return {name: block[:, place] for place, name in enumerate(names) if not too_large[place]}


def cells_of(column: pyarrow.ChunkedArray) -> npt.NDArray[Any]:
    """A column of any type at all: numbers as float64, and anything else as Python's objects."""
    types = pyarrow.types
    if types.is_floating(column.type) or types.is_null(column.type):
        return _numbers(column)
    return texts_of(column)


def texts_of(column: pyarrow.ChunkedArray) -> npt.NDArray[Any]:
    """A column's values as Python's objects, None where missing."""
    return object_array(column.to_pylist())


def _whole_numbers(column: pyarrow.ChunkedArray, exact: bool) -> npt.NDArray[Any]:
    ends = compute.min_max(column).as_py().values()
    if not exact and all(end is None or abs(end) < _LARGEST_EXACT for end in ends):
        return _numbers(column)
    return texts_of(column)


def _numbers(column: pyarrow.ChunkedArray) -> npt.NDArray[np.float64]:
    """Float64 values, NaN for null."""
    if column.type != pyarrow.float64():
        column = column.cast(pyarrow.float64(), safe=False)
    parts: list[npt.NDArray[Any]] = [
        np.array(chunk.to_pylist(), dtype=np.float64) if chunk.null_count else np.from_dlpack(chunk)
        for chunk in column.chunks
    ]
    return parts[0] if len(parts) == 1 else np.concatenate((np.empty(0), *parts))
