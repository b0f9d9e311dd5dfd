"""A fair comparison of a choice's options: the best over everything else, with equal chances.

An option that was drawn more often has had more chances to be lucky, so each is judged by the
expected best of equally many of its trials. A trial that diverged or failed without a result was a
chance, too: it counts as the worst of all results.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from sweeps.analysis.evidence import Array, Dimension, Evidence
from sweeps.analysis.permutation import Difference, expected_best, holm, permuted_difference
from sweeps.findings.chances import how_often
from sweeps.record.sweep_record import BROKEN, CUT_SHORT

__all__ = ["LEVEL", "Branch", "Comparison", "Pair", "chance_words", "compare_choices"]

LEVEL = 0.05
_FEWEST = 3
_STREAM = 0x63686F6963  # "choic"


@dataclass(frozen=True)
class Branch:
    """One option of a choice.

    Attributes:
        trials: How many of its trials count: those with a result, and those that ended without one.
        expected: Expected best of `Comparison.draws` of them.
        best: The best of all its trials.
        values: The objective of each, those that ended without a result as the worst.
    """

    option: str
    trials: int
    expected: float
    best: float
    values: tuple[float, ...]


@dataclass(frozen=True)
class Pair:
    """Two options, and whether chance alone explains how far they lie apart.

    Attributes:
        better, worse: The options by their expected best.
        difference: Between the expected bests, as dealt labels have it.
        p_value: Of all pairs of the sweep together: the permutation test's, by Holm's rule.
        pairs: How many pairs that are.
    """

    better: Branch
    worse: Branch
    difference: Difference
    p_value: float
    pairs: int


@dataclass(frozen=True)
class Comparison:
    """The options of one choice, best first.

    Attributes:
        draws: Trials that each option is granted: half of those that the rarest has.
        pairs: The first option with each of the others, in their order.
        left_out: Options with too few results to say anything.
        pruned: How many of their trials were pruned or stopped by hand: they count by the best that
            they had reached.
        on: What all trials were measured on, in words; empty where that is not known.
        unknown: Of what nothing follows, as all trials share a few groups or a stretch of time;
            empty where dev rows were cut one by one.
    """

    name: str
    branches: tuple[Branch, ...]
    draws: int
    pairs: tuple[Pair, ...]
    left_out: tuple[str, ...]
    pruned: int = 0
    on: str = ""
    unknown: str = ""

    @property
    def apart(self) -> tuple[Pair, ...]:
        """The pairs whose worse option chance among trials seldom puts so far behind."""
        return tuple(pair for pair in self.pairs if pair.p_value <= LEVEL)

    @property
    def beaten(self) -> tuple[Pair, ...]:
        """Those of which it is said that one is better: none where that need not hold elsewhere."""
        return () if self.unknown else self.apart

    @property
    def sentence(self) -> str:
        """What follows, in words."""
        return _sentence(self)


def compare_choices(evidence: Evidence) -> list[Comparison]:
    """Return a comparison of each choice that two options or more have results for.

    Every two options of a choice are held against each other by a permutation test; Holm's rule
    over all of these pairs makes it rare (1 in 20) that a sweep in which options are alike calls
    any of them better. Baselines are left out, as nobody drew them. Where the sweep file has
    `roles`, the scientific choices alone are compared. A search that learns has no comparison: it
    tries an option the less the worse its first trials were, so that labels cannot be dealt. Nor
    has a list by hand, whose options may come with other values each. Where dev rows were cut by
    groups or by time, the difference is told and no option called better: dealt labels know how
    trials vary, and not how groups do.
    """
    if evidence.why_incomparable:
        return []
    evidence, roles = evidence.draws(), evidence.file.roles
    choices = [
        _Options(one, evidence)
        for one in evidence.dimensions
        if one.kind == "choice" and (roles is None or one.name in roles.scientific)
    ]
    asked = [one for one in choices if len(one.kept) > 1]
    tested = [_tested(one, evidence.file.seed) for one in asked]
    adjusted = holm([one.p_value for found in tested for one in found.values()])
    in_turn = iter(adjusted)
    return [
        _compare(
            one,
            {key: (found[key], next(in_turn), len(adjusted)) for key in found},
            evidence.measured_on,
        )
        for one, found in zip(asked, tested, strict=True)
    ]


class _Options:
    """The options of one choice with their losses; `kept` are those with trials enough."""

    def __init__(self, one: Dimension, evidence: Evidence) -> None:
        self.name, self.options = one.name, one.options
        self.sign = 1.0 if evidence.objective.mode == "min" else -1.0
        losses = _losses(evidence)
        has = np.isfinite(losses)
        self.losses = [losses[has & (one.values == at)] for at in range(len(one.options))]
        cut = np.array([trial.outcome in CUT_SHORT for trial in evidence.trials], dtype=bool)
        self.pruned = int((has & cut & np.isfinite(one.values)).sum())
        self.kept = [at for at, own in enumerate(self.losses) if len(own) >= _FEWEST]

    @property
    def draws(self) -> int:
        """Half of the trials of the rarest: of all, the expected best is a single one of them.

        With half, the test sees a difference about half as often again (docs/decisions.md).
        """
        return math.ceil(min(len(self.losses[at]) for at in self.kept) / 2)

    def branch(self, at: int) -> Branch:
        """Return what is known of an option."""
        losses = self.losses[at]
        return Branch(
            option=self.options[at],
            trials=len(losses),
            expected=self.sign * expected_best(losses, self.draws),
            best=self.sign * float(losses.min()),
            values=tuple((self.sign * losses).tolist()),
        )


def _losses(evidence: Evidence) -> Array:
    """Return (trials,) losses, the worst for trials without a result; NaN for open ones."""
    losses, has = evidence.losses, np.isfinite(evidence.values)
    if not has.any():
        return losses
    nothing = [trial.outcome in BROKEN for trial in evidence.trials]
    return np.where(has, losses, np.where(nothing, losses[has].max(), np.nan))


def _tested(one: _Options, seed: int) -> dict[tuple[int, int], Difference]:
    """Return the difference of every two options that have enough trials."""
    return {
        (at, to): permuted_difference(
            one.losses[at], one.losses[to], one.draws, [seed, _STREAM, at, to]
        )
        for at, to in combinations(one.kept, 2)
    }


def _compare(
    one: _Options,
    tested: Mapping[tuple[int, int], tuple[Difference, float, int]],
    measured_on: tuple[str, str],
) -> Comparison:
    order = sorted(one.kept, key=lambda at: expected_best(one.losses[at], one.draws))
    branches = [one.branch(at) for at in order]
    pairs = tuple(
        Pair(branches[0], branch, *tested[min(order[0], at), max(order[0], at)])
        for at, branch in zip(order[1:], branches[1:], strict=True)
    )
    left_out = tuple(name for at, name in enumerate(one.options) if at not in one.kept)
    on, unknown = measured_on
    return Comparison(
        one.name, tuple(branches), one.draws, pairs, left_out, one.pruned, on, unknown
    )


def _sentence(found: Comparison) -> str:
    first, second = found.branches[:2]
    text = (
        f"{found.name}: the expected best of {found.draws} trials is {first.expected:.4g} with "
        f"{first.option} (n = {first.trials}) and {second.expected:.4g} with {second.option} (n = "
        f"{second.trials})"
    )
    if not found.apart:
        return f"{text}; {_undecided(found.pairs[0])}."
    if found.unknown:
        return (
            f"{text}. This holds on {found.on}, where all trials were measured; no number of "
            f"trials can tell whether it holds for {found.unknown}."
        )
    beaten = " and ".join(pair.worse.option for pair in found.beaten)
    than = "" if len(found.branches) == 2 else f" than {beaten}"
    on = f" on {found.on}" if found.on else ""
    surest = max(pair.p_value for pair in found.beaten)
    return f"{text}; {first.option} is better{than}{on}: {chance_words(surest)}."


def _undecided(pair: Pair) -> str:
    """Return how seldom chance does this, and what a lead would have to be to be told from it."""
    needed = pair.difference.needed(LEVEL / pair.pairs)
    text = f"the difference is not significant: {chance_words(pair.p_value)}"
    # Where nearly all results are one value, chance makes no difference that could be exceeded.
    return f"{text}; it would have to be {needed:.2g}" if needed > 0 else text


def chance_words(p_value: float) -> str:
    """Return how often chance alone shows such a thing, in counts of sweeps."""
    return f"equal options would differ this much in {how_often(p_value, 'sweeps')}"
