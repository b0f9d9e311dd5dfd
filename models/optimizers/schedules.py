"""The `schedule` section: the learning rate of every batch, from a linear warm-up on.

Each schedule is a class here: its keys, and the factors of the optimizer's rate. Schedules other
than plateau are functions of the epoch alone: nothing is carried from batch to batch, so that a
restored trial needs only its epoch. Imports no torch, so that a sweep file is checked at once.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from sweeps.models.scoring.metrics import Mode
from sweeps.models.section import Section

__all__ = ["Constant", "Horizon", "Schedule", "ScheduleConfig"]


@dataclass(frozen=True)
class Horizon:
    """How much training a schedule is laid over."""

    epochs: int
    batches_per_epoch: int


class _Schedule(Section):
    warmup_epochs: int = Field(
        0, ge=0, le=100_000, description="Epochs of a linear warm-up to lr, batch by batch."
    )

    def epoch_factor(self, epoch: int, epochs: int) -> float:
        """Return by what the rate is multiplied in an epoch, from 0; warm-up does not count."""
        return 1.0

    def batch_factors(self, epoch: int, horizon: Horizon) -> list[float]:
        """Return that of each batch, for those that change with every batch."""
        return [self.epoch_factor(epoch, horizon.epochs)] * horizon.batches_per_epoch

    def plateau(self, mode: Mode) -> _PlateauFactor | None:
        """Return what watches the objective, for those that depend on it."""
        return None


class Constant(_Schedule):
    """The learning rate of the optimizer throughout."""

    kind: Literal["constant"] = "constant"


class StepDecay(_Schedule):
    """Multiplies the learning rate by `gamma` every `step_epochs`."""

    kind: Literal["step"]
    step_epochs: int = Field(10, ge=1, le=100_000, description="Epochs between two steps.")
    gamma: float = Field(0.1, gt=0, le=1, description="Factor of each step.")

    def epoch_factor(self, epoch: int, epochs: int) -> float:
        """See _Schedule."""
        return self.gamma ** (epoch // self.step_epochs)


class MultiStep(_Schedule):
    """Multiplies the learning rate by `gamma` at each of the `milestones`."""

    kind: Literal["multi_step"]
    milestones: list[Annotated[int, Field(ge=1, le=1_000_000)]] = Field(
        min_length=1,
        description="Epochs after which the rate falls, ascending; warm-up epochs do not count.",
    )
    gamma: float = Field(0.1, gt=0, le=1, description="Factor of each step.")

    @field_validator("milestones")
    @classmethod
    def _milestones_ascend(cls, milestones: list[int]) -> list[int]:
        if sorted(set(milestones)) != milestones:
            raise ValueError("must be ascending, without duplicates")
        return milestones

    def epoch_factor(self, epoch: int, epochs: int) -> float:
        """See _Schedule."""
        return self.gamma ** bisect.bisect_right(self.milestones, epoch)


class LinearDecay(_Schedule):
    """Falls by batches along a line to `final_fraction` of the rate, as is usual for transformers.

    The last batch is one step before the end of the line, as in torch's LinearLR.
    """

    kind: Literal["linear"]
    final_fraction: float = Field(
        0.0, ge=0, le=1, description="Fraction of the learning rate left at the end."
    )

    def batch_factors(self, epoch: int, horizon: Horizon) -> list[float]:
        """See _Schedule."""
        fall, (batches, total) = 1 - self.final_fraction, _batches(epoch, horizon)
        return [1 - fall * batch / total for batch in batches]


class Exponential(_Schedule):
    """Multiplies the learning rate by `gamma` every epoch."""

    kind: Literal["exponential"]
    gamma: float = Field(0.95, gt=0, le=1, description="Factor of each epoch.")

    def epoch_factor(self, epoch: int, epochs: int) -> float:
        """See _Schedule."""
        return self.gamma**epoch


class Cosine(_Schedule):
    """Falls along half a cosine to `final_fraction` of the rate (Loshchilov and Hutter, 2017)."""

    kind: Literal["cosine"]
    final_fraction: float = Field(
        0.0, ge=0, le=1, description="Fraction of the learning rate left at the end."
    )

    def epoch_factor(self, epoch: int, epochs: int) -> float:
        """See _Schedule."""
        return _along_cosine(1.0, self.final_fraction, epoch / epochs)


class OneCycle(_Schedule):
    """Rises from lr / `div_factor` to lr, then falls to it / `final_div_factor`, by batches.

    Smith and Topin, 2018, in torch's form (cosine, momentum left alone).
    """

    kind: Literal["one_cycle"]
    pct_start: float = Field(
        0.3, gt=0, lt=1, description="Fraction of the batches in which the rate rises."
    )
    div_factor: float = Field(
        25.0, ge=1, le=1e9, description="The initial rate is lr divided by this."
    )
    final_div_factor: float = Field(
        1e4, ge=1, le=1e12, description="The final rate is the initial one divided by this."
    )

    def batch_factors(self, epoch: int, horizon: Horizon) -> list[float]:
        """See _Schedule."""
        batches, total = _batches(epoch, horizon)
        return [self._at(batch, total) for batch in batches]

    def _at(self, batch: int, total: int) -> float:
        """The factor of torch's OneCycleLR; too few batches to rise start at the top."""
        start = 1 / self.div_factor
        peak = max(self.pct_start * total - 1, 0.0)
        if batch < peak:
            return _along_cosine(start, 1.0, batch / peak)
        falling = total - 1 - peak
        done = (batch - peak) / falling if falling > 0 else 0.0
        return _along_cosine(1.0, start / self.final_div_factor, done)


class Plateau(_Schedule):
    """Multiplies the rate by `factor` when the objective has not improved for `patience` epochs."""

    kind: Literal["plateau"]
    factor: float = Field(0.1, gt=0, lt=1, description="Factor of each reduction.")
    patience: int = Field(
        10, ge=0, le=100_000, description="Epochs without improvement before a reduction."
    )
    threshold: float = Field(
        1e-4, ge=0, lt=1, description="Smallest relative change that counts as an improvement."
    )

    def plateau(self, mode: Mode) -> _PlateauFactor:
        """See _Schedule."""
        return _PlateauFactor(self, mode)


ScheduleConfig = Annotated[
    Constant | StepDecay | MultiStep | LinearDecay | Exponential | Cosine | OneCycle | Plateau,
    Field(discriminator="kind"),
]


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
        self._left = replace(horizon, epochs=horizon.epochs - config.warmup_epochs)
        self._plateau = config.plateau(mode)

    def change_rate(self, lr: float) -> None:
        """Goes on with another learning rate of the optimizer, in the same shape."""
        self._lr = lr

    def rates(self, epoch: int) -> list[float]:
        """The learning rate of each batch of an epoch, which are counted from 0."""
        warmup = self._config.warmup_epochs
        if epoch < warmup:
            first, last = epoch * self._batches + 1, warmup * self._batches
            return [self._lr * (first + batch) / last for batch in range(self._batches)]
        if self._plateau is not None:
            return [self._lr * self._plateau.factor] * self._batches
        return [
            self._lr * factor for factor in self._config.batch_factors(epoch - warmup, self._left)
        ]

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


def _batches(epoch: int, horizon: Horizon) -> tuple[range, int]:
    """Return the numbers of an epoch's batches, and how many there are in all."""
    first = epoch * horizon.batches_per_epoch
    batches = range(first, first + horizon.batches_per_epoch)
    return batches, horizon.epochs * horizon.batches_per_epoch


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
