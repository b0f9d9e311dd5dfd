"""How the trials of a search by several workers end, for samplers that are held to Optuna's."""

from __future__ import annotations

from dataclasses import dataclass

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
