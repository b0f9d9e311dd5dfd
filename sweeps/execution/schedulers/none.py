"""`scheduler: none`: every trial trains to its own end."""

from __future__ import annotations

from sweeps.definition.sweep_file import NoScheduler
from sweeps.execution.schedulers.scheduler import Decision, Scheduler
from sweeps.models.scoring.objective import Objective

__all__ = ["NoPruning"]


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
