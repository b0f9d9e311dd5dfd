"""Ranks the search's best by their repeats; says whether seeds alone could explain the order."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from sweeps.record.final import Candidate
from sweeps.record.records import SweepRecord, TrialRecord

__all__ = ["ALPHA", "median_repeat", "rank_candidates", "welch_p_value"]

# Two candidates whose difference has a larger p value count as equal within the noise of seeds.
ALPHA = 0.05
_LEVEL = 0.95


def rank_candidates(searched: SweepRecord, repeats: SweepRecord) -> list[Candidate]:
    """Return the candidates best first by mean; those of which a repeat has no value come last."""
    by_hash = {trial.trial.hash: trial for trial in searched.trials}
    found = [
        _candidate(searched, by_hash[hash_], [t for t in repeats.trials if t.trial.hash == hash_])
        for hash_ in dict.fromkeys(trial.trial.hash for trial in repeats.trials)
    ]
    goal = searched.goal
    return sorted(found, key=lambda one: (one.failed > 0, goal.sort_key(one.mean), one.trial))


def _candidate(
    searched: SweepRecord, trial: TrialRecord, repeats: Sequence[TrialRecord]
) -> Candidate:
    at_best = [repeat.best[searched.goal.metric] for repeat in repeats if repeat.best is not None]
    mean, error, low, high = _interval(at_best)
    value = searched.value(trial)
    assert value is not None, "candidates come from the ranking"
    return Candidate(
        trial=trial.trial.index,
        hash=trial.trial.hash,
        search_value=value,
        values=tuple(at_best),
        failed=len(repeats) - len(at_best),
        mean=mean,
        standard_error=error,
        low=low,
        high=high,
    )


def _interval(
    values: Sequence[float],
) -> tuple[float | None, float | None, float | None, float | None]:
    """Return mean, its standard error, and the ends of its t interval."""
    if not values:
        return None, None, None, None
    mean = statistics.fmean(values)
    if len(values) < 2:
        return mean, None, None, None
    from scipy.stats import t

    error = statistics.stdev(values) / len(values) ** 0.5
    half = float(t.ppf((1 + _LEVEL) / 2, len(values) - 1)) * error
    return mean, error, mean - half, mean + half


def welch_p_value(first: Candidate, second: Candidate) -> float | None:
    """Return the two-sided p value of Welch's t test; None where one has fewer than two values."""
    if min(len(first.values), len(second.values)) < 2:
        return None
    if len({*first.values}) == len({*second.values}) == 1:
        return float(first.values[0] == second.values[0])
    from scipy.stats import ttest_ind

    return float(ttest_ind(first.values, second.values, equal_var=False).pvalue)


def median_repeat(candidate: Candidate, repeats: SweepRecord) -> TrialRecord:
    """Return the candidate's repeat with the median objective; the better of two middle ones."""
    own = [t for t in repeats.ranked() if t.trial.hash == candidate.hash]
    return own[(len(own) - 1) // 2]
