"""The `optimizer` section: how gradients become steps. Names and defaults are torch's."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator

from sweeps.models.optimizers.own_configuration import CustomOptimizer
from sweeps.models.optimizers.section import Decay, Epsilon, LearningRate, OptimizerSection
from sweeps.models.optimizers.torch_configuration import TorchOptimizer

__all__ = [
    "Adagrad",
    "Adam",
    "AdamW",
    "CustomOptimizer",
    "OptimizerConfig",
    "RmsProp",
    "Sgd",
    "TorchOptimizer",
    "added_weight_decay",
]


class Sgd(OptimizerSection):
    """Gradient descent: batch, mini-batch or stochastic by `training.batch_size`."""

    kind: Literal["sgd"]
    lr: LearningRate = 1e-3
    momentum: Decay = 0.0
    nesterov: bool = Field(False, description="Needs a momentum above 0.")

    @field_validator("nesterov")
    @classmethod
    def _nesterov_has_momentum(cls, nesterov: bool, info: ValidationInfo) -> bool:
        if nesterov and info.data.get("momentum") == 0:
            raise ValueError("nesterov needs a momentum above 0")
        return nesterov


class Adam(OptimizerSection):
    """Adam (Kingma and Ba, 2015)."""

    kind: Literal["adam"]
    lr: LearningRate = 1e-3
    beta1: Decay = 0.9
    beta2: Decay = 0.999
    eps: Epsilon = 1e-8


class AdamW(OptimizerSection):
    """Adam with decoupled weight decay (Loshchilov and Hutter, 2019)."""

    kind: Literal["adamw"]
    lr: LearningRate = 1e-3
    beta1: Decay = 0.9
    beta2: Decay = 0.999
    eps: Epsilon = 1e-8
    weight_decay: float = Field(
        1e-2, ge=0, le=1e3, description="Decoupled: weights shrink by lr * weight_decay a step."
    )


class RmsProp(OptimizerSection):
    """RMSprop (Hinton, lecture 6e, 2012), as torch defines it."""

    kind: Literal["rmsprop"]
    lr: LearningRate = 1e-2
    alpha: Decay = Field(0.99, description="Smoothing of the squared gradients.")
    eps: Epsilon = 1e-8
    momentum: Decay = 0.0
    centered: bool = Field(False, description="Divide by the variance of the gradients instead.")


class Adagrad(OptimizerSection):
    """Adagrad (Duchi et al., JMLR 2011)."""

    kind: Literal["adagrad"]
    lr: LearningRate = 1e-2
    lr_decay: float = Field(0.0, ge=0, le=1e3, description="Divides the rate by 1 + step * this.")
    initial_accumulator_value: float = Field(
        0.0, ge=0, le=1e6, description="Sum of squared gradients to start from."
    )
    eps: Epsilon = 1e-10


OptimizerConfig = Annotated[
    Sgd | Adam | AdamW | RmsProp | Adagrad | TorchOptimizer | CustomOptimizer,
    Field(discriminator="kind"),
]


def added_weight_decay(config: OptimizerConfig) -> float:
    """Return the largest weight decay that an optimizer adds to gradients, as an L2 penalty does.

    Decoupled decay is none: weights shrink apart from their gradients. A user-defined optimizer
    counts as one that adds it.
    """
    is_decoupled = getattr(config, "decoupled_weight_decay", False)
    if is_decoupled or config.kind in ("adamw", "AdamW", "Adafactor"):
        return 0.0
    own: float = getattr(config, "weight_decay", 0.0) or 0.0
    return max([own, *(group.weight_decay or 0.0 for group in config.groups)])
