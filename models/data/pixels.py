"""Images that stay bytes until a net takes them: a quarter of the memory of float32."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["Pixels"]


@dataclass(frozen=True, eq=False)
class Pixels:
    """Images of bytes, and how each number of a row is scaled.

    Attributes:
        values: (rows, channels, height, width) uint8.
        means: (channels, height, width) float64, subtracted from each number.
        divisors: likewise, what it is then divided by; infinity makes it 0.
    """

    values: npt.NDArray[np.uint8]
    means: npt.NDArray[np.float64]
    divisors: npt.NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, rows: slice | npt.NDArray[Any]) -> Pixels:
        return replace(self, values=self.values[rows])

    def scaled(self) -> npt.NDArray[np.float32]:
        """(rows, channels, height, width) as a net takes them; computed in float64."""
        scaled = np.empty(self.values.shape, dtype=np.float32)
        for row, image in enumerate(self.values):
            scaled[row] = (image - self.means) / self.divisors
        return scaled
