"""A fair comparison of a choice's options: the best over everything else, with equal chances.

An option that was drawn more often has had more chances to be lucky, so each is judged by the
expected best of as many of its trials as the rarest option has. A trial that diverged or failed
without a result was a chance, too: it counts as the worst of all results.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sweeps.analysis.evidence import Array, Dimension, Evidence
from sweeps.record.records import Outcome

__all__ = ["Branch", "Comparison", "compare_choices", "expected_best"]

_FEWEST = 3
_RESAMPLES = 1000
_STREAM = 0x63686F6963  # "choic"


@dataclass(frozen=True)
class Branch:
    """One option of a choice.

    Attributes:
        trials: How many of its trials count: those with a result, or that came to nothing.
        expected: Expected best of `Comparison.draws` of them.
        low, high: Its 95 % bootstrap interval.
        best: The best of all its trials.
    """

    option: str
    trials: int
    expected: float
    low: float
    high: float
    best: float


@dataclass(frozen=True)
class Comparison:
    """The options of one choice, best first.

    Attributes:
        draws: Trials that each option is granted.
        probability: Bootstrap share in which the first option is the better of the first two.
        left_out: Options with too few results to say anything.
        sentence: What follows, in words.
    """

    name: str
    branches: tuple[Branch, ...]
    draws: int
    probability: float
    left_out: tuple[str, ...]
    sentence: str


def compare_choices(evidence: Evidence) -> list[Comparison]:
    """Return a comparison of each choice that two options or more have results for.

    Where the sweep file has `roles`, those are the scientific ones alone.
    """
    roles = evidence.file.roles
    found = (
        _compare(one, evidence)
        for one in evidence.dimensions
        if one.kind == "choice" and (roles is None or one.name in roles.scientific)
    )
    return [comparison for comparison in found if comparison is not None]


def expected_best(losses: Array, draws: int) -> float:
    """Return the expected least of `draws` of the losses, drawn without replacement.

    Exact, from order statistics: the i-th smallest of n is the least of m with chance
    C(n - i, m - 1) / C(n, m).
    """
    ordered, count = np.sort(losses), len(losses)
    # Of the chances, each is the one before times (n - i - m + 1) / (n - i), from m / n on.
    places = np.arange(1, count)
    ratios = np.maximum(count - places - draws + 1, 0) / (count - places)
    chances = draws / count * np.concatenate([[1.0], np.cumprod(ratios)])
    return float(chances @ ordered)


def _compare(one: Dimension, evidence: Evidence) -> Comparison | None:
    losses = _losses(evidence)
    has = np.isfinite(losses)
    groups = [losses[has & (one.values == at)] for at in range(len(one.options))]
    kept = [at for at, losses in enumerate(groups) if len(losses) >= _FEWEST]
    if len(kept) < 2:
        return None
    draws = min(len(groups[at]) for at in kept)
    random = np.random.default_rng([evidence.file.seed, _STREAM])
    resampled = {
        at: np.array(
            [
                expected_best(random.choice(groups[at], len(groups[at])), draws)
                for _ in range(_RESAMPLES)
            ]
        )
        for at in kept
    }
    sign = 1.0 if evidence.goal.mode == "min" else -1.0
    order = sorted(kept, key=lambda at: expected_best(groups[at], draws))
    branches = tuple(_branch(one, at, groups[at], resampled[at], draws, sign) for at in order)
    first, second = order[:2]
    probability = float(np.mean(resampled[first] < resampled[second]))
    left_out = tuple(one.options[at] for at in range(len(one.options)) if at not in kept)
    sentence = _sentence(one.name, branches, draws, probability)
    return Comparison(one.name, branches, draws, probability, left_out, sentence)


def _losses(evidence: Evidence) -> Array:
    """Return (trials,) losses, the worst for trials that came to nothing; NaN for open ones."""
    losses, has = evidence.losses, np.isfinite(evidence.values)
    if not has.any():
        return losses
    nothing = [trial.outcome in (Outcome.DIVERGED, Outcome.FAILED) for trial in evidence.trials]
    return np.where(has, losses, np.where(nothing, losses[has].max(), np.nan))


def _branch(
    one: Dimension, at: int, losses: Array, resampled: Array, draws: int, sign: float
) -> Branch:
    ends = sorted(sign * np.percentile(resampled, [2.5, 97.5]))
    return Branch(
        option=one.options[at],
        trials=len(losses),
        expected=sign * expected_best(losses, draws),
        low=float(ends[0]),
        high=float(ends[1]),
        best=sign * float(losses.min()),
    )


def _sentence(name: str, branches: tuple[Branch, ...], draws: int, probability: float) -> str:
    first, second = branches[:2]
    text = (
        f"{name}: with {draws} trials each, {first.option} comes to {first.expected:.4g} and "
        f"{second.option} to {second.expected:.4g}"
    )
    if probability >= 0.975:
        return f"{text}; {first.option} is better."
    return f"{text}; these trials cannot tell them apart (chance {probability:.0%})."
