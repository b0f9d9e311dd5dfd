"""Ranks the search's best by their repeats; says whether seeds alone could explain the order."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sweeps.findings.choosing import Choosing
from sweeps.record.final import Candidate, FinalChoice
from sweeps.record.sweep_record import Rank, SweepRecord, TrialRecord

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Array = npt.NDArray[np.float64]

__all__ = [
    "ALPHA",
    "SKEWED_SEEDS",
    "median_repeat",
    "rank_candidates",
    "refit_warning",
    "welch_p_value",
    "words_of_skewed_seeds",
]

# Two candidates whose difference has a larger p value count as equal within the noise of seeds.
ALPHA = 0.05
_LEVEL = 0.95
SKEWED_SEEDS = (
    "A few seeds did far worse than the rest, by more than chance explains (5 % level): a single "
    "training may turn out far worse than the mean."
)
_DRAWS = 2000
_STREAM = 0x736B6577  # "skew"


def words_of_skewed_seeds(choice: FinalChoice) -> str:
    """Return that a few seeds did far worse than most, where they did; else nothing.

    The skewness of each candidate's values towards the worse, summed by their numbers, is held
    against that of as many normal ones: above 19 of 20 of them it is said. Five repeats show a long
    tail seldom, so that silence is no proof of none.
    """
    sign = 1 if choice.mode == "min" else -1
    groups = [one.values for one in choice.candidates if len({*one.values}) > 1]
    if not any(len(values) > 2 for values in groups):
        return ""
    import numpy as np

    random = np.random.default_rng(_STREAM)
    normal = sum(len(one) * _skewness(random.normal(size=(_DRAWS, len(one)))) for one in groups)
    seen = sum(len(one) * float(_skewness(sign * np.array([one]))[0]) for one in groups)
    return SKEWED_SEEDS if seen > np.quantile(normal, _LEVEL) else ""


def _skewness(values: Array) -> Array:
    """Return (draws,) third moments of (draws, n) values, in units of their deviations."""
    away = values - values.mean(axis=1, keepdims=True)
    moments: Array = (away**3).mean(axis=1) / (away**2).mean(axis=1) ** 1.5
    return moments


# By how much more than the repeats spread a refit's train loss may lie above them, relative to it.
_LEAST_SPREAD = 0.1


def refit_warning(refit: TrialRecord, repeats: Sequence[TrialRecord]) -> str:
    """Return that a refit by a schedule ended worse than the repeats; empty where it did not.

    No dev rows are left to tell, so train losses are compared. The values of a schedule were
    chosen for one net as it was then, and need not suit another.

    Args:
        repeats: Those of the same configuration, at their best epochs.
    """
    rows = [one.best for one in repeats if one.best is not None and "train_loss" in one.best]
    if not refit.trial.configuration.get("changes") or "train_loss" not in refit.last or not rows:
        return ""
    last, losses = refit.last["train_loss"], [row["train_loss"] for row in rows]
    low, high = min(losses), max(losses)
    if last <= high + max(high - low, _LEAST_SPREAD * abs(high)):
        return ""
    return (
        f"its schedule suits it less well than the repeats: train_loss ended at {last:.4g}, theirs "
        f"between {low:.4g} and {high:.4g}; `final: {{refit: false}}` keeps the median repeat"
    )


def rank_candidates(
    searched: SweepRecord, repeats: SweepRecord, by: Choosing | None = None
) -> list[Candidate]:
    """Return the candidates best first by mean; those of which a repeat has no value come last.

    Args:
        by: What the final chooses by, and what their repeats must satisfy: those of which they do
            not are left out. None takes the objective of the search.
    """
    by = by or Choosing(searched.objective)
    by_hash = {trial.trial.hash: trial for trial in searched.trials}
    hashes = dict.fromkeys(trial.trial.hash for trial in repeats.trials)
    grouped = {hash_: [t for t in repeats.trials if t.trial.hash == hash_] for hash_ in hashes}
    values = {hash_: _values(by, own) for hash_, own in grouped.items()}
    spread = _Spread.of(list(values.values()))
    found = [
        _candidate(by, by_hash[hash_], len(own), values[hash_], spread)
        for hash_, own in grouped.items()
        if not by.where or by.holds_of(own)
    ]

    def place(one: Candidate) -> tuple[bool, int, float, Rank]:
        own = searched.rank(searched.trials[one.trial])
        return one.failed > 0, own[0], by.objective.sort_key(one.mean), own

    return sorted(found, key=place)


def _values(by: Choosing, repeats: Sequence[TrialRecord]) -> list[float]:
    return [value for repeat in repeats if (value := by.value(repeat)) is not None]


@dataclass(frozen=True)
class _Spread:
    """How far the repeats of all candidates lie apart.

    Attributes:
        deviation: Standard deviation within a candidate, of all together; 0 where there is none.
        freedom: Its degrees of freedom.
        level: Of each interval.
    """

    deviation: float
    freedom: int
    level: float

    @classmethod
    def of(cls, candidates: Sequence[Sequence[float]]) -> _Spread:
        """Return that of (candidates, repeats) values."""
        level = 1 - (1 - _LEVEL) / len(candidates)
        several = [one for one in candidates if len(one) > 1]
        freedom = sum(len(one) - 1 for one in several)
        squares = sum((len(one) - 1) * statistics.variance(one) for one in several)
        return cls((squares / freedom) ** 0.5 if freedom else 0.0, freedom, level)

    def half(self, deviation: float, number: int) -> float:
        """Return half of an interval of so many repeats with this deviation of their own.

        The winner is known only after the repeats: at the level of one candidate its interval would
        hold in 93 of 100 sweeps with 3 candidates, and in 75 with 20. All hold together at 1 - 0.05
        / k for each of k (Bonferroni; Miller, Simultaneous Statistical Inference, 1981, section 1).
        Where few seeds do far worse than most, the candidate that is chosen has few of them, and a
        small deviation with its low mean; so its interval is no narrower than that of all together.
        """
        from scipy.stats import t

        of_own = float(t.ppf((1 + self.level) / 2, number - 1)) * deviation
        of_all = float(t.ppf((1 + self.level) / 2, self.freedom)) * self.deviation
        return max(of_own, of_all) / math.sqrt(number)


def _candidate(
    by: Choosing, trial: TrialRecord, repeats: int, values: Sequence[float], spread: _Spread
) -> Candidate:
    mean, error, half = _mean(values, spread)
    low, high = _ends(mean, half, by.objective.bounds_around(values))
    value = by.value(trial)
    assert value is not None, "candidates come from the ranking"
    return Candidate(
        trial=trial.trial.index,
        hash=trial.trial.hash,
        search_value=value,
        values=tuple(values),
        failed=repeats - len(values),
        mean=mean,
        standard_error=error,
        low=low,
        high=high,
    )


def _mean(
    values: Sequence[float], spread: _Spread
) -> tuple[float | None, float | None, float | None]:
    """Return mean, its standard error, and half of its interval.

    Where all repeats came to one value, as accuracies on few rows do, there is none: its ends would
    be that value, which is hardly ever the true mean.
    """
    if not values:
        return None, None, None
    mean = statistics.fmean(values)
    if len(values) < 2:
        return mean, None, None
    deviation = statistics.stdev(values)
    error = deviation / len(values) ** 0.5
    return mean, error, spread.half(deviation, len(values)) if error else None


def _ends(
    mean: float | None, half: float | None, bounds: tuple[float, float]
) -> tuple[float | None, float | None]:
    """Return the ends of an interval, within what the metric can be."""
    if mean is None or half is None:
        return None, None
    return max(mean - half, bounds[0]), min(mean + half, bounds[1])


def welch_p_value(first: Candidate, second: Candidate) -> float | None:
    """Return the two-sided p value of Welch's t test; None where one has fewer than two values.

    Where neither has any spread, it is how often dealt labels would part the two values so cleanly.
    """
    if min(len(first.values), len(second.values)) < 2:
        return None
    if len({*first.values}) == len({*second.values}) == 1:
        if first.values[0] == second.values[0]:
            return 1.0
        number = len(first.values)
        return min(1.0, 2 / math.comb(number + len(second.values), number))
    from scipy.stats import ttest_ind_from_stats

    stats = [
        (statistics.fmean(one.values), statistics.stdev(one.values), len(one.values))
        for one in (first, second)
    ]
    return float(ttest_ind_from_stats(*stats[0], *stats[1], equal_var=False).pvalue)


def median_repeat(
    candidate: Candidate, repeats: SweepRecord, by: Choosing | None = None
) -> TrialRecord:
    """Return the candidate's median repeat by what it is chosen by; the better of two middle ones.

    Args:
        by: As of `rank_candidates`; its `where` is asked of the mean alone.
    """
    ranked = replace(by or Choosing(repeats.objective), where="").ranked(repeats)
    own = [t for t in ranked if t.trial.hash == candidate.hash]
    return own[(len(own) - 1) // 2]
