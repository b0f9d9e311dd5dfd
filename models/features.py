"""Raw features as they were read: numbers of any shape, and columns of words.

Nothing here learns from data; whatever is fitted belongs to `models.preprocessing`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from models.errors import DataError

__all__ = ["Features", "features_from_array", "features_from_columns"]


@dataclass(frozen=True, eq=False)
class Features:
    """Raw features of some rows.

    Attributes:
        numbers: (rows, *shape) float32 or float64, NaN where missing; shape is (columns,) for a
            table and (channels, height, width) for images. Numbers are scaled before they are
            rounded to float32, so large offsets such as timestamps survive.
        words: (rows, word columns) of str, None where missing.
        number_names: one name for each number of a row, in C order.
        word_names: one name for each column of words.
    """

    numbers: npt.NDArray[np.floating[Any]]
    words: npt.NDArray[np.object_]
    number_names: tuple[str, ...]
    word_names: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.numbers)

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
        DataError: values are no such array of numbers.
    """
    raise NotImplementedError


def features_from_columns(columns: Mapping[str, npt.ArrayLike]) -> Features:
    """Features of named columns, (rows,) each, of numbers, booleans or words.

    Numbers come first and words after them, each in the order of the mapping. None and NaN are
    missing values.

    Raises:
        DataError: no columns, columns of unequal length, or values that are neither numbers nor
            words.
    """
    raise NotImplementedError
