"""The contract of schedulers: what they are told of trials, and what they decide.

Each has a file with two classes. One is its section of a sweep file, a `SchedulerSection`, which
builds the other, a `Scheduler`. Nobody else asks a section for its name to decide anything.

A scheduler knows no clock, no worker, no Ray and no ledger: told the same in the same order, it
decides the same. So a resume rebuilds one by telling it again what the ledger has, both runners
share it, and `plan` plays it to see how many epochs it lets run.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, ClassVar

from pydantic import Field

from sweeps.models.scoring.objective import Objective
from sweeps.models.section import Section

__all__ = [
    "OTHERS_WERE_BETTER",
    "Action",
    "Audit",
    "Copying",
    "Decision",
    "GraceEpochs",
    "Scheduler",
    "SchedulerSection",
]

# Keys that sections of several schedulers have.
GraceEpochs = Annotated[int, Field(ge=1, description="Epochs that every trial gets.")]
Audit = Annotated[
    int, Field(ge=0, description="Train this many pruned trials to their end after all.")
]

OTHERS_WERE_BETTER = "others of its bracket were better"


class Action(StrEnum):
    """What becomes of a trial after a report; the words of the ledger."""

    CONTINUE = "CONTINUE"
    PAUSE = "PAUSE"
    STOP = "STOP"


@dataclass(frozen=True)
class Decision:
    """What a scheduler answers to a report.

    Attributes:
        seen: What it compared the trial with, as it was before this report; None where it compared
            nothing, which is not a decision and is not recorded.
        reason: Why the trial is stopped.
        losers: Paused trials that are stopped as well.
    """

    action: Action = Action.CONTINUE
    seen: Mapping[str, Any] | None = None
    reason: str = ""
    losers: tuple[int, ...] = ()


@dataclass(frozen=True)
class Copying:
    """A trial that is to go on after an epoch as a copy of one of `best`, which are as far."""

    trial: int
    epoch: int
    best: tuple[int, ...]


class Scheduler(ABC):
    """Decides after a trial's report whether it goes on; trials are told by their index.

    Built from its section of the sweep file, the objective, and the most epochs of any trial in the
    plan. Values are the objective's, and always finite: a trial that diverges only leaves.

    Attributes:
        name: What it is called where a pruned trial's reason is read.
        pauses: Whether trials wait for one another. All are then offered from the start, and each
            saves a checkpoint every epoch, as a pause ends its worker.
        compares_bests: Whether a value it is told is the trial's best up to that epoch, and not
            that of the epoch alone. It hears of no epoch between two reports, and how many come
            hangs on how fast the machine is.
    """

    name: ClassVar[str]
    pauses: ClassVar[bool] = False
    compares_bests: ClassVar[bool] = False

    @property
    @abstractmethod
    def milestones(self) -> frozenset[int] | None:
        """Epochs before the last after which it needs a report; None: after every one."""

    @abstractmethod
    def decide(self, trial: int, epoch: int, value: float) -> Decision:
        """Take the report of a trial that has trained `epoch` epochs, and decide on it."""

    def add(self, trial: int) -> None:  # noqa: B027  # most have nothing to prepare
        """Hear of a trial: each of the plan in its order, and again one that is tried again."""

    def leave(self, trial: int, last: tuple[int, float] | None) -> tuple[int, ...]:
        """Hear that a trial has ended on its own; returns paused trials that are stopped now.

        Args:
            trial: Not one that this scheduler stopped.
            last: Its last epoch, and the value as for `decide`, which count; None where it diverged
                or failed.
        """
        return ()

    def take_copyings(self) -> tuple[Copying, ...]:
        """Return which trials are to become copies, since the last call; most copy none."""
        return ()

    def next_trial(self, waiting: Collection[int]) -> int | None:
        """Return which of the trials that could be trained now is next; None: none may yet."""
        return next(iter(waiting), None)


class SchedulerSection(Section, ABC):
    """What a plan, a check and a report ask of a scheduler.

    Each has `scheduler`, its name, and `grace_epochs` and `audit` as keys, or as class variables
    where they cannot be chosen.

    Attributes:
        stops: It ends trials before their own end.
        copies: Trials become copies of others, and change their values on the way.
        together: Why it goes with no method that proposes trials one at a time, in words; empty
            where it decides on each trial as it comes.
    """

    stops: ClassVar[bool] = True
    copies: ClassVar[bool] = False
    together: ClassVar[str] = ""

    @abstractmethod
    def build(self, objective: Objective, max_epochs: int) -> Scheduler:
        """Return the scheduler, which has been told nothing yet.

        Args:
            max_epochs: The most epochs of any trial in the plan.
        """
