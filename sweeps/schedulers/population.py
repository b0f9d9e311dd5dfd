"""`scheduler: pbt`: population based training, in which the worst go on as copies of the best.

Jaderberg et al., Population Based Training of Neural Networks, 2017; synchronous, as `synch` of Ray
Tune's: all wait for one another, so that the copies hang on no clock and a sweep can be repeated.
Nobody is stopped. What a copy tries is drawn elsewhere (sweeps.definition.exploring).
"""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from sweeps.models.scoring.objective import Objective
from sweeps.schedulers.scheduler import Action, Copying, Decision, Scheduler, SchedulerSection

__all__ = ["PopulationBased", "PopulationScheduler"]


class PopulationBased(SchedulerSection):
    """Population based training (Jaderberg et al., 2017), synchronous; no trial stops early.

    Once in `interval_epochs` all wait for one another; then the worst go on as copies of the best,
    net and optimizer, with other rates and regularizers: those that have a `float` range. Your own
    training goes on from what it keeps, with other `options`; programs are refused.
    """

    scheduler: Literal["pbt"]
    stops: ClassVar[bool] = False
    copies: ClassVar[bool] = True
    together: ClassVar[str] = "a population starts all trials together"
    grace_epochs: ClassVar[int] = 0  # nobody is pruned
    audit: ClassVar[int] = 0
    interval_epochs: int = Field(5, ge=1, description="Epochs between two rounds of copies.")
    quantile_fraction: float = Field(
        0.25, gt=0, le=0.5, description="This share copies, and as many may be copied."
    )
    perturbation_factors: list[Annotated[float, Field(gt=0)]] = Field(
        [0.8, 1.2], min_length=1, description="A value that is copied is multiplied by one of them."
    )
    resample_probability: float = Field(
        0.25, ge=0, le=1, description="How often it is drawn from its range instead."
    )

    def build(self, objective: Objective, max_epochs: int) -> PopulationScheduler:
        """Return the scheduler, which has been told nothing yet."""
        return PopulationScheduler(self, objective, max_epochs)


class PopulationScheduler(Scheduler):
    """Holds trials at each milestone until all that live have come that far."""

    name = "population based training"
    pauses = True

    def __init__(self, section: PopulationBased, objective: Objective, max_epochs: int) -> None:
        self._sign = objective.sign
        self._share = section.quantile_fraction
        self._milestones = frozenset(
            range(section.interval_epochs, max_epochs, section.interval_epochs)
        )
        self._epochs: dict[int, int] = {}  # of those that live
        self._held: dict[int, tuple[int, float]] = {}  # milestone and reward: high ones are good
        self._copyings: list[Copying] = []

    @property
    def milestones(self) -> frozenset[int]:
        """One in `interval_epochs`, below the end."""
        return self._milestones

    def add(self, trial: int) -> None:
        """Count the trial among those that are waited for."""
        self._epochs[trial] = 0

    def decide(self, trial: int, epoch: int, value: float) -> Decision:
        """Hold the trial at a milestone; the last to come lets all go on."""
        self._epochs[trial] = epoch
        self._held.pop(trial, None)
        if epoch not in self._milestones:
            return Decision()
        self._held[trial] = (epoch, self._sign * value)
        before = len(self._copyings)
        self._release_those_due()
        is_copy = any(one.trial == trial for one in self._copyings[before:])
        # A copy is taken up anew, with what it copies.
        action = Action.PAUSE if trial in self._held or is_copy else Action.CONTINUE
        return Decision(action, {"rung": epoch, "value": value})

    def leave(self, trial: int, last: tuple[int, float] | None) -> tuple[int, ...]:
        """Wait for the trial no more; it is no copy, and is not copied."""
        self._epochs.pop(trial, None)
        self._held.pop(trial, None)
        self._release_those_due()
        return ()

    def take_copyings(self) -> tuple[Copying, ...]:
        """Return which trials have become copies since the last call."""
        taken, self._copyings = tuple(self._copyings), []
        return taken

    def next_trial(self, waiting: Collection[int]) -> int | None:
        """Return the first that is not held."""
        return next((trial for trial in waiting if trial not in self._held), None)

    def _release_those_due(self) -> None:
        slowest = min(self._epochs.values(), default=0)
        for milestone in sorted({epoch for epoch, _ in self._held.values()}):
            if milestone > slowest:
                return
            there = [trial for trial, (epoch, _) in self._held.items() if epoch == milestone]
            best_first = sorted(there, key=lambda one: (-self._held[one][1], one))
            self._copy(best_first, milestone)
            for trial in there:
                del self._held[trial]

    def _copy(self, best_first: list[int], milestone: int) -> None:
        """Have the last quantile copy trials of the first, each of as many trials."""
        # As in Ray Tune: rounded up, but never so many that one would copy itself.
        size = min(math.ceil(len(best_first) * self._share), len(best_first) // 2)
        for trial in sorted(best_first[len(best_first) - size :]):
            self._copyings.append(Copying(trial, milestone, tuple(best_first[:size])))
