"""Optimizers of a user's own, good and bad, that the tests name by package.module:Class."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor


class Lion(torch.optim.Optimizer):
    """Lion (Chen et al., 2023)."""

    def __init__(
        self, params: Any, lr: float = 1e-4, betas: Any = (0.9, 0.99), weight_decay: float = 0.0
    ) -> None:
        super().__init__(params, {"lr": lr, "betas": betas, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Callable[[], Tensor] | None = None) -> None:
        if closure is not None:
            torch.enable_grad()(closure)()
        for group in self.param_groups:
            first, second = group["betas"]
            for one in group["params"]:
                mean = self.state[one].setdefault("mean", torch.zeros_like(one))
                one.mul_(1 - group["lr"] * group["weight_decay"])
                moved = (mean * first + one.grad * (1 - first)).sign()
                one.add_(moved, alpha=-group["lr"])
                mean.mul_(second).add_(one.grad, alpha=1 - second)


class Odd(torch.optim.Optimizer):
    """Keeps what torch's load_state_dict would not give back as it was, and draws from numpy."""

    def __init__(self, params: Any, lr: float = 0.1) -> None:
        super().__init__(params, {"lr": lr, "calls": 0})

    @torch.no_grad()
    def step(self, closure: Callable[[], Tensor] | None = None) -> None:
        for group in self.param_groups:
            group["calls"] += 1
            for one in group["params"]:
                state = self.state[one]
                if not state:
                    state["count"] = torch.tensor(2**24, dtype=torch.int64)
                    state["mask"] = torch.ones_like(one, dtype=torch.bool)
                    state["past"] = [(0.1, torch.zeros_like(one))]
                state["count"] += 1
                share = int(state["count"]) % 2 + np.random.rand()  # float32 has no odd ones there
                state["mask"] = one.grad > 0 if group["calls"] % 2 else ~state["mask"]
                state["past"] = [*state["past"][-2:], (share, one.grad.clone())]
                past = sum(weight * slope for weight, slope in state["past"])
                one.sub_(group["lr"] * past * state["mask"])


class Sam(torch.optim.Optimizer):
    """Sharpness-aware minimization (Foret et al., 2021): two gradients a step."""

    def __init__(self, params: Any, lr: float = 0.1, rho: float = 0.05) -> None:
        super().__init__(params, {"lr": lr, "rho": rho})

    @torch.no_grad()
    def step(self, closure: Callable[[], Tensor]) -> None:
        closure = torch.enable_grad()(closure)
        closure()
        every = [(one, group) for group in self.param_groups for one in group["params"]]
        norm = torch.stack([one.grad.norm() for one, _ in every]).norm() + 1e-12
        moves = [group["rho"] * one.grad / norm for one, group in every]
        for (one, _), move in zip(every, moves, strict=True):
            one.add_(move)
        closure()
        for (one, group), move in zip(every, moves, strict=True):
            one.sub_(move).sub_(one.grad, alpha=group["lr"])


def plain(params: Any, lr: float, momentum: float = 0.0) -> torch.optim.Optimizer:
    return torch.optim.SGD(params, lr=lr, momentum=momentum)


def nothing(params: Any, lr: float) -> None:
    return None


def merging(params: Any, lr: float) -> torch.optim.Optimizer:
    return torch.optim.SGD([one for group in params for one in group["params"]], lr=lr)


class Unsaved(torch.optim.SGD):
    """Keeps what cannot be saved."""

    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        super().step()
        self.state[self.param_groups[0]["params"][0]]["closure"] = object()
