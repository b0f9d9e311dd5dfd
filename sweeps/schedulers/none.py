"""`scheduler: none`: every trial trains to its own end."""

from __future__ import annotations

from typing import ClassVar, Literal

from sweeps.models.scoring.objective import Objective
from sweeps.schedulers.scheduler import Decision, Scheduler, SchedulerSection

__all__ = ["NoPruning", "NoScheduler"]


class NoScheduler(SchedulerSection):
    """Every trial trains to its own end."""

    scheduler: Literal["none"]
    stops: ClassVar[bool] = False
    grace_epochs: ClassVar[int] = 0  # nobody waits for a decision, and nobody is pruned
    audit: ClassVar[int] = 0

    def build(self, objective: Objective, max_epochs: int) -> NoPruning:
        """Return the scheduler, which has been told nothing yet."""
        return NoPruning(self, objective, max_epochs)


class NoPruning(Scheduler):
    """Stops nobody."""

    name = "no scheduler"

    def __init__(self, section: NoScheduler, objective: Objective, max_epochs: int) -> None:
        """Need nothing; the arguments are those of every scheduler."""

    @property
    def milestones(self) -> frozenset[int]:
        """No epoch: reports only show a person that something happens."""
        return frozenset()

    def decide(self, trial: int, epoch: int, value: float) -> Decision:
        """Let the trial go on."""
        return Decision()
