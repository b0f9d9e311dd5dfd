"""The `optimizer` section: how gradients become steps. Names and defaults are torch's."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from sweeps.models.optimizers.adagrad import Adagrad
from sweeps.models.optimizers.adam import Adam, AdamW
from sweeps.models.optimizers.own_configuration import CustomOptimizer
from sweeps.models.optimizers.rmsprop import RmsProp
from sweeps.models.optimizers.sgd import Sgd
from sweeps.models.optimizers.torch_configuration import TorchOptimizer

__all__ = ["OptimizerConfig", "added_weight_decay"]


OptimizerConfig = Annotated[
    Sgd | Adam | AdamW | RmsProp | Adagrad | TorchOptimizer | CustomOptimizer,
    Field(discriminator="kind"),
]


def added_weight_decay(config: OptimizerConfig) -> float:
    """Return the largest weight decay that an optimizer adds to gradients, as an L2 penalty does.

    Decoupled decay is none: weights shrink apart from their gradients. A user-defined optimizer
    counts as one that adds it.
    """
    if config.decouples or getattr(config, "decoupled_weight_decay", False):
        return 0.0
    own: float = getattr(config, "weight_decay", 0.0) or 0.0
    return max([own, *(group.weight_decay or 0.0 for group in config.groups)])
