"""Trials that a scheduler of ours and one of Ray's are told of at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from sweeps.models.scoring.objective import Objective
from sweeps.schedulers.scheduler import Action, Scheduler

Step = tuple[int, int, str, tuple[int, ...]]


class Member:
    """What Ray's schedulers use of a trial."""

    is_saving = False

    def __init__(self, index: int) -> None:
        self.index, self.trial_id, self.status = index, str(index), "PENDING"


class Tune:
    """What Ray's schedulers use of Tune's controller."""

    def __init__(self, rays: Any) -> None:
        self._rays = rays
        self.stopped: list[int] = []

    def get_live_trials(self) -> list[Member]:
        return []

    def stop_trial(self, trial: Member) -> None:
        trial.status = "TERMINATED"
        self.stopped.append(trial.index)
        self._rays.on_trial_remove(self, trial)


class Ours:
    """A scheduler of ours, told of trials as a runner tells it."""

    def __init__(self, scheduler: Scheduler, trials: int) -> None:
        self.scheduler = scheduler
        self.waiting = dict.fromkeys(range(trials))
        for trial in self.waiting:
            scheduler.add(trial)

    def next_trial(self) -> int | None:
        trial = self.scheduler.next_trial(self.waiting)
        self.waiting.pop(-1 if trial is None else trial, None)
        return trial

    def report(self, trial: int, epoch: int, value: float) -> Step:
        decision = self.scheduler.decide(trial, epoch, value)
        self.waiting |= {trial: None} if decision.action is Action.PAUSE else {}
        self._stop(decision.losers)
        return trial, epoch, str(decision.action), tuple(sorted(decision.losers))

    def complete(self, trial: int, epoch: int, value: float) -> Step:
        losers = self.scheduler.leave(trial, (epoch, value))
        self._stop(losers)
        return trial, epoch, "end", tuple(sorted(losers))

    def _stop(self, losers: Sequence[int]) -> None:
        for loser in losers:
            del self.waiting[loser]


class Rays:
    """A scheduler of Ray's own, told of trials as Tune tells it."""

    def __init__(self, rays: Any, trials: int) -> None:
        self._rays, self._tune = rays, Tune(rays)
        self._trials = [Member(index) for index in range(trials)]
        for trial in self._trials:
            rays.on_trial_add(self._tune, trial)

    def next_trial(self) -> int | None:
        """Ray's HyperBand chooses; the others are given the next that waits, in plan order."""
        if hasattr(self._rays, "_hyperbands"):
            chosen = self._rays.choose_trial_to_run(self._tune)
        else:
            chosen = next((one for one in self._trials if one.status == "PENDING"), None)
        if chosen is None:
            return None
        chosen.status = "RUNNING"
        return int(chosen.index)

    def report(self, trial: int, epoch: int, value: float) -> Step:
        self._tune.stopped.clear()
        result = {"epoch": epoch, "loss": value}
        action = str(self._rays.on_trial_result(self._tune, self._trials[trial], result))
        statuses = {"CONTINUE": "RUNNING", "PAUSE": "PAUSED", "STOP": "TERMINATED"}
        self._trials[trial].status = statuses[action]
        return trial, epoch, action, tuple(sorted(self._tune.stopped))

    def complete(self, trial: int, epoch: int, value: float) -> Step:
        self._tune.stopped.clear()
        self._trials[trial].status = "TERMINATED"
        result = {"epoch": epoch, "loss": value}
        self._rays.on_trial_complete(self._tune, self._trials[trial], result)
        return trial, epoch, "end", tuple(sorted(self._tune.stopped))


Told = Ours | Rays


def changing_losses(lengths: Sequence[int], seed: int) -> Any:
    """Return losses (trials, epochs + 1) of which some are equal, and whose ranking changes."""
    shape = (len(lengths), max(lengths) + 1)
    return np.random.default_rng(seed).integers(0, 40, shape) / 7


def steady_losses(lengths: Sequence[int], seed: int) -> Any:
    """Return losses (trials, epochs + 1) that fall, and whose ranking stays."""
    levels = np.random.default_rng(seed).random((len(lengths), 1))
    return levels + 1 / np.arange(1, max(lengths) + 2)


class Play:
    """Trials with random curves that `at_once` workers train, in a random order of arrival."""

    def __init__(
        self,
        told: Told,
        lengths: Sequence[int],
        every: Sequence[int],
        seed: int,
        losses: Any = None,
    ) -> None:
        """Report after the epochs of `every`, and at the end.

        Args:
            losses: (trials, epochs + 1); if None, the ranking changes from epoch to epoch.
        """
        self._told = told
        self._lengths = lengths
        self._every = sorted(every)
        self._rng = np.random.default_rng(seed)
        self._losses = changing_losses(lengths, seed) if losses is None else losses
        self._epochs = [0] * len(lengths)
        self._running: list[int] = []

    def run(self, at_once: int) -> list[Step]:
        """Return what was reported and decided, until nothing is left to train."""
        steps: list[Step] = []
        while self._fill(at_once):
            trial = self._running[self._rng.integers(len(self._running))]
            step = self._advance(trial)
            steps.append(step)
            if step[2] != "CONTINUE":
                self._running.remove(trial)
        return steps

    @property
    def epochs(self) -> int:
        """The epochs of all trials so far."""
        return sum(self._epochs)

    def _fill(self, at_once: int) -> bool:
        while len(self._running) < at_once and (trial := self._told.next_trial()) is not None:
            self._running.append(trial)
        return bool(self._running)

    def _advance(self, trial: int) -> Step:
        before, length = self._epochs[trial], self._lengths[trial]
        epoch = next((one for one in self._every if before < one < length), length)
        self._epochs[trial] = epoch
        tell: Callable[[int, int, float], Step] = self._told.report
        if epoch == length:
            tell = self._told.complete
        return tell(trial, epoch, float(self._losses[trial, epoch]))


OBJECTIVES = {"min": Objective("loss", "min"), "max": Objective("loss", "max")}
