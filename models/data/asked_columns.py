"""Columns of rows that a net is asked about, read as the kinds that they had in training.

Each cell is read by itself, so that the answer for a row does not depend on the rows beside it.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
import numpy.typing as npt

from sweeps.models.data.cells import is_missing, number_in, object_array, word_in
from sweeps.models.data.features import column_values
from sweeps.models.errors import DataError

__all__ = ["number_column", "word_column"]

Array = npt.NDArray[Any]


def number_column(name: str, cells: Array, marks: Collection[str]) -> npt.NDArray[np.float64]:
    """(rows,) float64, NaN where missing.

    Args:
        name: the column's, for errors.
        cells: (rows,) numbers, booleans, or texts of them.
        marks: texts that stand for a missing value.

    Raises:
        DataError: a cell is not a number, with its row.
    """
    if cells.dtype.kind in "biuf" or cells.ndim != 1:
        return column_values(name, cells)
    numbers = [
        None if is_missing(cell) or _is_mark(cell, marks) else _number(name, cell, row)
        for row, cell in enumerate(_objects(cells), start=1)
    ]
    return column_values(name, object_array(numbers))


def word_column(
    name: str, cells: Array, marks: Collection[str], known: Collection[str]
) -> npt.NDArray[np.object_]:
    """(rows,) str, None where missing.

    Args:
        name: the column's, for errors.
        cells: (rows,) words, or numbers and booleans that were words in the training data.
        marks: texts that stand for a missing value, unless they are a known word.
        known: words of the training rows.

    Raises:
        DataError: a cell is not a word, with its row.
    """
    if cells.ndim != 1:
        column_values(name, cells)  # says what is wrong with it
    words = frozenset(known)
    return object_array(
        None
        if is_missing(cell) or (_is_mark(cell, marks) and cell not in words)
        else _word(name, cell, row, words)
        for row, cell in enumerate(_objects(cells), start=1)
    )


def _objects(cells: Array) -> list[Any]:
    """Cells as Python's objects; numpy would make whole numbers of dates."""
    return list(cells) if cells.dtype.kind in "mM" else cells.tolist()


def _is_mark(cell: object, marks: Collection[str]) -> bool:
    return isinstance(cell, str) and cell in marks


def _number(name: str, cell: object, row: int) -> float:
    number = number_in(cell)
    if number is None:
        rule = f"column {name!r} must hold numbers, as in training; row {row} holds {cell!r}"
        raise DataError(rule)
    return number


def _word(name: str, cell: object, row: int, known: Collection[str]) -> str:
    word = word_in(cell, known)
    if word is None:
        rule = f"column {name!r} must hold words, as in training; row {row} holds {cell!r}"
        raise DataError(rule)
    return word
