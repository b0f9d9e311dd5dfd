"""The product's schedulers under a simulated clock: what any number of workers would have done.

Trials were trained to their end before; a scheduler that stops one early cuts its curve off, as its
decisions change no number of it (the runners' contract).
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sweeps.models.scoring.objective import Objective
from sweeps.schedulers.scheduler import Action, Scheduler
from sweeps.schedulers.stopping import Stopping
from tests.evidence.trained import Array

__all__ = ["Played", "play"]


@dataclass(frozen=True)
class Played:
    """What happened, epoch by epoch in the order of the clock.

    Attributes:
        times: (epochs run,) when each was done.
        trials: (epochs run,) whose it was.
        values: (epochs run,) its value.
    """

    times: Array
    trials: Array
    values: Array

    def best_by(self, moments: Sequence[float]) -> Array:
        """Return the best value that was known at each moment; infinite before the first."""
        best = np.concatenate([[np.inf], np.fmin.accumulate(self.values)])
        found: Array = best[np.searchsorted(self.times, np.asarray(moments) + 1e-9, side="right")]
        return found

    def reached(self, value: float) -> float:
        """Return when a value as low as this was there; infinite if never."""
        good = np.flatnonzero(self.values <= value)
        return float(self.times[good[0]]) if len(good) else np.inf


def play(
    stopping: Stopping, curves: Array, workers: int, objective: float, until: float = 0.0
) -> Played:
    """Play a scheduler of asynchronous trials, taken in their order, until it has done enough.

    A whole training takes the time 1, of which each epoch has an equal part.

    Args:
        stopping: A section of the sweep file.
        curves: (trials, epochs) losses; a trial that diverged has NaN from there on.
        workers: How many train at once.
        objective: It goes on until a loss is as low as this.
        until: And until this moment at least.
    """
    scheduler = stopping.build(Objective("dev_loss", "min"), curves.shape[1])
    clock = _Clock(scheduler, curves)
    for _ in range(min(workers, len(curves))):
        clock.start(0.0)
    while clock.busy and not (clock.best <= objective and clock.busy[0][0] >= until):
        clock.advance()
    return clock.played()


class _Clock:
    """`busy` holds (free at, trial, epochs trained) of each worker that trains."""

    def __init__(self, scheduler: Scheduler, curves: Array) -> None:
        self._scheduler, self._curves = scheduler, curves
        self._next = 0
        self.best = np.inf
        self._done: list[tuple[float, int, float]] = []
        self.busy: list[tuple[float, int, int]] = []

    def start(self, now: float) -> None:
        if self._next < len(self._curves):
            self._scheduler.add(self._next)
            heapq.heappush(self.busy, (now, self._next, 0))
            self._next += 1

    def advance(self) -> None:
        """Let the worker that is free first train one epoch, and decide after it."""
        now, trial, before = heapq.heappop(self.busy)
        value, epoch = float(self._curves[trial, before]), before + 1
        now += 1 / self._curves.shape[1]
        self.best = min(self.best, value)  # which a NaN leaves as it is
        self._done.append((now, trial, value))
        if self._goes_on(trial, epoch, value):
            heapq.heappush(self.busy, (now, trial, epoch))
        else:
            self.start(now)

    def _goes_on(self, trial: int, epoch: int, value: float) -> bool:
        if not np.isfinite(value):
            self._scheduler.leave(trial, None)
            return False
        if epoch == self._curves.shape[1]:
            self._scheduler.leave(trial, (epoch, value))
            return False
        milestones = self._scheduler.milestones
        if milestones is not None and epoch not in milestones:
            return True
        return self._scheduler.decide(trial, epoch, value).action is Action.CONTINUE

    def played(self) -> Played:
        times, trials, values = np.array(sorted(self._done), float).reshape(-1, 3).T
        return Played(times, trials, np.where(np.isfinite(values), values, np.inf))
