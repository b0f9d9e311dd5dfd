"""How many epochs a scheduler lets run: it is played on trials whose ranking is drawn.

A formula will not do. ASHA's one in `reduction_factor` holds at the first rung of many trials; the
first trial at each rung goes on whatever it is worth, and then those that came before decide.
"""

from __future__ import annotations

import heapq
import math
import statistics
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sweeps.findings.chances import prediction_reach
from sweeps.models.scoring.objective import Objective
from sweeps.schedulers.scheduler import Action, Scheduler
from sweeps.schedulers.stopping import Stopping

__all__ = ["Epochs", "expected_epochs"]

# It stays a matter of milliseconds, but for thousands of trials, whose numbers vary little.
_TRIALS_TO_PLAY = 4000
_FEWEST_RANKINGS, _MOST_RANKINGS = 5, 40
# By how much trials differ in speed: nobody knows in which order they reach a rung.
_PACES = (0.5, 1.5)


@dataclass(frozen=True)
class Epochs:
    """The epochs of a sweep whose trials are stopped by the scheduler alone.

    Attributes:
        mean: To expect.
        low: They are in `low` to `high` in 19 of 20 sweeps.
        high: The end of it.
    """

    mean: float
    low: int
    high: int


def expected_epochs(stopping: Stopping, epochs: Sequence[int], at_once: int) -> Epochs:
    """Return how many epochs trials of these lengths will run if only the scheduler stops them.

    The range is where one more play lies in 95 of 100: a sum over many trials is about normal.

    Args:
        at_once: Trials that train at the same time.
    """
    if not epochs:
        return Epochs(0.0, 0, 0)
    rankings = max(_FEWEST_RANKINGS, min(_MOST_RANKINGS, _TRIALS_TO_PLAY // len(epochs)))
    played = [_played(stopping, epochs, at_once, seed) for seed in range(rankings)]
    mean, deviation = statistics.fmean(played), statistics.stdev(played)
    if deviation == 0:
        return Epochs(mean, played[0], played[0])
    half = prediction_reach(deviation, rankings)
    return Epochs(
        mean, max(len(epochs), math.floor(mean - half)), min(sum(epochs), math.ceil(mean + half))
    )


def _played(stopping: Stopping, epochs: Sequence[int], at_once: int, seed: int) -> int:
    scheduler = stopping.build(Objective("loss", "min"), max(epochs))
    return _Play(scheduler, epochs, seed).run(at_once)


class _Play:
    """Trials whose losses fall as 1 / epoch towards a level of their own, uniform in [0, 1]."""

    def __init__(self, scheduler: Scheduler, epochs: Sequence[int], seed: int) -> None:
        rng = np.random.default_rng(seed)
        self._scheduler = scheduler
        self._lengths = epochs
        self._levels: list[float] = rng.random(len(epochs)).tolist()
        self._paces: list[float] = rng.uniform(*_PACES, len(epochs)).tolist()
        self._trained = [0] * len(epochs)
        # Not a dict: to find its first key takes ever longer when the first are deleted.
        self._waiting = OrderedDict.fromkeys(range(len(epochs)))
        self._training: list[tuple[float, int]] = []
        self._milestones = scheduler.milestones
        self._rungs = sorted(self._milestones or ())
        for trial in self._waiting:
            scheduler.add(trial)

    def run(self, at_once: int) -> int:
        """Return the epochs that all trials trained."""
        self._start(0.0, at_once)
        while self._training:
            now, trial = heapq.heappop(self._training)
            self._report(now, trial)
            self._start(now, at_once)
        return sum(self._trained)

    def _start(self, now: float, at_once: int) -> None:
        while len(self._training) < at_once:
            trial = self._scheduler.next_trial(self._waiting)
            if trial is None:
                return
            del self._waiting[trial]
            self._train(now, trial)

    def _train(self, now: float, trial: int) -> None:
        """Let a trial train up to its next report."""
        before = self._trained[trial]
        self._trained[trial] = self._next_report(trial)
        done_at = now + self._paces[trial] * (self._trained[trial] - before)
        heapq.heappush(self._training, (done_at, trial))

    def _next_report(self, trial: int) -> int:
        trained, length = self._trained[trial], self._lengths[trial]
        if self._milestones is None:
            return trained + 1
        return min((rung for rung in self._rungs if trained < rung < length), default=length)

    def _report(self, now: float, trial: int) -> None:
        epoch = self._trained[trial]
        value = self._levels[trial] + 1 / epoch
        if epoch == self._lengths[trial]:
            losers = self._scheduler.leave(trial, (epoch, value))
        else:
            decision = self._scheduler.decide(trial, epoch, value)
            losers = decision.losers
            if decision.action is Action.CONTINUE:
                self._train(now, trial)
            elif decision.action is Action.PAUSE:
                self._waiting[trial] = None
        for loser in losers:
            del self._waiting[loser]
