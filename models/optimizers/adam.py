"""`kind: adam` and `kind: adamw`, whose weight decay acts on weights alone (see FlatParameters)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from sweeps.models.optimizers.flat_optimizer import FlatOptimizer
from sweeps.models.optimizers.section import Decay, Epsilon, LearningRate

if TYPE_CHECKING:
    from torch import Tensor

    from sweeps.models.optimizers.flat_parameters import FlatParameters

__all__ = ["Adam", "AdamW"]


class _Adams(FlatOptimizer):
    if TYPE_CHECKING:
        beta1: float
        beta2: float
        eps: float

    def keywords(self) -> dict[str, Any]:
        """Return them with torch's pair of betas."""
        keywords = super().keywords()
        keywords["betas"] = (keywords.pop("beta1"), keywords.pop("beta2"))
        return keywords

    def state(self, vector: Tensor) -> dict[str, Tensor]:
        """Return the running means of gradient and square, and the number of steps."""
        zeros = {name: vector.new_zeros(vector.shape) for name in ("mean", "square")}
        return {**zeros, "steps": vector.new_zeros(())}

    def move(self, parameters: FlatParameters, state: Mapping[str, Tensor], lr: float) -> None:
        """See FlatOptimizer."""
        from torch.optim.adam import adam

        adam(
            [parameters.vector],
            [parameters.gradient],
            [state["mean"]],
            [state["square"]],
            [],
            [state["steps"]],
            fused=True,
            lr=lr,
            beta1=self.beta1,
            beta2=self.beta2,
            eps=self.eps,
            amsgrad=False,
            weight_decay=0.0,
            maximize=False,
        )


class Adam(_Adams):
    """Adam (Kingma and Ba, 2015)."""

    in_torch: ClassVar[str] = "Adam"
    kind: Literal["adam"]
    lr: LearningRate = 1e-3
    beta1: Decay = 0.9
    beta2: Decay = 0.999
    eps: Epsilon = 1e-8


class AdamW(_Adams):
    """Adam with decoupled weight decay (Loshchilov and Hutter, 2019)."""

    in_torch: ClassVar[str] = "AdamW"
    decouples: ClassVar[bool] = True
    kind: Literal["adamw"]
    lr: LearningRate = 1e-3
    beta1: Decay = 0.9
    beta2: Decay = 0.999
    eps: Epsilon = 1e-8
    weight_decay: float = Field(
        1e-2, ge=0, le=1e3, description="Decoupled: weights shrink by lr * weight_decay a step."
    )

    def move(self, parameters: FlatParameters, state: Mapping[str, Tensor], lr: float) -> None:
        """Shrink the weights, then step as Adam does."""
        if self.weight_decay > 0:
            parameters.weights.mul_(1 - lr * self.weight_decay)
        super().move(parameters, state, lr)
