"""Images that stay bytes until a net takes them: a quarter of the memory of float32.

Rows are chosen by their numbers, so that parts and folds share one array until they are sent.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["Pixels", "joined", "sealed"]


@dataclass(frozen=True, eq=False)
class Pixels:
    """Some images of an array of bytes, and how each number of a row is scaled.

    Attributes:
        images: (all, channels, height, width) uint8, rows of other parts among them.
        rows: (rows,) which of the images these are, in order.
        means: (channels, height, width) float64, subtracted from each number.
        divisors: likewise, what it is then divided by; infinity makes it 0.
    """

    images: npt.NDArray[np.uint8]
    rows: npt.NDArray[np.intp]
    means: npt.NDArray[np.float64]
    divisors: npt.NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, rows: slice | npt.NDArray[Any]) -> Pixels:
        return replace(self, rows=self.rows[rows])

    def scaled(self) -> npt.NDArray[np.float32]:
        """(rows, channels, height, width) as a net takes them; computed in float64."""
        scaled = np.empty((len(self), *self.images.shape[1:]), dtype=np.float32)
        for row, number in enumerate(self.rows):
            scaled[row] = (self.images[number] - self.means) / self.divisors
        return scaled


def joined(*parts: Pixels) -> npt.NDArray[np.uint8]:
    """(rows, channels, height, width): all images of some parts, in order.

    Not a copy where the parts are of one array that has no other images, and in this order.
    """
    images, rows = parts[0].images, np.concatenate([part.rows for part in parts])
    if any(part.images is not images for part in parts):
        return np.concatenate([part.images[part.rows] for part in parts])
    return images if np.array_equal(rows, np.arange(len(images))) else images[rows]


def sealed(*parts: Pixels) -> tuple[Pixels, ...]:
    """The same parts, of an array that has no image of any other."""
    images = joined(*parts)
    stops = np.cumsum([len(part) for part in parts])
    places = np.split(np.arange(len(images)), stops[:-1])
    return tuple(
        replace(part, images=images, rows=own) for part, own in zip(parts, places, strict=True)
    )
