"""How numbers are scaled, by what `data.scale` says: learned from training rows.

All but `quantile` are a subtraction and a division, so that a mean and a scale for each number are
all that has to be kept of them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from sweeps.models.data.configuration import Scale
from sweeps.models.errors import DataError

__all__ = ["NUMBERS_PER_BLOCK", "channel_moments", "moments", "quantiles_of", "to_normal"]

Numbers = npt.NDArray[np.float64]
# scikit-learn's defaults: of QuantileTransformer, and of what RobustScaler divides by.
_QUANTILES = 1000
_LOWER, _UPPER = 25.0, 75.0
NUMBERS_PER_BLOCK = 2**20  # 8 MB: what is widened to float64 at a time
# Where the normal distribution is cut, so that the least and the greatest value stay finite.
_EDGE = 1e-7


def moments(numbers: Numbers, scale: Scale) -> tuple[Numbers, Numbers]:
    """What is subtracted from each number and what it is divided by; 0 makes all of it 0.

    Args:
        numbers: (rows, columns), none missing.
        scale: by which rule; 0 and 1 where it looks at more than a column (`channel_moments`).
    """
    width = numbers.shape[1]
    if scale in ("none", "quantile", "per_channel"):
        return np.zeros(width), np.ones(width)
    constant = numbers.min(axis=0) == numbers.max(axis=0)
    if scale == "robust":
        low, median, high = np.percentile(numbers, [_LOWER, 50.0, _UPPER], axis=0)
        spread = np.where(high > low, high - low, 1.0)
        return np.where(constant, numbers[0], median), np.where(constant, 0.0, spread)
    # The rounded mean of a constant is not always that constant, nor the deviation 0.
    means = np.where(constant, numbers[0], numbers.mean(axis=0))
    return means, np.where(constant, 0.0, numbers.std(axis=0))


def channel_moments(
    numbers: npt.NDArray[Any], rows: npt.NDArray[np.intp], fills: Numbers
) -> tuple[Numbers, Numbers]:
    """What `moments` gives for each number, equal for all numbers of a channel.

    Some rows at a time, as float64 takes up to eight times the memory of images.

    Args:
        numbers: (all, channels, height, width), NaN where missing.
        rows: (rows,) which of them are looked at.
        fills: (numbers of a row,) what stands for a missing number.

    Raises:
        DataError: a row is no image.
    """
    shape = numbers.shape[1:]
    if len(shape) != 3:
        rule = f"per_channel needs images (channels, height, width), and a row has shape {shape}"
        hint = "Write scale: standard, which is per column"
        raise DataError(rule, key=("scale",), value="per_channel", hint=hint)
    every = [
        (one.sum((0, 2)), one.min((0, 2)), one.max((0, 2))) for one in _blocks(numbers, rows, fills)
    ]
    sums, lowest, highest = map(np.array, zip(*every, strict=True))
    lowest, highest = lowest.min(axis=0), highest.max(axis=0)
    pixels = math.prod(shape[1:])
    means = sums.sum(axis=0) / (len(rows) * pixels)
    squares = [((one - means[:, None]) ** 2).sum((0, 2)) for one in _blocks(numbers, rows, fills)]
    deviations = np.sqrt(np.sum(squares, axis=0) / (len(rows) * pixels))
    constant = lowest == highest
    means, scales = np.where(constant, lowest, means), np.where(constant, 0.0, deviations)
    return np.repeat(means, pixels), np.repeat(scales, pixels)


def _blocks(
    numbers: npt.NDArray[Any], rows: npt.NDArray[np.intp], fills: Numbers
) -> Iterator[Numbers]:
    """Yield all rows, some at a time, as (rows, channels, pixels)."""
    count = math.ceil(len(rows) * len(fills) / NUMBERS_PER_BLOCK)
    for some in np.array_split(rows, count):
        block = numbers[some].reshape(len(some), len(fills)).astype(np.float64)
        filled = np.where(np.isnan(block), fills, block)
        yield filled.reshape(len(some), numbers.shape[1], -1)


def quantiles_of(numbers: Numbers, scale: Scale) -> tuple[tuple[float, ...], ...]:
    """Of each column its quantiles from the least to the greatest value; empty for other scales."""
    if scale != "quantile":
        return ()
    places = np.linspace(0, 100, min(_QUANTILES, len(numbers)))
    # Percentiles of equal values may fall back by the last bit.
    found = np.maximum.accumulate(np.percentile(numbers, places, axis=0))
    return tuple(tuple(column.tolist()) for column in found.T)


def to_normal(
    numbers: npt.NDArray[Any], quantiles: tuple[tuple[float, ...], ...]
) -> npt.NDArray[np.float64]:
    """Numbers mapped so that training rows are normally distributed in each column.

    As scikit-learn's QuantileTransformer(output_distribution="normal"): linear between quantiles,
    the middle of the places where a value is several of them; a constant column is 0.

    Args:
        numbers: (rows, columns).
        quantiles: of each column.
    """
    columns = [
        _mapped(np.asarray(column, np.float64), np.array(known))
        for column, known in zip(numbers.T, quantiles, strict=True)
    ]
    return np.stack(columns, axis=1)


def _mapped(values: Numbers, known: Numbers) -> Numbers:
    from scipy.special import ndtri  # 0.1 s, which every start would pay

    if known[0] == known[-1]:
        return np.zeros_like(values)
    places = np.linspace(0, 1, len(known))
    upwards = np.interp(values, known, places)
    downwards = np.interp(-values, -known[::-1], -places[::-1])
    middle = 0.5 * (upwards - downwards)
    middle = np.where(values <= known[0], 0.0, np.where(values >= known[-1], 1.0, middle))
    lowest, highest = ndtri(_EDGE - np.spacing(1)), ndtri(1 - (_EDGE - np.spacing(1)))
    clipped: Numbers = np.clip(ndtri(middle), lowest, highest)
    return clipped
