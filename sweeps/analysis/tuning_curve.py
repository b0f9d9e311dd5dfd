"""How the best of n trials depends on n: would fewer have done, would more help?

Lourie, Cho and He, "Show your work with confidence" (2023): simultaneous confidence bands of the
distribution of one trial's result become bands of the median best of n; from their library opda.
"""

from __future__ import annotations

import bisect
from dataclasses import dataclass

import numpy as np

from sweeps.analysis.evidence import Array, Evidence
from sweeps.definition.goal import Goal
from sweeps.record.records import Outcome

__all__ = ["TuningCurve", "tuning_curve"]

_CONFIDENCE = 0.95
# Exact bands take seconds beyond so many values; those of the DKW inequality are wider, and quick.
_MOST_EXACT = 400
_FEWEST = 5
_MOST_POINTS = 200
# Fewer trials would have done if their expected best is no more than this part worse. A part of the
# best itself: losses lie over decades, and beside the worst trials any two good ones look alike.
_NEAR = 0.05


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
        enough: The n at which the expected best is within 5 % of that of all, in the loss or, where
            high is good, in the distance from 1.
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
    enough, sentence = _judged(values, evidence.goal)
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


def _judged(values: Array, goal: Goal) -> tuple[int, str]:
    """Return the n that would have been enough, and the sentence.

    Every metric has a least error of 0: losses themselves, and 1 less accuracy, F1 or R2.
    """
    name = goal.metric if goal.mode == "min" else f"1 - {goal.metric}"
    ordered = np.sort(values if goal.mode == "min" else 1 - values)
    if ordered[0] == ordered[-1]:
        return 1, "All trials came to the same result: one would have done."
    count, half = len(values), len(values) // 2
    best, before = _expected_best(ordered, count), _expected_best(ordered, half)

    def is_near(number: int) -> bool:
        return _expected_best(ordered, number) <= (1 + _NEAR) * best

    enough = 1 + bisect.bisect_left(range(1, count), True, key=is_near)
    more = "would hardly help" if enough <= half else "would probably still help"
    return enough, (
        f"Of {half} such trials the expected best {name} is {before:.3g}, of {count} {best:.3g} "
        f"({1 - best / before:.0%} lower); {enough} trials come within {_NEAR:.0%} of that, so "
        f"more of the same {more}."
    )


def _expected_best(ordered: Array, number: int) -> float:
    """Return the expected least of so many drawn with replacement from losses, least first."""
    above = 1 - np.arange(len(ordered) + 1) / len(ordered)
    return float((above[:-1] ** number - above[1:] ** number) @ ordered)
