"""Optimizers that are classes of torch's kind: torch's own by name, and those of a user.

They move the net's parameters, which stay views of the flat vector, so that penalties, clipping
and the zeroing of gradients are what they are for the optimizers of `optimizers`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor

from sweeps.models.errors import NetError
from sweeps.models.optimizers.flat_parameters import FlatParameters
from sweeps.models.optimizers.own_configuration import CustomOptimizer
from sweeps.models.optimizers.parameter_groups import Group, groups_of
from sweeps.models.optimizers.section import OptimizerSection
from sweeps.models.optimizers.state import state_from_tensors, state_tensors
from sweeps.models.own_code.finding import call_function
from sweeps.models.own_code.finding_apart import find_apart
from sweeps.models.own_code.options_model import keywords_of

__all__ = ["TorchSteps", "own_steps", "torch_groups", "torch_steps"]

_NEEDED = ("param_groups", "step", "state_dict", "load_state_dict")


class TorchSteps:
    """The steps of a torch optimizer; its learning rates are set anew at each."""

    def __init__(self, optimizer: torch.optim.Optimizer, groups: Sequence[Group]) -> None:
        """Takes an optimizer that was made of these groups, in their order."""
        self._optimizer = optimizer
        self._groups = groups
        self._takes_closure = _needs_closure(optimizer)

    def step(self, lr: float, gradients: Callable[[], Tensor]) -> Tensor:
        """See Optimizer."""
        for live, group in zip(self._optimizer.param_groups, self._groups, strict=True):
            live["lr"] = lr * group.lr_factor
        if not self._takes_closure:
            loss = gradients()
            self._optimizer.step()
            return loss
        losses: list[Tensor] = []

        def evaluated() -> Tensor:
            with torch.enable_grad():
                losses.append(gradients())
            return losses[-1]

        self._optimizer.step(evaluated)  # type: ignore[arg-type]  # torch takes tensors, too
        return losses[0]

    def change(self, keywords: Mapping[str, Any], groups: Sequence[Group]) -> None:
        """Goes on with other numbers, and keeps the state.

        Args:
            keywords: with which the class would be built now.
            groups: as before, but for their numbers.
        """
        self._groups = groups
        for live, group in zip(self._optimizer.param_groups, groups, strict=True):
            own = {} if group.weight_decay is None else {"weight_decay": group.weight_decay}
            taken = {**keywords, **own}
            live.update({name: taken[name] for name in taken.keys() & live.keys()})

    def tensors(self) -> dict[str, Tensor]:
        """See Optimizer."""
        return state_tensors(self._optimizer.state_dict())

    def restore(self, named: Mapping[str, Tensor]) -> None:
        """See Optimizer."""
        saved = state_from_tensors(named)
        self._optimizer.load_state_dict(saved)
        # torch makes the state of a float parameter float: a mask or a count would be another.
        every = [one for group in self._optimizer.param_groups for one in group["params"]]
        for number, state in saved["state"].items():
            live = self._optimizer.state[every[number]]
            for name, value in state.items():
                if isinstance(value, Tensor) and live[name].dtype != value.dtype:
                    live[name] = value.to(live[name].device)


def torch_steps(
    config: OptimizerSection, made_by: tuple[str, dict[str, Any]], parameters: FlatParameters
) -> TorchSteps:
    """Return the steps of a class of torch.optim.

    Args:
        config: has the groups of parameters.
        made_by: the name of the class, and its keywords with lr.

    Raises:
        TrialConfigError: a group has no parameter.
    """
    name, keywords = made_by
    groups = torch_groups(config, parameters, keywords["lr"])
    in_torch = [group.for_torch(keywords["lr"]) for group in groups]
    return TorchSteps(getattr(torch.optim, name)(in_torch, **keywords), groups)


def torch_groups(config: OptimizerSection, parameters: FlatParameters, lr: float) -> list[Group]:
    """Return the groups of a net as an optimizer of torch's gets them; L-BFGS takes only one.

    Raises:
        TrialConfigError: a group has no parameter.
    """
    if getattr(config, "kind", "") == "LBFGS":
        return [Group(tuple(parameters.named.values()))]
    return groups_of(config.groups, parameters, lr)


def own_steps(config: CustomOptimizer, parameters: FlatParameters) -> TorchSteps:
    """Return the steps of a user-defined optimizer.

    Raises:
        NetError: it is not found, fails, or is not a torch optimizer.
        TrialConfigError: a group has no parameter, or its options break a rule of their own model.
    """
    groups = groups_of(config.groups, parameters, config.lr)
    refused = partial(NetError, key=("optimizer", "target"), value=config.target)
    found = find_apart(config.target, NetError, ("optimizer", "target"))
    taken = ", ".join(["params", "lr", *config.options])
    in_torch = [group.for_torch(config.lr) for group in groups]
    options = keywords_of(found, "optimizer", config.options)
    build = partial(found, in_torch, lr=config.lr, **options)
    optimizer = call_function(build, f"the target must take {taken}", refused, "the target")
    lacking = [name for name in _NEEDED if not hasattr(optimizer, name)]
    if lacking:
        kind = type(optimizer).__name__
        raise refused(
            f"the target must return a torch.optim.Optimizer; a {kind} has no {lacking[0]}"
        )
    if len(optimizer.param_groups) != len(groups):
        raise refused(
            f"the optimizer must keep the {len(groups)} parameter groups it is given; it has "
            f"{len(optimizer.param_groups)}"
        )
    return TorchSteps(optimizer, groups)


def _needs_closure(optimizer: torch.optim.Optimizer) -> bool:
    """Return whether `step` has an argument without a default: the closure."""
    arguments = inspect.signature(optimizer.step).parameters.values()
    positional = (one for one in arguments if one.kind is one.POSITIONAL_OR_KEYWORD)
    return any(one.default is one.empty for one in positional)
