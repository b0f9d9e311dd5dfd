"""Which trials no other one beats in every objective at once: the Pareto front of a sweep.

Trials stay ranked by the first objective; the front says what each gives up of it for the others.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from sweeps.record.outcomes import Outcome
from sweeps.record.sweep_record import SweepRecord, TrialRecord

__all__ = ["front", "front_sentence", "front_trials", "objective_values"]


def front(points: Sequence[Sequence[float]], signs: Sequence[float]) -> list[int]:
    """Return the positions of the points that no other one dominates, in order.

    One dominates another where it is nowhere worse and somewhere better (Deb, Multi-Objective
    Optimization using Evolutionary Algorithms, 2001, definition 2.5): of equal points all stay.

    Args:
        points: (points, objectives) values; one that has a NaN is on no front.
        signs: For each objective 1 where high values are good, -1 where low ones are.
    """
    losses = [
        (tuple(-sign * value for value, sign in zip(point, signs, strict=True)), at)
        for at, point in enumerate(points)
        if not any(map(math.isnan, point))
    ]
    kept: list[tuple[tuple[float, ...], int]] = []
    # In this order a point is dominated only by one before it, and so by one that was kept.
    for loss, at in sorted(losses):
        if not any(_dominates(other, loss) for other, _ in kept):
            kept.append((loss, at))
    return sorted(at for _, at in kept)


def _dominates(loss: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return loss != other and all(mine <= its for mine, its in zip(loss, other, strict=True))


def objective_values(record: SweepRecord, trial: TrialRecord) -> list[float]:
    """Return a trial's value of each objective, the first first, at its best epoch."""
    return [trial.value_of(one) for one in record.objective.all]


def front_trials(record: SweepRecord) -> frozenset[int]:
    """Return the trials on the front of the objectives; none where there is one objective."""
    if not record.objective.others:
        return frozenset()
    ranked = [one for one in record.ranked() if one.outcome is not Outcome.FAILED]
    points = [objective_values(record, trial) for trial in ranked]
    signs = [one.sign for one in record.objective.all]
    return frozenset(ranked[at].trial.index for at in front(points, signs))


def front_sentence(record: SweepRecord) -> str:
    """Return how many trials stand on the front, and of what; empty with one objective."""
    if not record.objective.others:
        return ""
    names = [one.metric for one in record.objective.all]
    what = f"{', '.join(names[:-1])} and {names[-1]}"
    on, of = len(front_trials(record)), len(record.ranked())
    stand = "is" if on == 1 else "are"
    why = "no other trial is at least as good in all of them and better in one"
    return f"{on} of {of} trials {stand} on the front of {what}: {why}."
