"""Finds rows with equal features, and tells whether chance alone would make them.

A row that occurs twice would be trained on and tested on. In a table of few different values,
though, equal rows are different cases that happen to look alike.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from sweeps.models.data.features import Features

__all__ = ["equal_rows", "is_by_chance"]

Words = npt.NDArray[np.uint64]
_STREAM = 0x726F7773  # "rows": the same hash on every machine
_CHUNK = 2**20  # numbers that are hashed at a time: 8 MB
_CHANCE = 0.01


def equal_rows(features: Features) -> npt.NDArray[np.intp]:
    """Return (rows,) numbers from 0 on, the same for rows whose features are all equal.

    Rows are compared by a 128-bit hash of their bits: two sums of products with random odd numbers
    modulo 2^64 (multiply-shift; Dietzfelbinger et al., J. Algorithms 25, 1997). -0 is 0, and
    missing values are equal to one another.
    """
    rows = len(features)
    hashes = np.zeros((rows, 2), dtype=np.uint64)
    rng = np.random.default_rng(_STREAM)
    flat = features.flat
    width = max(flat.shape[1], 1)
    factors = _factors(rng, flat.shape[1])
    for start in range(0, rows, max(_CHUNK // width, 1)):
        part = slice(start, start + max(_CHUNK // width, 1))
        hashes[part] = _mixed(_bits(flat[part])) @ factors
    if features.words.shape[1]:
        hashes += _mixed(_codes(features.words)) @ _factors(rng, features.words.shape[1])
    pairs = np.ascontiguousarray(hashes).view("V16").ravel()
    return np.asarray(np.unique(pairs, return_inverse=True)[1], dtype=np.intp)


def is_by_chance(features: Features, units: npt.NDArray[np.intp]) -> bool:
    """Return whether so few different values make as many equal rows without any row being twice.

    Were columns independent, two of m different rows would agree with the product of the columns'
    own chances of agreeing, estimated without bias on the different rows. Dependence only adds
    to that, so a hundredth of the equal pairs that there are is taken for enough.

    Args:
        features: Of all rows.
        units: (rows,) as `equal_rows` gives them.
    """
    sizes = np.bincount(units)
    found = float((sizes * (sizes - 1) / 2).sum())
    different = np.unique(units, return_index=True)[1]
    if not found or len(different) < 2:
        return bool(found)
    columns = (column[different] for one in (features.flat, features.words) for column in one.T)
    logarithm = sum(map(_log_agreement, columns))
    pairs = len(features) * (len(features) - 1) / 2
    return math.exp(logarithm) * pairs >= _CHANCE * found


def _log_agreement(column: npt.NDArray[np.generic]) -> float:
    """Return the logarithm of the chance that two different rows have one value here."""
    codes = _codes(column[:, None])[:, 0] if column.dtype == object else _bits(column)
    counts = np.unique(codes, return_counts=True)[1].astype(float)
    agreement = float((counts * (counts - 1)).sum()) / (len(column) * (len(column) - 1))
    return math.log(agreement) if agreement else -math.inf


def _factors(rng: np.random.Generator, width: int) -> Words:
    return rng.integers(0, 2**64, size=(width, 2), dtype=np.uint64) | np.uint64(1)


def _bits(numbers: npt.NDArray[np.generic]) -> Words:
    values = np.asarray(numbers, dtype=np.float64) + 0.0  # -0 + 0 is 0
    values[np.isnan(values)] = np.nan
    return np.ascontiguousarray(values).view(np.uint64)


def _mixed(bits: Words) -> Words:
    """Spread the high bits, where floats differ, to the low ones, as products lose the high."""
    bits = bits ^ (bits >> np.uint64(32))
    return np.asarray(bits * np.uint64(0x9E3779B97F4A7C15) ^ (bits >> np.uint64(29)))


def _codes(words: npt.NDArray[np.generic]) -> Words:
    """Return a number for each word, None having one of its own; columns keep their own order."""
    codes = np.empty(words.shape, dtype=np.uint64)
    for place in range(words.shape[1]):
        known: dict[object, int] = {}
        codes[:, place] = [known.setdefault(word, len(known)) for word in words[:, place].tolist()]
    return codes
