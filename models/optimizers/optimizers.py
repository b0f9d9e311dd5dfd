"""Optimizers: torch's own arithmetic (`torch.optim.adam.adam` and its kin) on one flat vector.

Others of torch's, those of a user and groups of parameters are in `torch_optimizers`.

The functions are used rather than the classes because the first call of a class imports
`torch._dynamo`, 1 to 2 s in every worker process, and because one vector costs one call a step.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.optim.adagrad import adagrad
from torch.optim.adam import adam
from torch.optim.rmsprop import rmsprop
from torch.optim.sgd import sgd

from sweeps.models.optimizers.configuration import (
    Adagrad,
    Adam,
    AdamW,
    CustomOptimizer,
    OptimizerConfig,
    RmsProp,
    Sgd,
)
from sweeps.models.optimizers.flat_parameters import FlatParameters
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
        return torch_steps(config, _class_of(config), parameters)
    match config:
        case Sgd():
            return _SgdSteps(config, parameters)
        case Adam() | AdamW():
            return _AdamSteps(config, parameters)
        case RmsProp():
            return _RmsPropSteps(config, parameters)
        case Adagrad():
            return _AdagradSteps(config, parameters)


def change_optimizer(
    optimizer: Optimizer, config: OptimizerConfig, parameters: FlatParameters
) -> None:
    """Has an optimizer go on by a configuration with other numbers, with the state that it has."""
    if isinstance(optimizer, TorchSteps):
        groups = torch_groups(config, parameters, config.lr)
        optimizer.change(_keywords_of(config), groups)
    elif isinstance(optimizer, _FlatSteps):
        optimizer.change(config)


def _keywords_of(config: OptimizerConfig) -> dict[str, Any]:
    """Return with what torch's class would be built now; of a user's class, its rate alone."""
    if isinstance(config, CustomOptimizer):
        return {"lr": config.lr}
    if isinstance(config, TorchOptimizerSection):
        return config.keywords()
    return _class_of(config)[1]


def _class_of(config: Sgd | Adam | AdamW | RmsProp | Adagrad) -> tuple[str, dict[str, Any]]:
    """Return torch's class with the same steps, and its keywords."""
    keywords = config.model_dump(exclude={"kind", "groups"})
    if isinstance(config, Adam | AdamW):
        keywords["betas"] = (keywords.pop("beta1"), keywords.pop("beta2"))
    names = {"sgd": "SGD", "adam": "Adam", "adamw": "AdamW", "rmsprop": "RMSprop"}
    return names.get(config.kind, "Adagrad"), keywords


class _FlatSteps(ABC):
    """Steps of which all that they depend on is in tensors that are changed in place."""

    state: dict[str, Tensor]

    def step(self, lr: float, gradients: Callable[[], Tensor]) -> Tensor:
        loss = gradients()
        self._move(lr)
        return loss

    @abstractmethod
    def _move(self, lr: float) -> None: ...

    def change(self, config: Any) -> None:
        self._config = config

    def tensors(self) -> dict[str, Tensor]:
        return self.state

    def restore(self, named: Mapping[str, Tensor]) -> None:
        for name, tensor in self.state.items():
            tensor.copy_(named[name])


class _SgdSteps(_FlatSteps):
    def __init__(self, config: Sgd, parameters: FlatParameters) -> None:
        self._config = config
        self._parameters = parameters
        self.state = {}
        if config.momentum > 0:
            self.state["momentum"] = torch.zeros_like(parameters.vector)

    def _move(self, lr: float) -> None:
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


class _AdamSteps(_FlatSteps):
    """Adam, and AdamW whose decay acts on weights only (see FlatParameters)."""

    def __init__(self, config: Adam | AdamW, parameters: FlatParameters) -> None:
        self._config = config
        self._parameters = parameters
        vector = parameters.vector
        self.state = {
            "mean": torch.zeros_like(vector),
            "square": torch.zeros_like(vector),
            "steps": torch.zeros((), device=vector.device),
        }

    def _move(self, lr: float) -> None:
        decay = self._config.weight_decay if isinstance(self._config, AdamW) else 0.0
        if decay > 0:
            self._parameters.weights.mul_(1 - lr * decay)
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


class _RmsPropSteps(_FlatSteps):
    def __init__(self, config: RmsProp, parameters: FlatParameters) -> None:
        self._config = config
        self._parameters = parameters
        names = ["square"]
        names += ["mean"] if config.centered else []
        names += ["momentum"] if config.momentum > 0 else []
        self.state = {name: torch.zeros_like(parameters.vector) for name in names}
        self.state["steps"] = torch.zeros(())

    def _move(self, lr: float) -> None:
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


class _AdagradSteps(_FlatSteps):
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

    def _move(self, lr: float) -> None:
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
