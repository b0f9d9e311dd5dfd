"""At which epochs a scheduler decides, and how many epochs it is expected to let run."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

from sweeps.sweep_file import Asha, HyperBand, MedianStopping, NoScheduler

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

    ASHA and HyperBand: one trial in `reduction_factor` passes each rung (HyperBand's brackets
    start at later rungs, which this leaves out: an estimate from below). Others: all epochs.
    """
    if not isinstance(stopping, Asha | HyperBand) or not epochs:
        return float(sum(epochs))
    steps = [epoch for epoch, _ in rungs(stopping, max(epochs))]
    total = 0.0
    for length in epochs:
        edges = [0, *(step for step in steps if step < length), length]
        share = 1.0
        for start, end in itertools.pairwise(edges):
            total += share * (end - start)
            share /= stopping.reduction_factor
    return total


def _geometric(start: float, factor: float, end: int) -> list[float]:
    values = []
    while start < end:
        values.append(start)
        start *= factor
    return values


def _hyperband_epochs(stopping: HyperBand, max_epochs: int) -> set[int]:
    eta = stopping.reduction_factor
    brackets = round(math.log(max_epochs) / math.log(eta)) + 1
    found: set[int] = set()
    for bracket in range(brackets):
        epoch = int(max_epochs * eta**-bracket)
        for _ in range(bracket + 1):
            if 0 < epoch < max_epochs:
                found.add(epoch)
            epoch = int(min(epoch * eta, max_epochs))
    return found
