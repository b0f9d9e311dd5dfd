"""Calling a net with what a batch holds: one tensor, or tensors by name."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from sweeps.models.own_code.net_parts import together

__all__ = ["forward", "returned_by"]


def returned_by(net: nn.Module, x: Tensor | dict[str, Tensor]) -> Any:
    """Return `net(x)` of a tensor, and `net(**x)` of a dictionary, as the net gives it."""
    return net(**x) if isinstance(x, dict) else net(x)


def forward(net: nn.Module, x: Tensor | dict[str, Tensor]) -> Any:
    """Return what `returned_by` does, with several tensors as one."""
    return together(returned_by(net, x))
