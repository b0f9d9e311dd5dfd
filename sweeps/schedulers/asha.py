"""`scheduler: asha`: asynchronous successive halving, decided as Ray Tune's ASHA decides.

Li et al., A System for Massively Parallel Hyperparameter Tuning, MLSys 2020; in the form in which
nobody waits: a trial is stopped at a rung where it is worse than those that came before it.
"""

from __future__ import annotations

import bisect
import itertools
import math
from dataclasses import dataclass, field
from typing import Literal

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

__all__ = ["Asha", "AshaScheduler"]


class Asha(SchedulerSection):
    """Asynchronous successive halving (Li et al., MLSys 2020), as in Ray Tune.

    Rungs lie at grace_epochs * reduction_factor^k. At each, about one trial in reduction_factor
    goes on; at later ones more, as the first to come always does.
    """

    scheduler: Literal["asha"]
    grace_epochs: GraceEpochs = 1
    reduction_factor: float = Field(
        3.0, ge=1.1, description="One trial in this many continues at a rung."
    )
    audit: Audit = 0

    def build(self, objective: Objective, max_epochs: int) -> AshaScheduler:
        """Return the scheduler, which has been told nothing yet."""
        return AshaScheduler(self, objective, max_epochs)


class AshaScheduler(Scheduler):
    """Keeps what reached each rung; about one trial in `reduction_factor` goes on from it."""

    name = "ASHA"

    def __init__(self, section: Asha, objective: Objective, max_epochs: int) -> None:
        self._sign = objective.sign
        self._end = max_epochs
        # Times and by 100, as Ray does: the last bit of a cutoff must not differ.
        self._share = (1 - 1 / section.reduction_factor) * 100 / 100
        epochs = (section.grace_epochs * section.reduction_factor**k for k in itertools.count())
        rungs = itertools.takewhile(lambda epoch: epoch <= max_epochs, epochs)
        self._rungs = [_Rung(epoch) for epoch in rungs][::-1]

    @property
    def milestones(self) -> frozenset[int]:
        """The rungs below the end; one between two epochs is met at the later of them."""
        below = [rung.epoch for rung in self._rungs if rung.epoch < self._end]
        return frozenset(math.ceil(epoch - 1e-9) for epoch in below)

    def decide(self, trial: int, epoch: int, value: float) -> Decision:
        """Enter the trial into the highest rung that it reached, and compare it with the cutoff."""
        rung = self._reached(trial, epoch)
        if rung is None:
            return Decision()
        cutoff, trials = rung.cutoff(self._share), len(rung.trials)
        rung.enter(trial, self._sign * value)
        shown = None if cutoff is None else self._sign * cutoff
        seen = {"rung": rung.epoch, "trials": trials, "cutoff": shown}
        if cutoff is None or self._sign * value >= cutoff:
            return Decision(seen=seen)
        reason = f"{value:.6g} is worse than the cutoff {shown:.6g} of {trials}"
        return Decision(Action.STOP, seen, reason)

    def leave(self, trial: int, last: tuple[int, float] | None) -> tuple[int, ...]:
        """Let the last value of a trial that ended count in the rung that it reached."""
        if last is not None:
            self.decide(trial, *last)
        return ()

    def _reached(self, trial: int, epoch: int) -> _Rung | None:
        found = (one for one in self._rungs if epoch >= one.epoch and trial not in one.trials)
        return next(found, None)


@dataclass
class _Rung:
    """The trials that were compared at an epoch, and their values, high ones good, ascending."""

    epoch: float
    trials: set[int] = field(default_factory=set)
    ascending: list[float] = field(default_factory=list)

    def enter(self, trial: int, reward: float) -> None:
        self.trials.add(trial)
        bisect.insort(self.ascending, reward)

    def cutoff(self, share: float) -> float | None:
        """Return the value below which `share` of the trials lie, by numpy.percentile's rule."""
        if not self.ascending:
            return None
        place = (len(self.ascending) - 1) * share
        low, high = self.ascending[int(place)], self.ascending[math.ceil(place)]
        step = place - int(place)
        return high - (high - low) * (1 - step) if step >= 0.5 else low + (high - low) * step
