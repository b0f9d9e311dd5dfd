"""How the trials of a search by several workers end, for samplers that are held to Optuna's."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import optuna

from sweeps.search_methods.sampler import State

__all__ = ["Case"]


@dataclass(frozen=True)
class Case:
    """A search by several workers.

    Attributes:
        broken: Trials that fail.
        diverged: Trials that are worse than all.
    """

    workers: int = 1
    broken: tuple[int, ...] = ()
    diverged: tuple[int, ...] = ()
    trials: int = 24

    def state(self, number: int) -> State:
        if number in self.broken:
            return State.FAILED
        return State.WORST if number in self.diverged else State.COMPLETE

    def tell(
        self,
        study: optuna.Study,
        trial: optuna.Trial,
        losses: Callable[[dict[str, Any]], Sequence[float]],
    ) -> None:
        """Tell Optuna how a trial of its own ends: with these losses, or worse than all, or not."""
        match self.state(trial.number):
            case State.FAILED:
                study.tell(trial, state=optuna.trial.TrialState.FAIL)
            case State.WORST:
                study.tell(trial, [math.inf for _ in study.directions])
            case _:
                study.tell(trial, losses(trial.params))
