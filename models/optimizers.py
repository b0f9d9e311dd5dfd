"""Optimizers: torch's own arithmetic (`torch.optim.adam.adam` and its kin) on one flat vector.

The functions are used rather than the classes because the first call of a class imports
`torch._dynamo`, 1 to 2 s in every worker process, and because one vector costs one call a step.
"""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor
from torch.optim.adagrad import adagrad
from torch.optim.adam import adam
from torch.optim.rmsprop import rmsprop
from torch.optim.sgd import sgd

from sweeps.models.flat_parameters import FlatParameters
from sweeps.models.optimizer_configuration import (
    Adagrad,
    Adam,
    AdamW,
    OptimizerConfig,
    RmsProp,
    Sgd,
)

__all__ = ["Optimizer", "build_optimizer"]


class Optimizer(Protocol):
    """Turns gradients into steps.

    Attributes:
        state: everything that steps depend on besides parameters and gradients, changed in place.
    """

    state: dict[str, Tensor]

    def step(self, lr: float) -> None:
        """Moves the parameters against their gradients at a learning rate."""


def build_optimizer(config: OptimizerConfig, parameters: FlatParameters) -> Optimizer:
    """The optimizer of a configuration, which will move these parameters in place.

    The learning rate of the configuration is left to the schedule.
    """
    match config:
        case Sgd():
            return _SgdSteps(config, parameters)
        case Adam() | AdamW():
            return _AdamSteps(config, parameters)
        case RmsProp():
            return _RmsPropSteps(config, parameters)
        case Adagrad():
            return _AdagradSteps(config, parameters)


class _SgdSteps:
    def __init__(self, config: Sgd, parameters: FlatParameters) -> None:
        self._config = config
        self._parameters = parameters
        self.state: dict[str, Tensor] = {}
        if config.momentum > 0:
            self.state["momentum"] = torch.zeros_like(parameters.vector)

    def step(self, lr: float) -> None:
        sgd(
            [self._parameters.vector],
            [self._parameters.gradient],
            [self.state.get("momentum")],
            fused=True,
            lr=lr,
            momentum=self._config.momentum,
            nesterov=self._config.nesterov,
            dampening=0.0,
            weight_decay=0.0,
            maximize=False,
        )


class _AdamSteps:
    """Adam, and AdamW whose decay acts on weights only (see FlatParameters)."""

    def __init__(self, config: Adam | AdamW, parameters: FlatParameters) -> None:
        self._config = config
        self._parameters = parameters
        self._decay = config.weight_decay if isinstance(config, AdamW) else 0.0
        vector = parameters.vector
        self.state = {
            "mean": torch.zeros_like(vector),
            "square": torch.zeros_like(vector),
            "steps": torch.zeros((), device=vector.device),
        }

    def step(self, lr: float) -> None:
        if self._decay > 0:
            self._parameters.weights.mul_(1 - lr * self._decay)
        adam(
            [self._parameters.vector],
            [self._parameters.gradient],
            [self.state["mean"]],
            [self.state["square"]],
            [],
            [self.state["steps"]],
            fused=True,
            lr=lr,
            beta1=self._config.beta1,
            beta2=self._config.beta2,
            eps=self._config.eps,
            amsgrad=False,
            weight_decay=0.0,
            maximize=False,
        )


class _RmsPropSteps:
    def __init__(self, config: RmsProp, parameters: FlatParameters) -> None:
        self._config = config
        self._parameters = parameters
        names = ["square"]
        names += ["mean"] if config.centered else []
        names += ["momentum"] if config.momentum > 0 else []
        self.state = {name: torch.zeros_like(parameters.vector) for name in names}
        self.state["steps"] = torch.zeros(())

    def step(self, lr: float) -> None:
        rmsprop(
            [self._parameters.vector],
            [self._parameters.gradient],
            [self.state["square"]],
            [self.state["mean"]] if self._config.centered else [],
            [self.state["momentum"]] if self._config.momentum > 0 else [],
            [self.state["steps"]],
            foreach=False,  # torch has no fused RMSprop
            lr=lr,
            alpha=self._config.alpha,
            eps=self._config.eps,
            momentum=self._config.momentum,
            centered=self._config.centered,
            weight_decay=0.0,
        )


class _AdagradSteps:
    def __init__(self, config: Adagrad, parameters: FlatParameters) -> None:
        self._config = config
        self._parameters = parameters
        start = config.initial_accumulator_value
        self.state = {
            "square_sum": torch.full_like(parameters.vector, start),
            "steps": torch.zeros(()),
        }
        # On a GPU torch's plain kernels do: only the CPU's fused one is held by a test here.
        self._fused = parameters.vector.device.type == "cpu"

    def step(self, lr: float) -> None:
        adagrad(
            [self._parameters.vector],
            [self._parameters.gradient],
            [self.state["square_sum"]],
            [self.state["steps"]],
            fused=self._fused,
            foreach=False,
            lr=lr,
            lr_decay=self._config.lr_decay,
            eps=self._config.eps,
            weight_decay=0.0,
            maximize=False,
        )
