"""At which epochs a scheduler decides, and how many epochs it is expected to let run."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

from sweeps.definition.sweep_file import Asha, HyperBand, MedianStopping, NoScheduler

__all__ = ["OBJECTIVE", "TIME_ATTR", "AnyStopping", "expected_epochs", "milestones", "rungs"]

TIME_ATTR = "epoch"
OBJECTIVE = "objective"

AnyStopping = NoScheduler | Asha | HyperBand | MedianStopping


def milestones(stopping: AnyStopping, max_epochs: int) -> frozenset[int] | None:
    """Return the epochs after which a report is needed; None means after every one."""
    if isinstance(stopping, MedianStopping):
        return None
    return frozenset(epoch for rung in rungs(stopping, max_epochs) for epoch in [rung[0]])


def rungs(stopping: AnyStopping, max_epochs: int) -> list[tuple[int, int]]:
    """Return (epoch, level) of each rung below the end; levels count from 0 upwards.

    ASHA: grace * eta^k, and Ray compares an epoch with the real number, so a fractional rung is
    met at the next whole epoch. HyperBand: the union over its brackets.
    """
    if isinstance(stopping, Asha):
        return [
            (math.ceil(epoch - 1e-9), level)
            for level, epoch in enumerate(
                _geometric(stopping.grace_epochs, stopping.reduction_factor, max_epochs)
            )
        ]
    if isinstance(stopping, HyperBand):
        return [(epoch, 0) for epoch in sorted(_hyperband_epochs(stopping, max_epochs))]
    return []


def expected_epochs(stopping: AnyStopping, epochs: Sequence[int]) -> float:
    """Return how many epochs trials of these lengths will run if nothing else stops them.

    ASHA: one trial in `reduction_factor` passes each rung. HyperBand: what its brackets let on,
    filled in the order of the plan. Others: all epochs.
    """
    if isinstance(stopping, HyperBand) and epochs:
        return _expected_of_brackets(stopping, epochs)
    if not isinstance(stopping, Asha) or not epochs:
        return float(sum(epochs))
    steps = [epoch for epoch, _ in rungs(stopping, max(epochs))]
    return sum(_expected_of_trial(length, steps, stopping.reduction_factor) for length in epochs)


def _expected_of_trial(length: int, steps: Sequence[int], factor: float) -> float:
    edges = [0, *(step for step in steps if step < length), length]
    return sum(
        (end - start) / factor**passed
        for passed, (start, end) in enumerate(itertools.pairwise(edges))
    )


def _expected_of_brackets(stopping: HyperBand, epochs: Sequence[int]) -> float:
    total, first = 0.0, 0
    for bracket in itertools.cycle(_brackets(stopping, max(epochs))):
        lengths = epochs[first : first + bracket.trials]
        first += bracket.trials
        going, before, limit = float(len(lengths)), 0, bracket.trials
        for epoch in bracket.epochs:
            step = sum(max(0, min(length, epoch) - before) for length in lengths)
            total += step * going / len(lengths)
            limit = math.ceil(limit / stopping.reduction_factor)
            going, before = min(going, limit), epoch
        if first >= len(epochs):
            break
    return total


def _geometric(start: float, factor: float, end: int) -> list[float]:
    values = []
    while start < end:
        values.append(start)
        start *= factor
    return values


@dataclass(frozen=True)
class _Bracket:
    """How many trials one of HyperBand's brackets takes, and the epochs that they run to."""

    trials: int
    epochs: tuple[int, ...]


def _brackets(stopping: HyperBand, max_epochs: int) -> list[_Bracket]:
    """Return the brackets of a band in Ray's order: the one without halvings comes first."""
    eta = stopping.reduction_factor
    count = round(math.log(max_epochs) / math.log(eta)) + 1
    found = []
    for halvings in range(count):
        epoch = int(max_epochs * eta**-halvings)
        epochs = [epoch]
        for _ in range(halvings):
            epoch = int(min(epoch * eta, max_epochs))
            epochs.append(epoch)
        if epochs[0] > 0:
            trials = math.ceil(count / (halvings + 1) * eta**halvings)
            found.append(_Bracket(trials, tuple(epochs)))
    return found


def _hyperband_epochs(stopping: HyperBand, max_epochs: int) -> set[int]:
    brackets = _brackets(stopping, max_epochs)
    return {epoch for bracket in brackets for epoch in bracket.epochs if epoch < max_epochs}
