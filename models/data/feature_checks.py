"""Whether feature values can be used, before anything is learned from them."""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt

from sweeps.models.data.features import Features, missing_in
from sweeps.models.errors import DataError

__all__ = ["check_features", "listed"]

_LARGEST = 1e150
_FILL = (
    "Fill them in, leave the columns out (exclude), or write missing: mean (a missing number "
    "becomes the mean of the training rows, a missing word no category); in a .csv file NA and the "
    "like count as missing, unless missing_values says what does"
)


def check_features(features: Features, missing: Literal["error", "mean"]) -> None:
    """Raises unless every value is finite or may be filled in.

    Args:
        features: of any number of rows.
        missing: what a configuration says of missing values.

    Raises:
        DataError: infinite values, or missing ones under `error`, with columns and counts.
    """
    if features.flat.dtype == np.uint8:  # of images, which have no words beside
        return
    is_infinite = np.isinf(features.flat)
    infinite = _counts(features.number_names, is_infinite)
    if infinite:
        first = int(is_infinite.any(axis=1).argmax()) + 1
        rule = f"features must be finite; infinite values: {infinite}, first in row {first}"
        raise DataError(rule, key=("source",))
    _check_size(features)
    if missing == "mean":
        return
    absent = [
        _counts(features.number_names, missing_in(features.flat)),
        _counts(features.word_names, missing_in(features.words)),
    ]
    found = ", ".join(part for part in absent if part)
    if found:
        rule = f"with `missing: error` every feature must have a value; missing values: {found}"
        raise DataError(rule, key=("missing",), hint=_FILL)


def _check_size(features: Features) -> None:
    """Raises for a number whose square is none of float64, as the variance needs it."""
    if features.flat.dtype != np.float64:  # float32 holds none as large
        return
    with np.errstate(invalid="ignore"):
        huge = np.argwhere(np.abs(features.flat) > _LARGEST)
    if len(huge):
        row, column = huge[0]
        name = features.number_names[column]
        raise DataError(
            f"column {name!r} must hold numbers below {_LARGEST:g} in size, and row {row + 1} does "
            f"not",
            key=("source",),
            value=float(features.flat[row, column]),
            hint="Rescale the column, or leave it out",
        )


def _counts(names: tuple[str, ...], found: npt.NDArray[np.bool_]) -> str:
    """`age (3), income (1)`: the columns in which something was found, and how often."""
    counts = found.sum(axis=0)
    return listed([f"{name} ({count})" for name, count in zip(names, counts, strict=True) if count])


def listed(names: list[str]) -> str:
    """The first ten names, and how many more there are."""
    more = f" and {len(names) - 10} more" if len(names) > 10 else ""
    return ", ".join(names[:10]) + more
