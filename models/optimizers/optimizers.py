"""Optimizers by their sections: on one flat vector, or classes of torch's kind.

Those on the vector say in their sections how they step; the others are in `torch_optimizers`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from torch import Tensor

from sweeps.models.optimizers.configuration import OptimizerConfig
from sweeps.models.optimizers.flat_optimizer import FlatOptimizer
from sweeps.models.optimizers.flat_parameters import FlatParameters
from sweeps.models.optimizers.own_configuration import CustomOptimizer
from sweeps.models.optimizers.torch_configuration import TorchOptimizerSection
from sweeps.models.optimizers.torch_optimizers import (
    TorchSteps,
    own_steps,
    torch_groups,
    torch_steps,
)

__all__ = ["Optimizer", "build_optimizer", "change_optimizer"]


class Optimizer(Protocol):
    """Turns gradients into steps."""

    def step(self, lr: float, gradients: Callable[[], Tensor]) -> Tensor:
        """Moves the parameters against their gradients at a learning rate.

        Args:
            gradients: puts the gradients in place of the parameters as they are, and returns the
                loss; called once, and more often by those that search along a line.

        Returns:
            The loss where the step began.
        """

    def tensors(self) -> dict[str, Tensor]:
        """All that steps depend on besides parameters and gradients, by name."""

    def restore(self, named: Mapping[str, Tensor]) -> None:
        """Continues from `tensors()`.

        Raises:
            KeyError: a tensor is missing.
            RuntimeError: a tensor has another shape.
        """


def build_optimizer(config: OptimizerConfig, parameters: FlatParameters) -> Optimizer:
    """The optimizer of a configuration, which will move these parameters in place.

    The learning rate of the configuration is left to the schedule.

    Raises:
        ModelError: a group has no parameter, or the user's own optimizer does not work.
    """
    if isinstance(config, CustomOptimizer):
        return own_steps(config, parameters)
    if isinstance(config, TorchOptimizerSection):
        return torch_steps(config, (config.kind, config.keywords()), parameters)
    if config.groups:
        return torch_steps(config, (config.in_torch, config.keywords()), parameters)
    return FlatSteps(config, parameters)


def change_optimizer(
    optimizer: Optimizer, config: OptimizerConfig, parameters: FlatParameters
) -> None:
    """Has an optimizer go on by a configuration with other numbers, with the state that it has."""
    if isinstance(optimizer, TorchSteps):
        groups = torch_groups(config, parameters, config.lr)
        optimizer.change(_keywords_of(config), groups)
    elif isinstance(optimizer, FlatSteps) and isinstance(config, FlatOptimizer):
        optimizer.change(config)


def _keywords_of(config: OptimizerConfig) -> dict[str, Any]:
    """Return with what torch's class would be built now; of a user's class, its rate alone."""
    return {"lr": config.lr} if isinstance(config, CustomOptimizer) else config.keywords()


class FlatSteps:
    """The steps of an optimizer on the flat vector; all that they depend on is changed in place."""

    def __init__(self, config: FlatOptimizer, parameters: FlatParameters) -> None:
        """Takes what will be moved."""
        self._config = config
        self._parameters = parameters
        self.state = config.state(parameters.vector)

    def step(self, lr: float, gradients: Callable[[], Tensor]) -> Tensor:
        """See Optimizer."""
        loss = gradients()
        self._config.move(self._parameters, self.state, lr)
        return loss

    def change(self, config: FlatOptimizer) -> None:
        """Goes on with other numbers, and keeps the state."""
        self._config = config

    def tensors(self) -> dict[str, Tensor]:
        """See Optimizer."""
        return self.state

    def restore(self, named: Mapping[str, Tensor]) -> None:
        """See Optimizer."""
        for name, tensor in self.state.items():
            tensor.copy_(named[name])
