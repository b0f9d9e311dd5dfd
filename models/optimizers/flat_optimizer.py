"""The contract of optimizers on the flat vector: each is a file with its section, which moves it.

They call torch's own arithmetic (`torch.optim.adam.adam` and its kin) rather than its classes: the
first call of a class imports `torch._dynamo`, 1 to 2 s in every worker process, and one vector
costs one call a step. Imports no torch, so that a sweep file is checked at once.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from sweeps.models.optimizers.section import OptimizerSection

if TYPE_CHECKING:
    from torch import Tensor

    from sweeps.models.optimizers.flat_parameters import FlatParameters

__all__ = ["FlatOptimizer"]


class FlatOptimizer(OptimizerSection):
    """The keys of an optimizer, the tensors that it keeps, and its step.

    Attributes:
        in_torch: The class of torch.optim with the same steps: it takes parameters in groups.
    """

    in_torch: ClassVar[str]

    @abstractmethod
    def state(self, vector: Tensor) -> dict[str, Tensor]:
        """Return all that steps depend on besides parameters and gradients, before the first.

        Args:
            vector: (n,) the parameters, which the state must not change.
        """

    @abstractmethod
    def move(self, parameters: FlatParameters, state: Mapping[str, Tensor], lr: float) -> None:
        """Move the parameters against their gradients; changes them and the state in place."""

    def keywords(self) -> dict[str, Any]:
        """Return what the class in torch is called with besides its parameters, lr included."""
        return self.model_dump(exclude={"kind", "groups"})
