"""Parameters of a net that are treated alike: torch's parameter groups, from a sweep file's.

Weights, the parameters of two or more dimensions, stand apart from biases and the scales of a
normalization, on which no decay acts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from torch import nn

from sweeps.models.optimizers.flat_parameters import FlatParameters
from sweeps.models.optimizers.group_patterns import names_by_group
from sweeps.models.optimizers.section import ParameterGroup

__all__ = ["Group", "groups_of"]


@dataclass(frozen=True)
class Group:
    """Parameters that are treated alike.

    Attributes:
        parameters: in the net's own order.
        lr_factor: how many times the optimizer's learning rate theirs is.
        weight_decay: theirs; None for the optimizer's.
    """

    parameters: tuple[nn.Parameter, ...]
    lr_factor: float = 1.0
    weight_decay: float | None = None

    def for_torch(self, lr: float) -> dict[str, Any]:
        """Return the group as torch's optimizers take it, at the optimizer's learning rate."""
        decay = {} if self.weight_decay is None else {"weight_decay": self.weight_decay}
        return {"params": list(self.parameters), "lr": lr * self.lr_factor, **decay}


def groups_of(
    sections: Sequence[ParameterGroup], parameters: FlatParameters, lr: float
) -> list[Group]:
    """Return the groups of a net: those of the sections, then the rest; of each, weights first.

    Args:
        lr: the optimizer's.

    Raises:
        TrialConfigError: a pattern has no parameter that is left.
    """
    *chosen, rest = names_by_group(sections, parameters.named)
    found: list[Group] = []
    for section, names in zip(sections, chosen, strict=True):
        factor = section.lr_at(lr) / lr
        found += _apart([parameters.named[name] for name in names], factor, section.weight_decay)
    return found + _apart([parameters.named[name] for name in rest], 1.0, None)


def _apart(
    parameters: Sequence[nn.Parameter], lr_factor: float, weight_decay: float | None
) -> list[Group]:
    weights = tuple(one for one in parameters if one.ndim >= 2)
    others = tuple(one for one in parameters if one.ndim < 2)
    groups = [Group(weights, lr_factor, weight_decay), Group(others, lr_factor, 0.0)]
    return [group for group in groups if group.parameters]
