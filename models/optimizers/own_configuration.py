"""The `optimizer` section of a user-defined class, or of a package's."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from sweeps.models.optimizers.section import LearningRate, OptimizerSection
from sweeps.models.own_code.roles import TARGET, free_names

__all__ = ["CustomOptimizer"]


class CustomOptimizer(OptimizerSection):
    """A user-defined optimizer: `target(params, lr=lr, **options)` returns a torch Optimizer."""

    kind: Literal["custom"]
    target: str = Field(
        pattern=f"^{TARGET}$",
        description="package.module:Class or :function, importable from where the program runs.",
    )
    lr: LearningRate
    options: Annotated[dict[str, Any], free_names("optimizer")] = Field(
        default_factory=dict, description="Keyword arguments of the class or function."
    )

    @property
    def weight_decay(self) -> Any:
        """The class's own weight decay as far as the file says it; 0 where it does not."""
        return self.options.get("weight_decay", 0.0)
