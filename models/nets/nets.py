"""Nets from their configuration: the built-in ones, and the user's own.

Initial weights are drawn from torch's global generator. Outputs are logits, or one standardised
target: (rows, outputs).
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from sweeps.models.nets.configuration import CustomNet, ModelConfig
from sweeps.models.nets.custom import build_custom_net

__all__ = ["build_net"]


def build_net(
    config: ModelConfig,
    input_shape: tuple[int, ...] | dict[str, tuple[int, ...]],
    outputs: int,
    rows: Tensor | dict[str, Tensor] | None = None,
    *,
    categories: Sequence[int] = (),
) -> nn.Module:
    """A freshly initialised net on the CPU.

    Args:
        config: which net; `check_trial` has accepted it for this data.
        input_shape: of one row: (columns,), or (channels, height, width); or one each by name.
        outputs: number of classes, or 1.
        rows: two that an own net is tried on; else zeros, where a row is one tensor.
        categories: how many each column of words has; their 0 and 1 are a row's last columns.

    Raises:
        NetError: the user's own net cannot be found, built or run.
    """
    if isinstance(config, CustomNet):
        return build_custom_net(config, input_shape, outputs, rows)
    assert not isinstance(input_shape, dict), "check_trial refuses dictionaries"
    return config.build(input_shape, outputs, categories)
