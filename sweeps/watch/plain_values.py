"""Numbers as JSON can carry them."""

from __future__ import annotations

import math

__all__ = ["finite", "six_digits"]


def finite(value: float) -> float | None:
    """Return a number, or None for NaN and the infinities, which JSON does not have."""
    return value if math.isfinite(value) else None


def six_digits(value: float) -> float | None:
    """Return a number with the digits that an eye can tell apart in a figure."""
    return float(f"{value:.6g}") if math.isfinite(value) else None
