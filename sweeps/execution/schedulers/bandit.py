"""`scheduler: bandit`: the slack rule, which stops a trial that is much worse than the best.

The bandit policy of Azure Machine Learning, by its documentation of early termination: one good
trial is enough to stop others, and its close rivals all go on.
"""

from __future__ import annotations

from sweeps.definition.sweep_file import Bandit
from sweeps.execution.schedulers.scheduler import Action, Decision, Scheduler
from sweeps.models.scoring.objective import Objective

__all__ = ["BanditScheduler"]


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
