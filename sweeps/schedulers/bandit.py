"""`scheduler: bandit`: the slack rule, which stops a trial that is much worse than the best.

The bandit policy of Azure Machine Learning, by its documentation of early termination: one good
trial is enough to stop others, and its close rivals all go on.
"""

from __future__ import annotations

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

__all__ = ["Bandit", "BanditScheduler"]


class Bandit(SchedulerSection):
    """Stop a trial whose best is worse than the best of all by more than a slack (as in Azure ML).

    With a slack of 0.2 and a best accuracy of 0.9 at an epoch, those below 0.9 / 1.2 = 0.75 stop;
    with a best loss of 0.5, those above 0.5 * 1.2 = 0.6.
    """

    scheduler: Literal["bandit"]
    grace_epochs: GraceEpochs = 1
    every: int = Field(1, ge=1, description="Compare once in this many epochs.")
    slack: float = Field(0.2, gt=0, description="How much worse is allowed, as a share.")
    audit: Audit = 0

    def build(self, objective: Objective, max_epochs: int) -> BanditScheduler:
        """Return the scheduler, which has been told nothing yet."""
        return BanditScheduler(self, objective, max_epochs)


class BanditScheduler(Scheduler):
    """Keeps the best value up to each of its epochs; others may be worse by `slack` of it."""

    name = "bandit"
    compares_bests = True

    def __init__(self, section: Bandit, objective: Objective, max_epochs: int) -> None:
        self._sign = objective.sign
        self._slack = section.slack
        self._milestones = frozenset(range(section.grace_epochs, max_epochs, section.every))
        self._leaders: dict[int, float] = {}  # the best reward (high is good) by each milestone

    @property
    def milestones(self) -> frozenset[int]:
        """From `grace_epochs`, one in `every`."""
        return self._milestones

    def decide(self, trial: int, epoch: int, value: float) -> Decision:
        """Compare the trial's best so far with that of the trial that led at this epoch."""
        own = self._sign * value
        if epoch not in self._milestones:
            return Decision()
        leader = self._leaders.get(epoch, own)
        self._leaders[epoch] = max(leader, own)
        worst = leader / (1 + self._slack) if leader > 0 else leader * (1 + self._slack)
        limit = self._sign * worst
        seen = {"rung": epoch, "limit": limit}
        if own >= worst:
            return Decision(seen=seen)
        reason = f"its best, {value:.6g}, is worse than {limit:.6g}"
        return Decision(Action.STOP, seen, f"{reason}, the best's with a slack of {self._slack:g}")

    def leave(self, trial: int, last: tuple[int, float] | None) -> tuple[int, ...]:
        """Let the best value of a trial that ended count for the others."""
        if last is not None:
            self.decide(trial, *last)
        return ()
