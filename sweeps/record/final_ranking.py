"""Ranks the search's best by their repeats; says whether seeds alone could explain the order."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from sweeps.record.final import Candidate
from sweeps.record.sweep_record import Place, SweepRecord, TrialRecord

__all__ = [
    "ALPHA",
    "SKEWED_SEEDS",
    "median_repeat",
    "rank_candidates",
    "refit_warning",
    "welch_p_value",
]

# Two candidates whose difference has a larger p value count as equal within the noise of seeds.
ALPHA = 0.05
_LEVEL = 0.95
# Five repeats do not show a long tail; docs/truth.md has how often the interval misses then.
SKEWED_SEEDS = (
    "Where a few seeds do far worse than most, the true mean is worse than its interval in more "
    "than 1 of 20 sweeps."
)


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
        f"its schedule suits it less than the repeats: train_loss ended at {last:.4g}, theirs "
        f"between {low:.4g} and {high:.4g}; `final: {{refit: false}}` keeps the median repeat"
    )


def rank_candidates(searched: SweepRecord, repeats: SweepRecord) -> list[Candidate]:
    """Return the candidates best first by mean; those of which a repeat has no value come last."""
    by_hash = {trial.trial.hash: trial for trial in searched.trials}
    hashes = dict.fromkeys(trial.trial.hash for trial in repeats.trials)
    found = [
        _candidate(
            searched,
            by_hash[hash_],
            [t for t in repeats.trials if t.trial.hash == hash_],
            1 - (1 - _LEVEL) / len(hashes),
        )
        for hash_ in hashes
    ]

    def place(one: Candidate) -> tuple[bool, float, Place]:
        own = searched.place(searched.trials[one.trial])
        return one.failed > 0, searched.objective.sort_key(one.mean), own

    return sorted(found, key=place)


def _candidate(
    searched: SweepRecord, trial: TrialRecord, repeats: Sequence[TrialRecord], level: float
) -> Candidate:
    at_best = [
        repeat.best[searched.objective.metric] for repeat in repeats if repeat.best is not None
    ]
    mean, error, half = _mean(at_best, level)
    low, high = _ends(mean, half, searched.objective.bounds_around(at_best))
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


def _mean(values: Sequence[float], level: float) -> tuple[float | None, float | None, float | None]:
    """Return mean, its standard error, and half of its t interval of this level.

    The winner is known only after the repeats: at the level of one candidate its interval would
    hold in 93 of 100 sweeps with 3 candidates, and in 75 with 20. All hold together at 1 - 0.05 / k
    for each of k (Bonferroni; Miller, Simultaneous Statistical Inference, 1981, section 1). It
    takes results that differ as much to either side: of five of a long tail the chosen candidate
    has few, and the interval lies too low (docs/truth.md has how often).
    """
    if not values:
        return None, None, None
    mean = statistics.fmean(values)
    if len(values) < 2:
        return mean, None, None
    from scipy.stats import t

    error = statistics.stdev(values) / len(values) ** 0.5
    return mean, error, float(t.ppf((1 + level) / 2, len(values) - 1)) * error


def _ends(
    mean: float | None, half: float | None, bounds: tuple[float, float]
) -> tuple[float | None, float | None]:
    """Return the ends of an interval, within what the metric can be."""
    if mean is None or half is None:
        return None, None
    return max(mean - half, bounds[0]), min(mean + half, bounds[1])


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
