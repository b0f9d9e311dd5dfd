"""`kind: sgd`: gradient descent, with momentum where it is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field, ValidationInfo, field_validator

from sweeps.models.optimizers.flat_optimizer import FlatOptimizer
from sweeps.models.optimizers.section import Decay, LearningRate

if TYPE_CHECKING:
    from torch import Tensor

    from sweeps.models.optimizers.flat_parameters import FlatParameters

__all__ = ["Sgd"]


class Sgd(FlatOptimizer):
    """Gradient descent: batch, mini-batch or stochastic by `training.batch_size`."""

    in_torch: ClassVar[str] = "SGD"
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

    def state(self, vector: Tensor) -> dict[str, Tensor]:
        """Return the momentum, where there is one."""
        return {"momentum": vector.new_zeros(vector.shape)} if self.momentum > 0 else {}

    def move(self, parameters: FlatParameters, state: Mapping[str, Tensor], lr: float) -> None:
        """See FlatOptimizer."""
        from torch.optim.sgd import sgd

        sgd(
            [parameters.vector],
            [parameters.gradient],
            [state.get("momentum")],
            fused=True,
            lr=lr,
            momentum=self.momentum,
            nesterov=self.nesterov,
            dampening=0.0,
            weight_decay=0.0,
            maximize=False,
        )
