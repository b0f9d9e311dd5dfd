"""Calling a net with what a batch holds: one tensor, or tensors by name."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

__all__ = ["forward"]


def forward(net: nn.Module, x: Tensor | dict[str, Tensor]) -> Any:
    """Return `net(x)` of a tensor, and `net(**x)` of a dictionary."""
    return net(**x) if isinstance(x, dict) else net(x)
