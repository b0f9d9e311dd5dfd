"""Could chance alone have made two groups of trials so different? Labels dealt anew say.

A permutation test needs no shape of the losses and holds its level exactly, with groups of any
sizes, as long as the labels say nothing (Good, Permutation, Parametric and Bootstrap Tests, 2005,
chapter 3). The statistic is the difference of the expected bests.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sweeps.analysis.evidence import Array

__all__ = ["Difference", "expected_best", "expected_best_weights", "holm", "permuted_difference"]

# What a first thousand deals show to be common needs no more of them.
_FIRST_DEALS, _DEALS = 1_000, 10_000
_COMMON = 0.1


@dataclass(frozen=True)
class Difference:
    """How far two groups lie apart, beside what chance alone does.

    Attributes:
        value: Expected best of the first less that of the second, as losses.
        p_value: Twice the share of deals that lie as far out on the same side, at most 1.
        by_chance: (deals,) sorted sizes of the differences that dealt labels give.
    """

    value: float
    p_value: float
    by_chance: Array

    def needed(self, level: float) -> float:
        """Return the size that chance alone exceeds in this share of deals."""
        return float(np.quantile(self.by_chance, 1 - level))


def expected_best_weights(count: int, draws: int) -> Array:
    """Return (count,) chances of each loss, least first, to be the least of `draws` of them.

    Drawn without replacement, so that the mean which they give is unbiased: the i-th smallest of n
    is the least of m with chance C(n - i, m - 1) / C(n, m) (the U-statistic of Tang et al., ACL
    2020, section 3). Each is the one before times (n - i - m + 1) / (n - i), from m / n on.
    """
    places = np.arange(1, count)
    ratios = np.maximum(count - places - draws + 1, 0) / (count - places)
    weights: Array = draws / count * np.concatenate([[1.0], np.cumprod(ratios)])
    return weights


def expected_best(losses: Array, draws: int) -> float:
    """Return the expected least of `draws` of the losses, drawn without replacement."""
    return float(expected_best_weights(len(losses), draws) @ np.sort(losses))


def permuted_difference(first: Array, second: Array, draws: int, seed: Sequence[int]) -> Difference:
    """Return how the expected bests of two groups differ, and how those of 10,000 deals do.

    Args:
        first: Losses of one group.
        second: Those of the other.
        draws: The expected best is that of so many; at most the size of the smaller group.
        seed: Of the deals.
    """
    losses = np.sort(np.concatenate([first, second]))
    weights = [expected_best_weights(len(group), draws) for group in (first, second)]
    value = expected_best(first, draws) - expected_best(second, draws)
    # Equal differences differ in their last digits, as their sums have another order.
    slack = 1e-9 * float(np.ptp(losses)) + 1e-12 * float(np.abs(losses).max())
    random = np.random.default_rng(seed)
    dealt = _dealt(losses, weights, _FIRST_DEALS, random)
    while len(dealt) < _DEALS and _p_value(dealt, value, slack) <= _COMMON:
        dealt = np.concatenate([dealt, _dealt(losses, weights, _FIRST_DEALS, random)])
    return Difference(value, _p_value(dealt, value, slack), np.sort(np.abs(dealt)))


def _p_value(dealt: Array, value: float, slack: float) -> float:
    """Return the two-sided p value of a difference; the deal that was made counts as one."""
    tails = (int((dealt <= value + slack).sum()), int((dealt >= value - slack).sum()))
    return min(1.0, 2 * (1 + min(tails)) / (1 + len(dealt)))


def _dealt(
    losses: Array, weights: Sequence[Array], size: int, random: np.random.Generator
) -> Array:
    """Return (size,) differences of groups that were dealt from the sorted losses."""
    is_first = np.zeros((size, len(losses)), bool)
    is_first[:, : len(weights[0])] = True
    is_first = random.permuted(is_first, axis=1)
    # Each deal has as many of a group as any other: its losses, least first, are a row.
    begins = np.arange(0, is_first.size, len(losses))[:, None]  # of rows: flat places are quick
    bests = [
        # einsum keeps to one core: a product of this size costs BLAS more to share out than to do.
        np.einsum("ij,j->i", losses[np.flatnonzero(of_group).reshape(size, -1) - begins], of_place)
        for of_group, of_place in zip((is_first, ~is_first), weights, strict=True)
    ]
    dealt: Array = bests[0] - bests[1]
    return dealt


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p values of which the least may be held against a level for all together.

    Holm, A simple sequentially rejective multiple test procedure (Scand. J. Statist. 1979): the
    least of m counts m-fold, the next (m - 1)-fold, and none less than the one before.
    """
    order = np.argsort(p_values, kind="stable")
    factors = np.arange(len(order), 0, -1)
    raised = np.maximum.accumulate(factors * np.asarray(p_values, float)[order])
    adjusted = np.empty(len(order))
    adjusted[order] = np.minimum(raised, 1.0)
    return [float(one) for one in adjusted]
