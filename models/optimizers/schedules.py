"""The learning rate of every batch, from a linear warm-up on.

Schedules other than plateau are functions of the epoch alone: nothing is carried from batch to
batch, so that a restored trial needs only its epoch.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sweeps.models.optimizers.schedule_configuration import (
    Constant,
    Cosine,
    Exponential,
    Linear,
    MultiStep,
    OneCycle,
    Plateau,
    ScheduleConfig,
    StepDecay,
)
from sweeps.models.scoring.metrics import Mode

__all__ = ["Horizon", "Schedule"]


@dataclass(frozen=True)
class Horizon:
    """How much training a schedule is laid over."""

    epochs: int
    batches_per_epoch: int


class Schedule:
    """The learning rates of a trial.

    After `warmup_epochs`, in which batch i of n has (i + 1) / n of the optimizer's rate, the
    schedule counts its epochs from 0 and lasts for those that are left. One-cycle and linear
    change with every batch, the others with every epoch. A batch is one step of the optimizer.
    """

    def __init__(self, config: ScheduleConfig, lr: float, horizon: Horizon, mode: Mode) -> None:
        """Lays a schedule over a trial.

        Args:
            config: which schedule.
            lr: the optimizer's learning rate, which warm-up ends at.
            horizon: epochs of the whole trial, warm-up included.
            mode: of the objective that `observe` is told.
        """
        self._config = config
        self._lr = lr
        self._batches = horizon.batches_per_epoch
        self._epochs_left = horizon.epochs - config.warmup_epochs
        self._plateau = _PlateauFactor(config, mode) if isinstance(config, Plateau) else None

    def change_rate(self, lr: float) -> None:
        """Goes on with another learning rate of the optimizer, in the same shape."""
        self._lr = lr

    def rates(self, epoch: int) -> list[float]:
        """The learning rate of each batch of an epoch, which are counted from 0."""
        warmup = self._config.warmup_epochs
        if epoch < warmup:
            first, last = epoch * self._batches + 1, warmup * self._batches
            return [self._lr * (first + batch) / last for batch in range(self._batches)]
        if isinstance(self._config, OneCycle | Linear):
            return self._by_batches(self._config, epoch - warmup)
        return [self._lr * self._factor(epoch - warmup)] * self._batches

    def observe(self, epoch: int, objective: float) -> None:
        """Tells a plateau schedule the objective after an epoch; warm-up does not count."""
        if self._plateau is not None and epoch >= self._config.warmup_epochs:
            self._plateau.observe(objective)

    def state(self) -> dict[str, Any]:
        """What `observe` has changed, as JSON values."""
        return {} if self._plateau is None else self._plateau.state()

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continues from `state()`."""
        if self._plateau is not None:
            self._plateau.restore(state)

    def _factor(self, epoch: int) -> float:
        match self._config:
            case StepDecay(step_epochs=step_epochs, gamma=gamma):
                return gamma ** (epoch // step_epochs)
            case MultiStep(milestones=milestones, gamma=gamma):
                return gamma ** bisect.bisect_right(milestones, epoch)
            case Exponential(gamma=gamma):
                return gamma**epoch
            case Cosine(final_fraction=final):
                return _along_cosine(1.0, final, epoch / self._epochs_left)
            case Plateau():
                assert self._plateau is not None
                return self._plateau.factor
            case Constant() | OneCycle() | Linear():
                return 1.0

    def _by_batches(self, config: OneCycle | Linear, epoch: int) -> list[float]:
        total = self._epochs_left * self._batches
        first = epoch * self._batches
        batches = range(first, first + self._batches)
        if isinstance(config, OneCycle):
            return [self._lr * _one_cycle_factor(config, batch, total) for batch in batches]
        fall = 1 - config.final_fraction
        return [self._lr * (1 - fall * batch / total) for batch in batches]


def _one_cycle_factor(config: OneCycle, batch: int, total: int) -> float:
    """The factor of torch's OneCycleLR at a batch; too few batches to rise start at the top."""
    start = 1 / config.div_factor
    peak = max(config.pct_start * total - 1, 0.0)
    if batch < peak:
        return _along_cosine(start, 1.0, batch / peak)
    falling = total - 1 - peak
    done = (batch - peak) / falling if falling > 0 else 0.0
    return _along_cosine(1.0, start / config.final_div_factor, done)


def _along_cosine(start: float, end: float, done: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * done)) / 2


class _PlateauFactor:
    """torch's ReduceLROnPlateau with a relative threshold."""

    def __init__(self, config: Plateau, mode: Mode) -> None:
        self._config = config
        self._mode = mode
        self._best: float | None = None
        self._bad_epochs = 0
        self.factor = 1.0

    def observe(self, objective: float) -> None:
        if self._is_better(objective):
            self._best = objective
            self._bad_epochs = 0
            return
        self._bad_epochs += 1
        if self._bad_epochs > self._config.patience:
            self.factor *= self._config.factor
            self._bad_epochs = 0

    def _is_better(self, objective: float) -> bool:
        if self._best is None:
            return True
        if self._mode == "min":
            return objective < self._best * (1 - self._config.threshold)
        return objective > self._best * (1 + self._config.threshold)

    def state(self) -> dict[str, Any]:
        return {"best": self._best, "bad_epochs": self._bad_epochs, "factor": self.factor}

    def restore(self, state: Mapping[str, Any]) -> None:
        self._best = state["best"]
        self._bad_epochs = state["bad_epochs"]
        self.factor = state["factor"]
