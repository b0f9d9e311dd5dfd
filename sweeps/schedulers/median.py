"""`scheduler: median`: the median stopping rule, decided as Ray Tune's decides.

Golovin et al., Google Vizier, KDD 2017, section 3.2.2.
"""

from __future__ import annotations

import bisect
from array import array
from collections import defaultdict
from typing import Literal

import numpy as np
from pydantic import Field

from sweeps.models.scoring.objective import Objective
from sweeps.schedulers.scheduler import (
    Action,
    Audit,
    Decision,
    GraceEpochs,
    Scheduler,
    SchedulerSection,
)

__all__ = ["MedianScheduler", "MedianStopping"]


class MedianStopping(SchedulerSection):
    """Stop a trial whose best is worse than the median of the others' running means."""

    scheduler: Literal["median"]
    grace_epochs: GraceEpochs = 1
    min_samples: int = Field(3, ge=1, description="Other trials needed before any is stopped.")
    audit: Audit = 0

    def build(self, objective: Objective, max_epochs: int) -> MedianScheduler:
        """Return the scheduler, which has been told nothing yet."""
        return MedianScheduler(self, objective, max_epochs)


class MedianScheduler(Scheduler):
    """Stops a trial whose best is worse than the median of the others' running means.

    For each epoch it keeps the means of all trials that came so far, so that a decision costs the
    same however many there are.
    """

    name = "median stopping"

    def __init__(self, section: MedianStopping, objective: Objective, max_epochs: int) -> None:
        self._objective = objective
        self._grace, self._enough = section.grace_epochs, section.min_samples
        self._means: dict[int, list[float]] = defaultdict(list)
        self._values: dict[int, array[float]] = defaultdict(lambda: array("d"))
        self._epochs: dict[int, int] = {}
        self._best: dict[int, float] = {}

    @property
    def milestones(self) -> None:
        """Every epoch is compared."""

    def decide(self, trial: int, epoch: int, value: float) -> Decision:
        """Compare the trial's best with the median of the others' means up to this epoch."""
        means = self._means[epoch]
        trials, median = len(means), _middle(means)
        self._take(trial, epoch, value)
        if epoch < self._grace:
            return Decision()
        seen = {"trials": trials, "median": median}
        best = self._best[trial]
        if median is None or trials < self._enough or not self._objective.better(median, best):
            return Decision(seen=seen)
        reason = f"its best is worse than the median {median:.6g} of {trials}"
        return Decision(Action.STOP, seen, reason)

    def leave(self, trial: int, last: tuple[int, float] | None) -> tuple[int, ...]:
        """Let the last value of a trial that ended count for the others."""
        if last is not None:
            self._take(trial, *last)
        return ()

    def _take(self, trial: int, epoch: int, value: float) -> None:
        values = self._values[trial]
        # A report that a kill delayed may bring several epochs at once.
        for missed in range(self._epochs.get(trial, 0) + 1, epoch):
            self._note_mean(missed, values)
        if epoch >= self._grace:
            values.append(value)
        self._note_mean(epoch, values)
        self._epochs[trial] = epoch
        if self._objective.better(value, self._best.get(trial)):
            self._best[trial] = value

    def _note_mean(self, epoch: int, values: array[float]) -> None:
        if values:
            bisect.insort(self._means[epoch], float(np.frombuffer(values).mean()))


def _middle(ascending: list[float]) -> float | None:
    """Return the median of sorted values; statistics.median would sort them each time."""
    if not ascending:
        return None
    half = len(ascending) // 2
    return ascending[half] if len(ascending) % 2 else (ascending[half - 1] + ascending[half]) / 2
