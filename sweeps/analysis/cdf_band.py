"""A simultaneous band of the distribution that some results were drawn from, exact for any number.

The band of Learned-Miller and DeStefano ("A probabilistic upper bound on differential entropy",
IEEE Trans. Inf. Theory 2008), as Lourie, Cho and He ("Show your work with confidence", 2023,
section 4) use it: the i-th smallest of n uniform draws follows Beta(i, n + 1 - i); its intervals of
one equal-tailed level are widened until they hold for all i together. Equal results only make it
hold more often.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable

import numpy as np

from sweeps.analysis.evidence import Array

__all__ = ["cdf_band", "probability_between"]

# Beyond so many the exact level takes seconds; the DKW inequality is as good there.
_MOST_EXACT = 2000
# Of logarithms: that of the chance to miss, and that of the level.
_PRECISION = 1e-5


@functools.cache
def cdf_band(count: int, confidence: float) -> tuple[Array, Array]:
    """Return (count + 1,) lower and upper bounds of the distribution function.

    Place i holds from the i-th smallest result to the next; place 0 below the smallest. Equal
    arguments are answered from memory.

    Args:
        count: How many results there are.
        confidence: Chance that all bounds hold together.
    """
    if count > _MOST_EXACT:
        steps = np.arange(count + 1) / count
        # Massart, The tight constant in the DKW inequality (1990).
        margin = math.sqrt(math.log(2 / (1 - confidence)) / (2 * count))
        return np.clip(steps - margin, 0, 1), np.clip(steps + margin, 0, 1)

    def excess(log_tail: float) -> float:
        missed = 1 - probability_between(*_beta_bounds(count, math.exp(log_tail)))
        # Nearly a straight line in the logarithm of the level, so that few steps are enough.
        return math.log(max(missed, 1e-12) / (1 - confidence))

    # The level of one interval lies between that of all and Bonferroni's.
    tails = math.log((1 - confidence) / (2 * count)), math.log(1 - confidence + 1e-6)
    low, high = _beta_bounds(count, math.exp(_root(excess, *tails)))
    return np.concatenate([[0.0], low]), np.concatenate([high, [1.0]])


def _root(excess: Callable[[float], float], low: float, high: float) -> float:
    """Return where a rising function is 0, by the Illinois rule (Dowell and Jarratt, BIT 1971).

    scipy.optimize has others; to import it takes as long as six steps of this one.
    """
    below, above, stayed = excess(low), excess(high), 0
    while high - low > _PRECISION:
        at = (low * above - high * below) / (above - below)
        found = excess(at)
        if abs(found) < _PRECISION:
            return at
        side = -1 if found < 0 else 1
        if side < 0:
            low, below, above = at, found, above / 2 if stayed == side else above
        else:
            high, above, below = at, found, below / 2 if stayed == side else below
        stayed = side  # an end that stays twice counts half
    return (low + high) / 2


def _beta_bounds(count: int, tails: float) -> tuple[Array, Array]:
    """Return the (count,) ends of the intervals that leave out this chance, half on each side."""
    from scipy.special import betaincinv

    place = np.arange(1, count + 1)
    low, high = (betaincinv(place, count + 1 - place, at) for at in (tails / 2, 1 - tails / 2))
    return low, high


def probability_between(low: Array, high: Array) -> float:
    """Return the chance that the i-th smallest of n uniform draws lies from low[i] to high[i].

    A Poisson process of rate n with n points in all has these draws as its points; how many points
    there are up to each bound is followed by convolution (Moscovich and Nadler, "Fast calculation
    of boundary crossing probabilities for Poisson processes", 2017).

    Args:
        low: (n,) rising lower bounds.
        high: (n,) rising upper bounds, nowhere below the lower ones.
    """
    count = len(low)
    times = np.concatenate([low, high, [1.0]])
    log_factorials = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, count + 1)))])
    # The most points before the next lower bound: its own draw may not be there yet.
    most = np.searchsorted(low, times, side="left")
    chances, least, before = np.ones(1), 0, 0.0  # of `least` points, and of each number above
    for at in np.argsort(times, kind="stable"):
        size = int(most[at]) - least + 1
        if size < 1:
            return 0.0
        step = _poisson(count * (times[at] - before), size, log_factorials)
        chances, before = np.convolve(chances, step)[:size], times[at]
        if count <= at < 2 * count:  # an upper bound: by now its draw has to be there
            gone = max(0, int(at) - count + 1 - least)
            chances, least = chances[gone:], least + gone
    given = _poisson(count, count + 1, log_factorials)[count]
    return float(chances[count - least] / given) if len(chances) > count - least else 0.0


def _poisson(mean: float, size: int, log_factorials: Array) -> Array:
    """Return (size,) chances of 0, 1, ... points."""
    if mean <= 0:
        nothing: Array = np.eye(1, size)[0]
        return nothing
    chances: Array = np.exp(np.arange(size) * math.log(mean) - mean - log_factorials[:size])
    return chances
