"""The user's own net: found by `package.module:function`, built, and tried on two rows.

Whatever is wrong with it comes back as a NetError that names it, before any training.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn

from sweeps.models.errors import NetError
from sweeps.models.nets.configuration import CustomNet
from sweeps.models.nets.forward import returned_by
from sweeps.models.own_code.finding import call_function
from sweeps.models.own_code.finding_apart import find_apart
from sweeps.models.own_code.net_parts import first_of
from sweeps.models.own_code.options_model import keywords_of

__all__ = ["build_custom_net"]

_TARGET = ("model", "target")
_ONE_LOGIT = (
    "For two classes, write `loss: {kind: binary_cross_entropy}` in `space`, which takes one "
    "output, or have the net return one per class"
)
# A mean and a variance, several quantiles, a risk: what only an own loss could read.
_OTHERWISE = (
    "One output per class or target, in order; a net with other outputs is trained by a loop of "
    "your own, `training: {kind: custom}`"
)


def build_custom_net(
    config: CustomNet,
    input_shape: tuple[int, ...] | dict[str, tuple[int, ...]],
    outputs: int,
    rows: Tensor | dict[str, Tensor] | None = None,
) -> nn.Module:
    """The net that `function(input_shape=..., outputs=..., **options)` returns.

    Args:
        config: the function and its options.
        input_shape: of one row: (columns,), or (channels, height, width); or one each by name.
        outputs: number of classes, or 1; the net maps (rows, *input_shape) to (rows, outputs).
        rows: two to try it on; else zeros, where a row is one tensor of a known shape.

    Raises:
        NetError: the function is not found, fails, or returns something else than such a net.
        TrialConfigError: its options break a rule of their own model.
    """
    function = find_apart(config.target, NetError, _TARGET)
    refused = partial(NetError, key=_TARGET, value=config.target)
    taken = ", ".join(["input_shape", "outputs", *config.options])
    options = keywords_of(function, "net", config.options)
    build = partial(function, input_shape=input_shape, outputs=outputs, **options)
    unfit = partial(refused, is_permanent=True)
    net = call_function(build, f"the function must take {taken}", refused, "the function")
    if not isinstance(net, nn.Module):
        raise unfit(f"the function must return a torch.nn.Module, not a {type(net).__name__}")
    is_known = not isinstance(input_shape, dict) and min(input_shape, default=0) >= 0
    if rows is None and is_known:
        rows = torch.zeros(2, *input_shape)
    if rows is not None:
        _try_out(net, config.target, rows, outputs)
    _check_state(net, unfit)
    return net


def _try_out(net: nn.Module, target: str, rows: Tensor | dict[str, Tensor], outputs: int) -> None:
    """Runs two rows through; this also gives lazy layers their shapes."""
    refused = partial(NetError, key=_TARGET, value=target)
    unfit = partial(refused, is_permanent=True, hint=_OTHERWISE)

    def tried() -> object:
        with torch.no_grad():
            return returned_by(net.eval(), rows)

    if isinstance(rows, dict):
        rule = f"the net must take {', '.join(rows)} as keywords"
    else:
        rule = f"the net must take rows of shape {tuple(rows.shape[1:])}"
    given = call_function(tried, rule, refused)
    returned = first_of(given)
    shape = tuple(returned.shape) if isinstance(returned, Tensor) else type(returned).__name__
    if shape != (2, outputs):
        hint = _ONE_LOGIT if outputs == 2 and shape in ((2, 1), (2,)) else ""
        raise unfit(f"the net must map 2 rows to shape (2, {outputs}), not to {shape}", hint=hint)
    assert isinstance(returned, Tensor)
    if not returned.is_floating_point():  # of complex ones half would be dropped without a word
        kind = str(returned.dtype).removeprefix("torch.")
        raise unfit(f"the net must return real numbers, such as float32, not {kind}")


def _check_state(net: nn.Module, unfit: Callable[[str], NetError]) -> None:
    for name, value in net.state_dict().items():
        if not isinstance(value, Tensor):
            raise unfit(f"a net's state must be tensors, so that it can be saved; {name} is not")
