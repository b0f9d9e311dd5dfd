"""`scheduler: hyperband`: successive halving in brackets that wait, decided as Ray Tune decides.

Li et al., Hyperband, JMLR 2018. Three cases in which Ray's would wait for ever are settled here:
a trial that ends on its own after the first halving of its bracket, rungs that round to the same
epoch, and a bracket whose last halving is over when the trial that all waited for ends itself.
"""

from __future__ import annotations

import itertools
import math
from collections import deque
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from pydantic import Field

from sweeps.models.scoring.objective import Objective
from sweeps.schedulers.scheduler import (
    OTHERS_WERE_BETTER,
    Action,
    Audit,
    Decision,
    Scheduler,
    SchedulerSection,
)

__all__ = ["HyperBand", "HyperBandScheduler"]


class HyperBand(SchedulerSection):
    """HyperBand (Li et al., JMLR 2018), as in Ray Tune; synchronous within a bracket."""

    scheduler: Literal["hyperband"]
    together: ClassVar[str] = "hyperband needs a whole bracket at once"
    grace_epochs: ClassVar[int] = 0  # its first rung lies below the end of the longest trial
    reduction_factor: float = Field(
        3.0, ge=1.1, description="One trial in this many continues at a rung."
    )
    audit: Audit = 0

    def build(self, objective: Objective, max_epochs: int) -> HyperBandScheduler:
        """Return the scheduler, which has been told nothing yet."""
        return HyperBandScheduler(self, objective, max_epochs)


class HyperBandScheduler(Scheduler):
    """Fills brackets in the order of the plan; one halves when all its trials reached its rung."""

    name = "HyperBand"
    pauses = True

    def __init__(self, section: HyperBand, objective: Objective, max_epochs: int) -> None:
        self._sign = objective.sign
        self._end, self._factor = max_epochs, section.reduction_factor
        self._bands: deque[list[_Bracket]] = deque()
        self._filling = self._empty_brackets()
        self._last: _Bracket | None = None
        self._bracket_of: dict[int, _Bracket] = {}
        self._held: set[int] = set()

    @property
    def milestones(self) -> frozenset[int]:
        """The rungs of all brackets below the end."""
        band = [self._bracket(0, halvings) for halvings in range(self._band_size)]
        return frozenset(epoch for one in band for epoch in one.rungs if 0 < epoch < self._end)

    def add(self, trial: int) -> None:
        """Give the trial a place in the last bracket, or in the next one if that is full."""
        if self._last is None or self._last.is_full:
            self._last = next(self._filling)
        self._last.live[trial] = (0, -math.inf)
        self._bracket_of[trial] = self._last

    def decide(self, trial: int, epoch: int, value: float) -> Decision:
        """Let the trial run to its bracket's rung, and wait there for the others."""
        bracket = self._bracket_of[trial]
        rung = bracket.rung
        bracket.report(trial, epoch, self._sign * value)
        self._held.discard(trial)
        if epoch < rung:
            return Decision()
        seen = {"rung": rung, "band": bracket.band, "bracket_size": bracket.size}
        self._held.add(trial)
        losers = self._halve_while_due(bracket)
        if trial in losers:
            losers.remove(trial)
            return Decision(Action.STOP, seen, OTHERS_WERE_BETTER, tuple(losers))
        action = Action.PAUSE if trial in self._held else Action.CONTINUE
        return Decision(action, seen, losers=tuple(losers))

    def leave(self, trial: int, last: tuple[int, float] | None) -> tuple[int, ...]:
        """Take the trial out of its bracket, whose others may have waited for it."""
        bracket = self._bracket_of[trial]
        del bracket.live[trial]
        self._held.discard(trial)
        return tuple(self._halve_while_due(bracket))

    def next_trial(self, waiting: Collection[int]) -> int | None:
        """Return a trial of the bracket that is the furthest behind, band by band."""
        while len(self._bands) > 1 and not any(bracket.live for bracket in self._bands[0]):
            self._bands.popleft()
        for band in self._bands:
            for bracket in sorted(band, key=lambda one: one.progress):
                for trial in bracket.live:
                    if trial in waiting and trial not in self._held:
                        return trial
        return None

    def _halve_while_due(self, bracket: _Bracket) -> list[int]:
        """Return the trials that are out; those that go on are held no more."""
        losers: list[int] = []
        while bracket.is_due:
            losers += bracket.halve(self._factor)
        going = {trial for trial, (epoch, _) in bracket.live.items() if epoch < bracket.rung}
        self._held.difference_update(losers, going)
        return losers

    def _empty_brackets(self) -> Iterator[_Bracket]:
        for number in itertools.count():
            band: list[_Bracket] = []
            self._bands.append(band)
            for halvings in range(self._band_size):
                bracket = self._bracket(number, halvings)
                if bracket.rung > 0:
                    band.append(bracket)
                    yield bracket

    @property
    def _band_size(self) -> int:
        return round(math.log(self._end) / math.log(self._factor)) + 1

    def _bracket(self, band: int, halvings: int) -> _Bracket:
        """Return an empty bracket: the more halvings, the more trials and the fewer epochs."""
        rungs = [int(self._end * self._factor**-halvings)]
        for _ in range(halvings):
            rungs.append(int(min(rungs[-1] * self._factor, self._end)))
        size = math.ceil(self._band_size / (halvings + 1) * self._factor**halvings)
        return _Bracket(band, size, tuple(rungs), capacity=size, work=self._work(size, rungs))

    def _work(self, trials: int, rungs: list[int]) -> int:
        """Return what Ray takes for the epochs of a whole bracket: its order hangs on it."""
        work, epochs = 0, rungs[0]
        for _ in rungs:
            work += trials * epochs
            trials = math.ceil(trials / self._factor)
            epochs = int(min(epochs * self._factor, self._end - rungs[0]))
        return work


@dataclass(eq=False)
class _Bracket:
    """Trials that run from rung to rung together.

    Attributes:
        rungs: Epochs to which its trials run before each halving, and to their end.
        capacity: How many live trials it takes now.
        work: About how many epochs it takes in all.
        live: Epoch and reward (high ones good) of the last report of those that are not out.
    """

    band: int
    size: int
    rungs: tuple[int, ...]
    capacity: int
    work: int
    done: int = 0
    halved: int = 0
    live: dict[int, tuple[int, float]] = field(default_factory=dict)

    @property
    def rung(self) -> int:
        return self.rungs[self.halved]

    @property
    def is_full(self) -> bool:
        return len(self.live) >= self.capacity

    @property
    def is_due(self) -> bool:
        return bool(self.live) and all(epoch >= self.rung for epoch, _ in self.live.values())

    @property
    def progress(self) -> float:
        return min(self.done / self.work, 1.0) if self.live else 1.0

    def report(self, trial: int, epoch: int, reward: float) -> None:
        self.done += epoch - self.live[trial][0]
        self.live[trial] = (epoch, reward)

    def halve(self, factor: float) -> list[int]:
        """Put the worst out, and after the last rung all; returns who is out."""
        worst_first = sorted(self.live, key=lambda trial: self.live[trial][1])
        if self.halved + 1 < len(self.rungs):
            self.halved += 1
            self.capacity = math.ceil(self.capacity / factor)
            worst_first = worst_first[: -self.capacity]
        else:
            self.capacity = 0  # nobody comes into a bracket that is over
        for trial in worst_first:
            del self.live[trial]
        return worst_first
