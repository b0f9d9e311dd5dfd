"""`kind: rmsprop`: gradients divided by a running mean of their size."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from sweeps.models.optimizers.flat_optimizer import FlatOptimizer
from sweeps.models.optimizers.section import Decay, Epsilon, LearningRate

if TYPE_CHECKING:
    from torch import Tensor

    from sweeps.models.optimizers.flat_parameters import FlatParameters

__all__ = ["RmsProp"]


class RmsProp(FlatOptimizer):
    """RMSprop (Hinton, lecture 6e, 2012), as torch defines it."""

    in_torch: ClassVar[str] = "RMSprop"
    kind: Literal["rmsprop"]
    lr: LearningRate = 1e-2
    alpha: Decay = Field(0.99, description="Smoothing of the squared gradients.")
    eps: Epsilon = 1e-8
    momentum: Decay = 0.0
    centered: bool = Field(False, description="Divide by the variance of the gradients instead.")

    def state(self, vector: Tensor) -> dict[str, Tensor]:
        """Return the running means that its options need, and the number of steps."""
        import torch

        names = ["square"]
        names += ["mean"] if self.centered else []
        names += ["momentum"] if self.momentum > 0 else []
        means = {name: vector.new_zeros(vector.shape) for name in names}
        return {**means, "steps": torch.zeros(())}  # on the CPU wherever the vector is

    def move(self, parameters: FlatParameters, state: Mapping[str, Tensor], lr: float) -> None:
        """See FlatOptimizer."""
        from torch.optim.rmsprop import rmsprop

        rmsprop(
            [parameters.vector],
            [parameters.gradient],
            [state["square"]],
            [state["mean"]] if self.centered else [],
            [state["momentum"]] if self.momentum > 0 else [],
            [state["steps"]],
            foreach=False,  # torch has no fused RMSprop
            lr=lr,
            alpha=self.alpha,
            eps=self.eps,
            momentum=self.momentum,
            centered=self.centered,
            weight_decay=0.0,
        )
