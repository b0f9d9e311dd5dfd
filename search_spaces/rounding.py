"""The digits that a drawn number keeps: exp and log differ in their last bits between machines."""

from __future__ import annotations

import math

__all__ = ["rounded"]

_DIGITS = 8
_MOST_DIGITS = 15


def rounded(value: float, largest: float, width: float) -> float:
    """Return `value` with 8 digits, or as many more as its range is narrow.

    Args:
        largest: How large values of the range are.
        width: How far apart.
    """
    # The exponent of frexp is exact on every machine, where log10 is not; 0.301 is log10(2).
    narrow = math.frexp(largest / width)[1]
    digits = min(_DIGITS + max(0, int(narrow * 0.301)), _MOST_DIGITS)
    return float(f"{value:.{digits}g}")
