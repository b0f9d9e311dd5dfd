"""A metric and how sure it is, as people read it: `0.0417 ± 0.0031`, `95 % interval 0.8 to 0.9`."""

from __future__ import annotations

import math
from collections.abc import Mapping

from sweeps.record.description import DataDescription
from sweeps.record.final import Interval

__all__ = [
    "dev_rows",
    "estimate_words",
    "folds",
    "format_metric",
    "interval_words",
    "intervals_hold",
    "standard_error",
]

# Beyond so many decimals, or digits before the point, an exponent is easier to read.
_MOST_DIGITS = 6


def standard_error(row: Mapping[str, float] | None, metric: str) -> float | None:
    """Return the standard error over folds of a metric in an epoch's row; None without folds."""
    return None if row is None else row.get(f"{metric}_se")


def format_metric(row: Mapping[str, float] | None, metric: str, digits: int = 4) -> str:
    """Return a metric of an epoch's row, with two digits of its standard error if it has one.

    An error of 100 or more has all of its digits before the point.

    Args:
        row: An epoch's row, for example that of a trial's best epoch.
        metric: Its name; where the row lacks it, the text is empty.
        digits: Significant ones of a value that no error says how to round.
    """
    if row is None or metric not in row:
        return ""
    value, error = row[metric], standard_error(row, metric)
    if error is None:
        return f"{value:.{digits}g}"
    if error > 0 and max(abs(value), error) < 10**_MOST_DIGITS:
        decimals = max(0, 1 - math.floor(math.log10(error)))
        if decimals <= _MOST_DIGITS:
            return f"{value:.{decimals}f} ± {error:.{decimals}f}"
    return f"{value:.{digits}g} ± {error:.2g}"


def dev_rows(data: DataDescription) -> int:
    """Return how many rows trials are compared on; all of them together where there are folds."""
    return sum(split.rows for split in data.splits if split.name not in ("train", "test"))


def folds(data: DataDescription) -> int:
    """Return how many folds there are; 0 without."""
    return sum(split.name.startswith("fold") for split in data.splits)


def estimate_words(estimate: Interval) -> str:
    """Return an estimate with its interval: `0.9444 (95 % interval 0.8134 to 0.9932)`."""
    low, high = estimate.low, estimate.high
    around = estimate.note if low is None or high is None else interval_words(low, high)
    return f"{estimate.value:.4g} ({around})"


def interval_words(low: float, high: float) -> str:
    """Return an interval with its level, without which it may be taken for a certain one."""
    return f"95 % interval {low:.4g} to {high:.4g}"


def intervals_hold(of: str) -> str:
    """Return what the level of such intervals means; `of` is what was drawn: rows, groups."""
    return (
        f"About 95 % of such intervals contain the value for an unlimited number of similar {of}."
    )
