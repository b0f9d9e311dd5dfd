"""Raw features as they were read: numbers of any shape, and columns of words.

Nothing here learns from data; whatever is fitted belongs to `models.splits.preprocessing`.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, time
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt

from sweeps.models.data.cells import is_missing, object_array
from sweeps.models.errors import DataError

__all__ = [
    "Features",
    "check_exact",
    "column_values",
    "exact_array",
    "features_from_array",
    "features_from_columns",
    "features_of_kinds",
    "missing_in",
    "named_columns",
    "no_feature",
]

_NUMBER_KINDS = "biuf"  # numpy's codes for booleans, integers, unsigned integers and floats
_NUMBERS = (bool, int, float, Decimal, np.bool_, np.integer, np.floating)
_LARGEST_EXACT = 2**53  # whole numbers above it have no float64 of their own each


@dataclass(frozen=True, eq=False)
class Features:
    """Raw features of some rows.

    Attributes:
        numbers: (rows, *shape) float32 or float64, NaN where missing, or uint8 of images as they
            were given; shape is (columns,) for a table and (channels, height, width) for images.
            Numbers are scaled before they are rounded to float32, so large offsets such as
            timestamps survive.
        words: (rows, word columns) of str, None where missing.
        number_names: one name for each number of a row, in C order.
        word_names: one name for each column of words.
    """

    numbers: npt.NDArray[Any]
    words: npt.NDArray[np.object_]
    number_names: tuple[str, ...]
    word_names: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.numbers)

    @property
    def flat(self) -> npt.NDArray[Any]:
        """The numbers as (rows, numbers of a row)."""
        return self.numbers.reshape(len(self), math.prod(self.numbers.shape[1:]))

    def take(self, rows: npt.NDArray[np.intp]) -> Features:
        """A copy of the given rows, in the order given."""
        return Features(self.numbers[rows], self.words[rows], self.number_names, self.word_names)


def features_from_array(values: npt.ArrayLike, names: tuple[str, ...] = ()) -> Features:
    """Features of an array of numbers.

    Args:
        values: (rows,), (rows, columns), (rows, height, width), which is read as one channel, or
            (rows, channels, height, width).
        names: one name for each number of a row; `x0`, `x1`, ... when empty.

    Raises:
        DataError: values are not such an array of numbers.
    """
    array = np.asarray(values)
    if array.dtype.kind not in _NUMBER_KINDS:
        raise DataError(
            "an array of features must hold numbers",
            value=str(array.dtype),
            hint="Give columns of words by name: a mapping of column name to values",
        )
    is_kept = array.ndim > 2 and array.dtype == np.uint8
    read = array if is_kept else array.astype(_float_type(array.dtype))
    numbers = read.reshape(_with_channel(array.shape))
    width = math.prod(numbers.shape[1:])
    return Features(
        numbers=numbers,
        words=np.empty((len(numbers), 0), dtype=object),
        number_names=names or tuple(f"x{index}" for index in range(width)),
    )


def features_from_columns(columns: Mapping[str, npt.ArrayLike]) -> Features:
    """Features of named columns, (rows,) each, of numbers, booleans or words.

    Numbers come first and words after them, each in the order of the mapping. None and NaN are
    missing values.

    Args:
        columns: values by name; a column without any value counts as numbers.

    Raises:
        DataError: no columns, columns of unequal length, or values that are neither numbers nor
            words.
    """
    if not columns:
        raise DataError("at least one column besides the target must remain as a feature")
    read = {str(name): _exact_column(str(name), values) for name, values in columns.items()}
    number_names = tuple(name for name, column in read.items() if column.dtype != object)
    word_names = tuple(name for name, column in read.items() if column.dtype == object)
    return features_of_kinds(read, number_names, word_names)


def features_of_kinds(
    columns: Mapping[str, npt.NDArray[Any]],
    number_names: tuple[str, ...],
    word_names: tuple[str, ...],
) -> Features:
    """Features of columns whose kinds are settled: (rows,) float64, or str and None, each.

    Raises:
        DataError: columns of unequal length.
    """
    _check_lengths(columns)
    rows = len(next(iter(columns.values())))
    return Features(
        numbers=_side_by_side([columns[name] for name in number_names], rows, np.float64),
        words=_side_by_side([columns[name] for name in word_names], rows, object),
        number_names=number_names,
        word_names=word_names,
    )


def column_values(name: str, values: npt.ArrayLike) -> npt.NDArray[Any]:
    """One column as (rows,) float64 with NaN where missing, or object: str, or None where missing.

    Args:
        name: the column's, for errors.
        values: (rows,) numbers, booleans or words; a column without any value counts as numbers.

    Raises:
        DataError: not one value a row, or values that are neither all numbers nor all words.
    """
    array = exact_array(values)
    if array.ndim != 1:
        raise DataError(
            f"column {name!r} must have one value per row", value=f"shape {array.shape}"
        )
    if array.dtype.kind in _NUMBER_KINDS:
        return array.astype(np.float64)
    if array.dtype.kind in "mM":  # as a list they would be whole numbers
        raise no_feature(name, str(array.dtype), is_time=True)
    known = [None if is_missing(value) else value for value in array.tolist()]
    found = {type(value) for value in known if value is not None}
    if all(issubclass(kind, _NUMBERS) for kind in found):
        return np.array([_float(value) for value in known], dtype=np.float64)
    if all(issubclass(kind, str) for kind in found):
        return object_array(known)
    raise _mixed(name, known)


def _float(value: Any) -> float:
    """The number of a cell, NaN where missing and infinity where no float is as large."""
    try:
        return math.nan if value is None else float(value)
    except OverflowError:
        return math.inf


def exact_array(values: npt.ArrayLike) -> npt.NDArray[Any]:
    """Values as an array that changes none of them.

    numpy alone makes texts of a list of numbers and words, and floats of large whole numbers.
    """
    if isinstance(values, list | tuple) and not any(
        isinstance(one, list | tuple) for one in values
    ):
        return object_array(values)
    return np.asarray(values)


def check_exact(name: str, raw: npt.NDArray[Any], values: npt.NDArray[Any]) -> None:
    """Raises where whole numbers that differ became one number of float64.

    Args:
        name: the column's.
        raw: (rows,) as it was read.
        values: (rows,) what `column_values` made of it.

    Raises:
        DataError: with the first row whose number another one shares.
    """
    if values.dtype == object or raw.dtype.kind not in "iuO":
        return
    large = np.flatnonzero(np.abs(values) >= _LARGEST_EXACT)
    first: dict[float, Any] = {}
    for row in large.tolist():
        number = raw[row]
        if first.setdefault(float(values[row]), number) != number:
            raise DataError(
                f"column {name!r} has whole numbers above 2^53 that differ by less than a float "
                f"can show: row {row + 1} holds {int(number)}",
                key=("source",),
                hint=f"Treat them as categories (words: [{name}]), or leave the column out",
            )


def _exact_column(name: str, values: npt.ArrayLike) -> npt.NDArray[Any]:
    raw = exact_array(values)
    if raw.dtype == np.float64 and raw.ndim == 1:
        return raw
    column = column_values(name, raw)
    check_exact(name, raw, column)
    return column


def _mixed(name: str, values: list[Any]) -> DataError:
    """What is wrong with a column whose values are not of one kind: the first odd one."""
    is_number = [isinstance(value, _NUMBERS) for value in values]
    places = [place for place, value in enumerate(values) if value is not None]
    if not any(is_number):
        first = next(values[place] for place in places)
        return no_feature(name, type(first).__name__, is_time=isinstance(first, date | time))
    numbers = sum(is_number)
    rare = numbers * 2 < len(places)
    place = next(place for place in places if is_number[place] == rare)
    return DataError(
        f"column {name!r} must hold numbers only or words only: {numbers} of {len(places)} values "
        f"are numbers, and row {place + 1} holds {values[place]!r}",
        key=("source",),
        hint=f"Turn it into numbers, make it a missing value, or treat the column as "
        f"categories (words: [{name}])",
    )


def no_feature(name: str, kind: str, *, is_time: bool) -> DataError:
    """The error of a column of a type that no net takes.

    Args:
        kind: its type, as its library calls it.
        is_time: it holds dates or times, by which rows can be cut.
    """
    holds = "dates or times" if is_time else f"values of type {kind}"
    cut = f", or cut rows by it (split: {{order: {name}}}), which leaves it out, too" * is_time
    return DataError(
        f"column {name!r} must hold numbers, booleans or words, and holds {holds}",
        key=("source",),
        hint=f"Leave it out (exclude: [{name}]){cut}, or turn it into numbers",
    )


def named_columns(values: Any) -> dict[str, npt.ArrayLike] | None:
    """The columns of a mapping or of a data frame, by name; None of anything else."""
    names = values if isinstance(values, Mapping) else getattr(values, "columns", None)
    if names is None:
        return None
    repeated = [name for name, times in Counter(map(str, names)).items() if times > 1]
    if repeated:
        raise DataError("a table must have one column of each name", value=", ".join(repeated))
    return {str(name): values[name] for name in names}


def missing_in(values: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Where values are missing: None among words, NaN among numbers; of the shape of values."""
    missing = values == None if values.dtype == object else np.isnan(values)  # noqa: E711
    return np.asarray(missing, dtype=np.bool_)


def _float_type(dtype: np.dtype[Any]) -> type[np.floating[Any]]:
    """float32 where that is exact, which takes half the memory."""
    return np.float32 if np.can_cast(dtype, np.float32) else np.float64


def _with_channel(shape: tuple[int, ...]) -> tuple[int, ...]:
    match shape:
        case (rows,):
            return (rows, 1)
        case (_, _) | (_, _, _, _):
            return shape
        case (rows, height, width):
            return (rows, 1, height, width)
    raise DataError(
        "features must have the shape (rows, columns), (rows, height, width) or "
        "(rows, channels, height, width)",
        value=shape,
    )


def _check_lengths(columns: Mapping[str, npt.NDArray[Any]]) -> None:
    lengths = {name: len(column) for name, column in columns.items()}
    if len(set(lengths.values())) > 1:
        raise DataError("all columns must have the same number of rows", value=lengths)


def _side_by_side(columns: list[npt.NDArray[Any]], rows: int, dtype: type) -> npt.NDArray[Any]:
    table: npt.NDArray[Any] = np.empty((rows, len(columns)), dtype=dtype)
    for index, column in enumerate(columns):
        table[:, index] = column
    return table
