"""The contract of samplers: what they are told of a sweep's trials, and what they propose.

A sampler knows no clock, no ledger and no worker: told the same trials and given the same seed, it
proposes the same configurations. So a resume needs nothing of it but what the ledger has.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

__all__ = ["Sampler", "State", "Told"]

Configuration = dict[str, Any]


class State(StrEnum):
    """What a sampler is to make of a trial."""

    RUNNING = "running"  # planned, without an outcome yet
    COMPLETE = "complete"  # `loss` is its result
    PRUNED = "pruned"  # `loss` is what it had reached at `epoch`, not a result
    WORST = "worst"  # worse than all that have a loss
    FAILED = "failed"  # says nothing of its configuration


@dataclass(frozen=True)
class Told:
    """One trial of a plan, as a sampler is told of it.

    Attributes:
        values: By dimension of the space: a range's value, or the position of a choice's option;
            None where the configuration does not have the parameter.
        loss: Low is good; NaN where the state has none.
        epoch: How far a pruned trial had come.
        saw: How many outcomes there were when it was proposed; None where it was planned before
            the sweep began.
        ended: Which outcome of the sweep its own is, from 1 on; 0 while it has none.
        others: The losses of the other objectives, where there are several; infinite where it has
            none of one.
    """

    values: tuple[float | None, ...]
    state: State
    loss: float = math.nan
    epoch: int = 0
    saw: int | None = None
    ended: int = 0
    others: tuple[float, ...] = ()

    def __eq__(self, other: object) -> bool:
        """Compare with NaN equal to itself, which Python 3.13 no longer does of one object."""
        return isinstance(other, Told) and self._compared() == other._compared()

    def __hash__(self) -> int:
        """Hash what is compared."""
        return hash(self._compared())

    def _compared(self) -> tuple[object, ...]:
        losses = (None if math.isnan(one) else one for one in (self.loss, *self.others))
        return self.values, self.state, self.epoch, self.saw, self.ended, *losses

    def losses(self, objectives: int) -> tuple[float, ...]:
        """Return the losses of so many objectives."""
        return (self.loss, *self.others)[:objectives]

    def is_worst(self, objectives: int) -> bool:
        """Return whether it is worse than all, as one that ended without one of these losses is."""
        if self.state is not State.COMPLETE:
            return self.state is State.WORST
        return not all(map(math.isfinite, self.losses(objectives)))

    def ranked_last(self, objectives: int) -> Told:
        """Return it as one that completed behind all others, for samplers that go by ranks."""
        others = (math.inf,) * (objectives - 1)
        return replace(self, state=State.COMPLETE, loss=math.inf, others=others)


class Sampler(ABC):
    """Proposes configurations of one space from the trials that there are."""

    @abstractmethod
    def propose(self, told: Sequence[Told], seed: int) -> Iterator[Configuration]:
        """Yield configurations without end, the first first choice: others may be refused.

        Args:
            told: Every trial of the plan so far, in its order; those that lie outside of the space,
                which a person may have listed, are passed over.
        """
