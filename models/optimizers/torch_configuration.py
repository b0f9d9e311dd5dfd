"""Optimizers of torch.optim by torch's own names, with torch's options and defaults.

A test holds them to the signatures of torch's classes, which are not imported here. Left out of
each are the options that say how torch computes and not what: foreach, fused, capturable,
differentiable; and maximize, as a loss is minimized.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from sweeps.models.errors import TrialConfigError
from sweeps.models.optimizers.section import (
    Decay,
    Epsilon,
    LearningRate,
    OptimizerSection,
    WeightDecay,
)

__all__ = ["TorchOptimizer", "TorchOptimizerSection"]

Positive = Annotated[float, Field(gt=0, le=1e12)]
_BETAS: Any = Field(
    [0.9, 0.999], min_length=2, max_length=2, description="Decays of gradient and square."
)
_DECOUPLED = "Weights shrink by lr * weight_decay, apart from the gradient, as AdamW's do."


class TorchOptimizerSection(OptimizerSection):
    """A class of torch.optim on a net's own parameters."""

    def keywords(self) -> dict[str, Any]:
        """Return what the class is called with besides its parameters, lr included."""
        values = {name: getattr(self, name) for name in type(self).model_fields}
        kept = {name: one for name, one in values.items() if name not in ("kind", "groups")}
        return {name: tuple(one) if isinstance(one, list) else one for name, one in kept.items()}


class TorchAdadelta(TorchOptimizerSection):
    """Adadelta (Zeiler, 2012)."""

    kind: Literal["Adadelta"]
    lr: LearningRate = 1.0
    rho: Decay = Field(0.9, description="Decay of the mean of squared gradients.")
    eps: Epsilon = 1e-6
    weight_decay: WeightDecay = 0.0


class TorchAdafactor(TorchOptimizerSection):
    """Adafactor (Shazeer and Stern, 2018), in torch's form."""

    decouples: ClassVar[bool] = True
    kind: Literal["Adafactor"]
    lr: LearningRate = Field(1e-2, gt=0, le=1e6, description="Largest relative step.")
    beta2_decay: float = Field(-0.8, le=0, ge=-100, description="Exponent of the decay by steps.")
    eps: list[Positive | None] = Field(
        [None, 1e-3],
        min_length=2,
        max_length=2,
        description="Of the squared gradient (null: that of float32) and of a weight's scale.",
    )
    d: float = Field(1.0, ge=1, le=1e6, description="Longest update, in root mean squares.")
    weight_decay: WeightDecay = 0.0


class TorchAdagrad(TorchOptimizerSection):
    """Adagrad with all options of torch; `adagrad` is faster."""

    kind: Literal["Adagrad"]
    lr: LearningRate = 1e-2
    lr_decay: float = Field(0.0, ge=0, le=1e3, description="Divides the rate by 1 + step * this.")
    weight_decay: WeightDecay = 0.0
    initial_accumulator_value: float = Field(
        0.0, ge=0, le=1e6, description="Sum of squared gradients to start from."
    )
    eps: Epsilon = 1e-10


class TorchAdam(TorchOptimizerSection):
    """Adam with all options of torch; `adam` is faster."""

    kind: Literal["Adam"]
    lr: LearningRate = 1e-3
    betas: list[Decay] = _BETAS
    eps: Epsilon = 1e-8
    weight_decay: WeightDecay = 0.0
    amsgrad: bool = Field(False, description="Divide by the largest second moment so far.")
    decoupled_weight_decay: bool = Field(False, description=_DECOUPLED)


class TorchAdamW(TorchOptimizerSection):
    """AdamW with all options of torch; `adamw` is faster."""

    decouples: ClassVar[bool] = True
    kind: Literal["AdamW"]
    lr: LearningRate = 1e-3
    betas: list[Decay] = _BETAS
    eps: Epsilon = 1e-8
    weight_decay: WeightDecay = 1e-2
    amsgrad: bool = Field(False, description="Divide by the largest second moment so far.")


class TorchAdamax(TorchOptimizerSection):
    """Adamax (Kingma and Ba, 2015)."""

    kind: Literal["Adamax"]
    lr: LearningRate = 2e-3
    betas: list[Decay] = _BETAS
    eps: Epsilon = 1e-8
    weight_decay: WeightDecay = 0.0


class TorchAsgd(TorchOptimizerSection):
    """Averaged SGD (Polyak and Juditsky, 1992), as torch has it: the average is not used."""

    kind: Literal["ASGD"]
    lr: LearningRate = 1e-2
    lambd: float = Field(1e-4, ge=0, le=1e3, description="Decay term.")
    alpha: float = Field(0.75, ge=0, le=10, description="Power of the decay of the rate.")
    t0: float = Field(1e6, ge=0, le=1e15, description="Step at which averaging starts.")
    weight_decay: WeightDecay = 0.0


class TorchLbfgs(TorchOptimizerSection):
    """L-BFGS (Nocedal, 1980): each step evaluates its batch again, up to `max_eval` times."""

    kind: Literal["LBFGS"]
    lr: LearningRate = 1.0
    max_iter: int = Field(20, ge=1, le=10_000, description="Iterations of one step.")
    max_eval: int | None = Field(
        None, ge=1, le=100_000, description="Evaluations of one step; null: 1.25 * max_iter."
    )
    tolerance_grad: float = Field(
        1e-7, ge=0, le=1e3, description="Stop when the gradient is smaller."
    )
    tolerance_change: float = Field(
        1e-9, ge=0, le=1e3, description="Stop when the change is smaller."
    )
    history_size: int = Field(100, ge=1, le=10_000, description="Updates that are remembered.")
    line_search_fn: Literal["strong_wolfe"] | None = Field(None, description="Line search.")

    @model_validator(mode="after")
    def _has_one_group(self) -> Self:
        if self.groups:
            raise TrialConfigError(
                "LBFGS supports only one parameter group",
                key=("optimizer", "groups"),
                hint="Remove groups, or use another optimizer",
            )
        return self


class TorchNAdam(TorchOptimizerSection):
    """Adam with Nesterov momentum (Dozat, 2016)."""

    kind: Literal["NAdam"]
    lr: LearningRate = 2e-3
    betas: list[Decay] = _BETAS
    eps: Epsilon = 1e-8
    weight_decay: WeightDecay = 0.0
    momentum_decay: float = Field(4e-3, ge=0, le=1e3, description="Decay of the momentum.")
    decoupled_weight_decay: bool = Field(False, description=_DECOUPLED)


class TorchRAdam(TorchOptimizerSection):
    """Rectified Adam (Liu et al., 2020)."""

    kind: Literal["RAdam"]
    lr: LearningRate = 1e-3
    betas: list[Decay] = _BETAS
    eps: Epsilon = 1e-8
    weight_decay: WeightDecay = 0.0
    decoupled_weight_decay: bool = Field(False, description=_DECOUPLED)


class TorchRmsProp(TorchOptimizerSection):
    """RMSprop with all options of torch; `rmsprop` is faster."""

    kind: Literal["RMSprop"]
    lr: LearningRate = 1e-2
    alpha: Decay = Field(0.99, description="Smoothing of the squared gradients.")
    eps: Epsilon = 1e-8
    weight_decay: WeightDecay = 0.0
    momentum: Decay = 0.0
    centered: bool = Field(False, description="Divide by the variance of the gradients instead.")


class TorchRprop(TorchOptimizerSection):
    """Resilient backpropagation (Riedmiller and Braun, 1993); meant for full batches."""

    kind: Literal["Rprop"]
    lr: LearningRate = 1e-2
    etas: list[Positive] = Field(
        [0.5, 1.2], min_length=2, max_length=2, description="Factors that shrink and grow a step."
    )
    step_sizes: list[Positive] = Field(
        [1e-6, 50.0], min_length=2, max_length=2, description="Smallest and largest step."
    )

    @model_validator(mode="after")
    def _etas_shrink_and_grow(self) -> Self:
        if not self.etas[0] < 1 < self.etas[1]:
            raise TrialConfigError(
                "the first of etas must be below 1, and the second above 1",
                key=("optimizer", "etas"),
                value=self.etas,
            )
        return self


class TorchSgd(TorchOptimizerSection):
    """SGD with all options of torch; `sgd` is faster."""

    kind: Literal["SGD"]
    lr: LearningRate = 1e-3
    momentum: Decay = 0.0
    dampening: float = Field(0.0, ge=0, le=1, description="Of the momentum.")
    weight_decay: WeightDecay = 0.0
    nesterov: bool = Field(False, description="Needs a momentum above 0 and no dampening.")

    @model_validator(mode="after")
    def _nesterov_has_momentum(self) -> Self:
        if self.nesterov and (self.momentum == 0 or self.dampening != 0):
            raise TrialConfigError(
                "nesterov needs a momentum above 0 and no dampening",
                key=("optimizer", "nesterov"),
                value=True,
            )
        return self


TorchOptimizer = (
    TorchAdadelta
    | TorchAdafactor
    | TorchAdagrad
    | TorchAdam
    | TorchAdamW
    | TorchAdamax
    | TorchAsgd
    | TorchLbfgs
    | TorchNAdam
    | TorchRAdam
    | TorchRmsProp
    | TorchRprop
    | TorchSgd
)
