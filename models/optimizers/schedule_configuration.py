"""The `schedule` section: how the learning rate changes while a trial trains."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator

from sweeps.models.section import Section

__all__ = [
    "Constant",
    "Cosine",
    "Exponential",
    "Linear",
    "MultiStep",
    "OneCycle",
    "Plateau",
    "ScheduleConfig",
    "StepDecay",
]


class _Schedule(Section):
    warmup_epochs: int = Field(
        0, ge=0, le=100_000, description="Epochs of a linear warm-up to lr, batch by batch."
    )


class Constant(_Schedule):
    """The learning rate of the optimizer throughout."""

    kind: Literal["constant"] = "constant"


class StepDecay(_Schedule):
    """Multiplies the learning rate by `gamma` every `step_epochs`."""

    kind: Literal["step"]
    step_epochs: int = Field(10, ge=1, le=100_000, description="Epochs between two steps.")
    gamma: float = Field(0.1, gt=0, le=1, description="Factor of each step.")


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


class Linear(_Schedule):
    """Falls by batches along a line to `final_fraction` of the rate, as is usual for transformers.

    The last batch is one step before the end of the line, as in torch's LinearLR.
    """

    kind: Literal["linear"]
    final_fraction: float = Field(
        0.0, ge=0, le=1, description="Fraction of the learning rate left at the end."
    )


class Exponential(_Schedule):
    """Multiplies the learning rate by `gamma` every epoch."""

    kind: Literal["exponential"]
    gamma: float = Field(0.95, gt=0, le=1, description="Factor of each epoch.")


class Cosine(_Schedule):
    """Falls along half a cosine to `final_fraction` of the rate (Loshchilov and Hutter, 2017)."""

    kind: Literal["cosine"]
    final_fraction: float = Field(
        0.0, ge=0, le=1, description="Fraction of the learning rate left at the end."
    )


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


ScheduleConfig = Annotated[
    Constant | StepDecay | MultiStep | Linear | Exponential | Cosine | OneCycle | Plateau,
    Field(discriminator="kind"),
]
