"""How the best of n trials depends on n: would fewer have done, would more help?

Lourie, Cho and He, "Show your work with confidence" (2023): simultaneous confidence bands of the
distribution of one trial's result become bands of the median best of n; from their library opda.
"""

from __future__ import annotations

import bisect
from dataclasses import dataclass

import numpy as np

from sweeps.analysis.evidence import Array, Evidence
from sweeps.record.records import Outcome

__all__ = ["TuningCurve", "tuning_curve"]

_CONFIDENCE = 0.95
# Exact bands take seconds beyond so many values; those of the DKW inequality are wider, and quick.
_MOST_EXACT = 400
_FEWEST = 5
_MOST_POINTS = 200
# The way from one trial's median to the best of all that counts as all of it, nearly.
_ENOUGH = 0.95
# What doubling the trials brought, as a share of that way, below which more would hardly help.
_LITTLE = 0.02


@dataclass(frozen=True, eq=False)
class TuningCurve:
    """The best of n trials, in the objective's own direction.

    Attributes:
        numbers: n, from 1 to the number of trials.
        expected: Expected best of n.
        median, low, high: Median best of n, with its simultaneous 95 % band.
        trials: How many results it is made from.
        pruned: How many of these were pruned, and count by what they had reached.
        lost: How many trials without a result count as the worst one.
        enough: The n at which the expected best has come 95 % of the way to the best of all.
        sentence: Whether fewer would have done, and whether more would help.
    """

    numbers: Array
    expected: Array
    median: Array
    low: Array
    high: Array
    trials: int
    pruned: int
    lost: int
    enough: int
    sentence: str


def tuning_curve(evidence: Evidence) -> TuningCurve | str:
    """Return the tuning curve, or why there is none.

    A pruned trial counts by the best that it had reached, so the curve is a little pessimistic; a
    trial that failed or diverged without a result counts as the worst that any other had.
    """
    if not evidence.is_drawn:
        method = evidence.file.search.method
        return f"trials of a {method} search are not drawn by chance, so no curve can be reckoned"
    ended = [at for at, trial in enumerate(evidence.trials) if trial.outcome is not None]
    values = evidence.values[ended]
    known = values[np.isfinite(values)]
    if len(known) < _FEWEST:
        return f"{len(known)} results are too few; a tuning curve wants {_FEWEST}"
    minimize = evidence.goal.mode == "min"
    worst = known.max() if minimize else known.min()
    values = np.where(np.isfinite(values), values, worst)
    pruned = sum(evidence.trials[at].outcome is Outcome.PRUNED for at in ended)
    numbers = _numbers(len(values))
    expected, median, low, high = _curves(values, numbers, minimize)
    enough, sentence = _judged(values, minimize)
    return TuningCurve(
        numbers, expected, median, low, high, len(values), pruned, len(values) - len(known),
        enough, sentence,
    )  # fmt: skip


def _numbers(count: int) -> Array:
    points = np.unique(np.geomspace(1, count, min(count, _MOST_POINTS)).round())
    return points.astype(float)


def _curves(values: Array, numbers: Array, minimize: bool) -> tuple[Array, Array, Array, Array]:
    from opda.nonparametric import EmpiricalDistribution

    # Only the inequality holds where results are equal, as those that count as the worst are.
    is_continuous = len(np.unique(values)) == len(values)
    method = "ld_equal_tailed" if is_continuous and len(values) <= _MOST_EXACT else "dkw"
    span = (float(values.min()), float(values.max()))
    lower, point, upper = EmpiricalDistribution.confidence_bands(
        values, _CONFIDENCE, method=method, n_jobs=1
    )
    expected = np.asarray(point.average_tuning_curve(numbers, minimize=minimize))
    # More mass at low values (the upper band of the CDF) makes every quantile lower.
    bands = [
        np.clip(band.quantile_tuning_curve(numbers, q=0.5, minimize=minimize), *span)
        for band in (upper, point, lower)
    ]
    return expected, bands[1], bands[0], bands[2]


def _judged(values: Array, minimize: bool) -> tuple[int, str]:
    """Return the n that would have been enough, and the sentence."""
    ordered, count = np.sort(values if minimize else -values), len(values)
    first, last = _expected_best(ordered, 1), _expected_best(ordered, count)
    way = first - last
    if way <= 0:
        return 1, "All trials came to the same result: one would have done."

    def came(number: int) -> bool:
        return first - _expected_best(ordered, number) >= _ENOUGH * way

    enough = 1 + bisect.bisect_left(range(1, count + 1), True, key=came)
    fewer = f"{enough} trials would have come 95 % of the way that these {count} came"
    gain = (_expected_best(ordered, max(count // 2, 1)) - last) / way
    more = "more of the same would hardly help" if gain < _LITTLE else "more would still help"
    return enough, f"{fewer}; the last doubling of trials brought {gain:.0%} of it, so {more}."


def _expected_best(ordered: Array, number: int) -> float:
    """Return the expected least of so many drawn with replacement from losses, least first."""
    above = 1 - np.arange(len(ordered) + 1) / len(ordered)
    return float((above[:-1] ** number - above[1:] ** number) @ ordered)
