"""How the best of n trials depends on n: would fewer have done, would more help?

Lourie, Cho and He, "Show your work with confidence" (2023): simultaneous confidence bands of the
distribution of one trial's result become bands of the median best of n.
"""

from __future__ import annotations

import bisect
import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from sweeps.analysis.cdf_band import cdf_band
from sweeps.analysis.evidence import Array, Evidence
from sweeps.analysis.permutation import expected_best, expected_best_weights
from sweeps.models.scoring.objective import Objective
from sweeps.record.sweep_record import CUT_SHORT

__all__ = ["TuningCurve", "tuning_curve"]

_CONFIDENCE = 0.95
_FEWEST = 5
_MOST_POINTS = 200
# Fewer trials would have done if their expected best is no more than this part worse. A part of the
# best itself: losses lie over decades, and beside the worst trials any two good ones look alike.
_NEAR = 0.05
# Standard errors that the gain of twice as many trials must lie below or above that part. With
# these, simulated sweeps are wrong in at most 5 % (docs/truth.md).
_TO_DENY, _TO_PROMISE = 2.33, 1.64

More = Literal["hardly", "still", "unclear"]


@dataclass(frozen=True, eq=False)
class TuningCurve:
    """The best of n trials, in the objective's own direction.

    Attributes:
        numbers: n, from 1 to the number of trials.
        expected: Expected best of n, unbiased.
        median: Median best of n.
        low, high: Its simultaneous 95 % band: the metric's own bound or an infinity where so few
            trials bound nothing.
        trials: How many results it is made from.
        pruned: How many of these were pruned, and count by what they had reached.
        lost: How many trials without a result count as the worst one.
        enough: The n at which the expected best is within 5 % of that of all, in its distance from
            the best value that the metric can have; all where it has none.
        more: Whether twice as many trials would better the expected best by 5 % or more.
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
    more: More
    sentence: str


def tuning_curve(evidence: Evidence) -> TuningCurve | str:
    """Return the tuning curve, or why there is none.

    Baselines are left out: nobody drew them. A pruned trial counts by the best that it had
    reached, so the curve is a little pessimistic; a trial that failed or diverged without a result
    counts as the worst that any other had.
    """
    evidence = evidence.draws()
    if evidence.why_dependent:
        return evidence.why_dependent
    if not evidence.is_drawn:
        if evidence.file.search.is_by_hand:
            return "the trials were listed by hand, not drawn at random"
        method = evidence.file.search.method
        return f"trials of a {method} search are not drawn at random, so no curve can be computed"
    ended = [at for at, trial in enumerate(evidence.trials) if trial.outcome is not None]
    values = evidence.values[ended]
    known = values[np.isfinite(values)]
    if len(known) < _FEWEST:
        return f"{len(known)} results are too few; a tuning curve needs {_FEWEST}"
    minimize = evidence.objective.mode == "min"
    worst = known.max() if minimize else known.min()
    values = np.where(np.isfinite(values), values, worst)
    pruned = sum(evidence.trials[at].outcome in CUT_SHORT for at in ended)
    numbers = _numbers(len(values))
    median, low, high = _curves(values, numbers, evidence.objective)
    losses = values if minimize else -values
    sign = 1 if minimize else -1
    enough, more, sentence = _judged(values, evidence.objective)
    return TuningCurve(
        numbers=numbers,
        expected=sign * np.array([expected_best(losses, int(number)) for number in numbers]),
        median=median,
        low=low,
        high=high,
        trials=len(values),
        pruned=pruned,
        lost=len(values) - len(known),
        enough=enough,
        more=more,
        sentence=sentence,
    )


def _numbers(count: int) -> Array:
    points = np.unique(np.geomspace(1, count, min(count, _MOST_POINTS)).round())
    return points.astype(float)


def _curves(values: Array, numbers: Array, objective: Objective) -> tuple[Array, Array, Array]:
    """Return the median best of each number, and the ends of its band.

    A bound of the distribution function bounds its quantiles; the median best of n is that at
    1 - 0.5^(1/n), or 0.5^(1/n) where high is good. Beyond the results seen only the metric's own
    bounds hold, which are not clipped: the best is often beyond.
    """
    ordered = np.sort(values)
    lower, upper = cdf_band(len(ordered), _CONFIDENCE)
    floor, ceiling = objective.bounds_around(values.tolist())
    places = 1 - 0.5 ** (1 / numbers) if objective.mode == "min" else 0.5 ** (1 / numbers)
    steps = np.arange(1, len(ordered) + 1) / len(ordered)
    median = ordered[np.searchsorted(steps, places - 1e-12)]
    # More mass at low values makes every quantile lower.
    low = np.concatenate([[floor], ordered])[np.searchsorted(upper, places)]
    high = np.concatenate([ordered, [ceiling]])[np.searchsorted(lower[1:], places)]
    return median, low, high


def _judged(values: Array, objective: Objective) -> tuple[int, More, str]:
    """Return the n that would have been enough, whether more would help, and the sentence.

    Results are judged by their distance from the best value that the metric can have: 5 % of a
    reward of 200, or of a log-likelihood below 0, is no measure of what is left to gain.
    """
    optimum = _optimum(values, objective)
    sign, origin = -objective.sign, optimum if math.isfinite(optimum) else 0.0
    errors = np.sort(sign * (values - origin))
    if errors[0] == errors[-1]:
        return 1, "hardly", "All trials had the same result: one would have been enough."
    count, half = len(errors), len(errors) // 2
    best, before = expected_best(errors, count), expected_best(errors, half)
    shown = [sign * one + origin for one in (before, best)]
    expected = (
        f"The expected best {objective.metric} of {half} such trials is {shown[0]:.3g}, that of "
        f"{count} trials {shown[1]:.3g}"
    )
    if not math.isfinite(optimum):
        return count, "unclear", f"{expected}. {_NO_OPTIMUM.format(objective.metric)}"

    def is_near(number: int) -> bool:
        return expected_best(errors, number) <= best + _NEAR * best

    enough = 1 + bisect.bisect_left(range(1, count), True, key=is_near)
    more = _would_help(errors)
    of_what = f" (measured by its distance from {optimum:g})" if optimum else ""
    sentence = (
        f"{expected}; {enough} trials would have been enough to come within {_PERCENT} of "
        f"it{of_what}. {_MORE[more].format(count=count)}"
    )
    return enough, more, sentence


def _optimum(values: Array, objective: Objective) -> float:
    """Return the best value that the metric can have; infinite where there is none.

    A loss whose floor nobody gave has 0 as long as no trial came below.
    """
    floor, ceiling = objective.bounds_around(values.tolist())
    if objective.mode == "max":
        return ceiling
    return 0.0 if floor == -math.inf and values.min() >= 0 else floor


_NO_OPTIMUM = "{} has no known best value, so nothing can be said about more trials."
_PERCENT = f"{100 * _NEAR:g} %"
# How sure it is: docs/truth.md.
_MORE: dict[More, str] = {
    "hardly": f"{{count}} more are unlikely to improve it by more than {_PERCENT} "
    "(95 % confidence).",
    "still": f"{{count}} more would probably improve it by more than {_PERCENT} (95 % confidence).",
    "unclear": f"These trials cannot tell whether {{count}} more would improve it by {_PERCENT}.",
}


def _would_help(errors: Array) -> More:
    """Return whether twice as many trials would bring 5 %, or that these cannot tell.

    What the second half of the trials brought is a sum of gaps between the least errors; a gap of
    exponential spacings has its own size as its standard error (Renyi, On the theory of order
    statistics, 1953). Gains often shrink: to promise one, it is taken to shrink from here to twice
    as many as it did from a quarter to all. The limits are of its logarithm, as it is positive.

    Args:
        errors: At least 5, sorted, not all equal.
    """
    count = len(errors)
    weights = expected_best_weights(count, count // 2)
    quarter, half = (expected_best(errors, count // part) for part in (4, 2))
    gain = half - errors[0]
    if half <= 0 or gain <= 0:
        return "hardly"
    left = 1 - np.cumsum(weights)[:-1]  # chance that the least of half lies beyond each gap
    # Trials that are about to diverge come to errors of any size: nothing here may overflow.
    error = math.hypot(*(left * np.diff(errors))) / math.sqrt(2) / float(gain)
    needed = math.log(_NEAR) + math.log(half) - math.log(gain)
    shrinks = min(0.0, math.log(gain) - math.log(quarter - half)) if quarter > half else 0.0
    if _TO_DENY * error < needed:
        return "hardly"
    if shrinks - _TO_PROMISE * error > needed:
        return "still"
    return "unclear"
