"""`kind: adagrad`: gradients divided by the root of the sum of their squares."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from sweeps.models.optimizers.flat_optimizer import FlatOptimizer
from sweeps.models.optimizers.section import Epsilon, LearningRate

if TYPE_CHECKING:
    from torch import Tensor

    from sweeps.models.optimizers.flat_parameters import FlatParameters

__all__ = ["Adagrad"]


class Adagrad(FlatOptimizer):
    """Adagrad (Duchi et al., JMLR 2011)."""

    in_torch: ClassVar[str] = "Adagrad"
    kind: Literal["adagrad"]
    lr: LearningRate = 1e-2
    lr_decay: float = Field(0.0, ge=0, le=1e3, description="Divides the rate by 1 + step * this.")
    initial_accumulator_value: float = Field(
        0.0, ge=0, le=1e6, description="Sum of squared gradients to start from."
    )
    eps: Epsilon = 1e-10

    def state(self, vector: Tensor) -> dict[str, Tensor]:
        """Return the sum of squares, and the number of steps."""
        import torch

        start = torch.full_like(vector, self.initial_accumulator_value)
        return {"square_sum": start, "steps": torch.zeros(())}

    def move(self, parameters: FlatParameters, state: Mapping[str, Tensor], lr: float) -> None:
        """See FlatOptimizer."""
        from torch.optim.adagrad import adagrad

        adagrad(
            [parameters.vector],
            [parameters.gradient],
            [state["square_sum"]],
            [state["steps"]],
            # On a GPU torch's plain kernels do: only the CPU's fused one is held by a test here.
            fused=parameters.vector.device.type == "cpu",
            foreach=False,
            lr=lr,
            lr_decay=self.lr_decay,
            eps=self.eps,
            weight_decay=0.0,
            maximize=False,
        )
