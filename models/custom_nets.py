"""The user's own net: found by `package.module:function`, built, and tried on two rows.

Whatever is wrong with it comes back as a NetError that names it, before any training.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from sweeps.models.errors import NetError
from sweeps.models.net_configuration import CustomNet
from sweeps.models.own_function import find_function

__all__ = ["build_custom_net"]

_TARGET = ("model", "target")


def build_custom_net(config: CustomNet, input_shape: tuple[int, ...], outputs: int) -> nn.Module:
    """The net that `function(input_shape=..., outputs=..., **options)` returns.

    Args:
        config: the function and its options.
        input_shape: of one row: (columns,), or (channels, height, width).
        outputs: number of classes, or 1; the net maps (rows, *input_shape) to (rows, outputs).

    Raises:
        NetError: the function is not found, fails, or returns something else than such a net.
    """
    function = find_function(config.target, NetError, _TARGET)
    try:
        net = function(input_shape=input_shape, outputs=outputs, **config.options)
    except Exception as err:
        called = ", ".join(["input_shape", "outputs", *config.options])
        rule = f"the function is called with {called}, and raised {err!r}"
        raise NetError(rule, key=_TARGET, value=config.target) from err
    if not isinstance(net, nn.Module):
        rule = f"the function returns a torch.nn.Module, and returned a {type(net).__name__}"
        raise NetError(rule, key=_TARGET, value=config.target)
    _try_out(net, config.target, input_shape, outputs)
    return net


def _try_out(net: nn.Module, target: str, input_shape: tuple[int, ...], outputs: int) -> None:
    """Runs two rows through; this also gives lazy layers their shapes."""
    try:
        with torch.no_grad():
            returned = net.eval()(torch.zeros(2, *input_shape))
    except Exception as err:
        rule = f"the net takes rows of shape {input_shape}, and raised {err!r}"
        raise NetError(rule, key=_TARGET, value=target) from err
    shape = tuple(returned.shape) if isinstance(returned, Tensor) else type(returned).__name__
    if shape != (2, outputs):
        rule = f"the net maps 2 rows to shape (2, {outputs}), and returned {shape}"
        raise NetError(rule, key=_TARGET, value=target)
    for name, value in net.state_dict().items():
        if not isinstance(value, Tensor):
            rule = f"a net's state is tensors, so that it can be saved; {name} is not"
            raise NetError(rule, key=_TARGET, value=target)
