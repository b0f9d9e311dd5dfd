"""What the optimizers of a sweep file have in common: a learning rate, and groups of parameters."""

from __future__ import annotations

from typing import Annotated, ClassVar, Self

from pydantic import Field, model_validator

from sweeps.models.errors import TrialConfigError
from sweeps.models.section import Section

__all__ = ["Decay", "Epsilon", "LearningRate", "OptimizerSection", "ParameterGroup", "WeightDecay"]

LearningRate = Annotated[
    float, Field(gt=0, le=1e6, description="Initial learning rate; the schedule changes it.")
]
Decay = Annotated[float, Field(ge=0, lt=1, description="Decay of a running mean, as in torch.")]
Epsilon = Annotated[float, Field(gt=0, le=1, description="Added to a divisor, for stability.")]
WeightDecay = Annotated[
    float,
    Field(ge=0, le=1e3, description="torch's own, on weights alone; not beside regularization.l2."),
]


class ParameterGroup(Section):
    """Parameters with a learning rate or weight decay of their own, as in torch's groups."""

    parameters: str = Field(
        min_length=1,
        description="Names of parameters; * matches any characters: backbone.*. The first group "
        "that matches counts.",
    )
    lr: float | None = Field(
        None,
        ge=0,
        le=1e6,
        description="Learning rate of the group; the schedule scales all groups alike. 0: frozen.",
    )
    lr_factor: float | None = Field(
        None,
        ge=0,
        le=1e6,
        description="Instead of lr: a factor of the optimizer's. 0: frozen, until `changes` says "
        "otherwise.",
    )
    weight_decay: float | None = Field(
        None, ge=0, le=1e3, description="Instead of the optimizer's, for these weights."
    )

    @model_validator(mode="after")
    def _changes_something_once(self) -> Self:
        given = [self.lr, self.lr_factor, self.weight_decay]
        if all(one is None for one in given):
            raise ValueError("a group needs lr, lr_factor or weight_decay")
        if self.lr is not None and self.lr_factor is not None:
            raise ValueError("a group may have lr or lr_factor, not both")
        return self

    def lr_at(self, base_lr: float) -> float:
        """Return the group's learning rate where the optimizer's is `base_lr`."""
        if self.lr is not None:
            return self.lr
        return base_lr if self.lr_factor is None else base_lr * self.lr_factor


class OptimizerSection(Section):
    """The keys of every optimizer; each kind adds its own and its `lr`.

    Attributes:
        decouples: Its weight decay shrinks weights apart from their gradients.
    """

    decouples: ClassVar[bool] = False
    groups: list[ParameterGroup] = Field(
        [], description="Parameters that learn at another rate, such as those of a backbone."
    )

    @model_validator(mode="after")
    def _groups_decay_only_where_the_optimizer_does(self) -> Self:
        has_decay = hasattr(self, "weight_decay")
        for group in self.groups:
            if group.weight_decay is not None and not has_decay:
                kind = getattr(self, "kind", "")
                raise TrialConfigError(
                    f"{kind} has no weight_decay, so its groups cannot have one",
                    key=("optimizer", "groups"),
                    value=group.weight_decay,
                    hint="Use adamw or regularization.l2, or remove it",
                )
        return self
