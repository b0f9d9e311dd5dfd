"""From raw features to what a net takes, as a record that is kept with the winner.

Fitted on the training rows alone; applied alike to dev, test and what a deployed winner is asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict

from models.features import Features

__all__ = ["Preprocessing"]


class Preprocessing(BaseModel):
    """How raw features become a float32 array, as plain numbers and words.

    Attributes:
        number_names: names of the numbers of a row, in C order.
        number_shape: their shape: (columns,), or (channels, height, width).
        means: subtracted from each number.
        scales: what each number is then divided by; 0 stands for a number that was constant over
            the training rows, which becomes 0 whatever it is.
        missing: `error` refuses missing values; `mean` fills them.
        fills: put where a number is missing; empty with `missing: error`.
        word_names: names of the columns of words.
        categories: for each column of words, the categories of the training rows, sorted. A word
            that is not among them, like a missing one, becomes all zeros.
        class_names: in the order of the net's outputs; empty for regression.
        target_mean: of the training targets, in original units; 0 for classes.
        target_scale: of the training targets, in original units; 1 for classes.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    number_names: tuple[str, ...]
    number_shape: tuple[int, ...]
    means: tuple[float, ...]
    scales: tuple[float, ...]
    missing: Literal["error", "mean"]
    fills: tuple[float, ...]
    word_names: tuple[str, ...] = ()
    categories: tuple[tuple[str, ...], ...] = ()
    class_names: tuple[str, ...] = ()
    target_mean: float = 0.0
    target_scale: float = 1.0

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of one row as a net takes it."""
        if not self.word_names:
            return self.number_shape
        return (len(self.means) + sum(len(known) for known in self.categories),)

    def apply(
        self, raw: Features | Mapping[str, npt.ArrayLike] | npt.ArrayLike
    ) -> npt.NDArray[np.float32]:
        """Raw features as a net takes them: (rows, *input_shape) float32.

        Args:
            raw: features as they were read; or a column for each name; or, where there are no
                words, an array of (rows, *number_shape), flattened or not.

        Raises:
            DataError: a column is missing, or a value is missing or not finite.
        """
        raise NotImplementedError

    def to_json(self) -> str:
        """The record as JSON; `from_json` gives an equal one."""
        return self.model_dump_json()

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The record that `to_json` wrote."""
        return cls.model_validate_json(text)
