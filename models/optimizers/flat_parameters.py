"""All trainable parameters of a net as one vector, so that a step is a handful of operations.

The net's parameters are views of the vector: what changes one changes the other.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from sweeps.models.errors import NetError

__all__ = ["FlatParameters"]


class FlatParameters:
    """A net's trainable parameters and their gradients, as two vectors.

    Weights, which penalties and decay act on, come first: the parameters of two or more
    dimensions. Biases and the scales of a normalization have one.

    Attributes:
        vector: (n,) float32, the parameters.
        gradient: (n,) float32; `backward()` adds to it, so it is zeroed before each step.
        weights: (w,) the part of `vector` that holds weights.
        weights_gradient: (w,) the part of `gradient` that belongs to them.
        named: the parameters that are trained, views of `vector`, by their names in the net.
    """

    def __init__(self, net: nn.Module) -> None:
        """Moves the net's parameters into one vector; they stay the same Parameter objects.

        Raises:
            NetError: nothing to train, or parameters that are not float32 on one device.
        """
        self.named = {name: one for name, one in net.named_parameters() if one.requires_grad}
        trained = list(self.named.values())
        _check(trained)
        # sorted() is stable: weights first, both parts in the net's own order.
        ordered = sorted(trained, key=lambda parameter: parameter.ndim < 2)
        self.vector = torch.cat([parameter.detach().reshape(-1) for parameter in ordered])
        self.gradient = torch.zeros_like(self.vector)
        _point_into(self.vector, self.gradient, ordered)
        n_weights = sum(parameter.numel() for parameter in ordered if parameter.ndim >= 2)
        self.weights = self.vector[:n_weights]
        self.weights_gradient = self.gradient[:n_weights]


def _point_into(vector: Tensor, gradient: Tensor, parameters: Sequence[nn.Parameter]) -> None:
    sizes = [parameter.numel() for parameter in parameters]
    slices = zip(parameters, torch.split(vector, sizes), torch.split(gradient, sizes), strict=True)
    for parameter, values, slopes in slices:
        parameter.data = values.view(parameter.shape)
        parameter.grad = slopes.view(parameter.shape)


def _check(parameters: Sequence[nn.Parameter]) -> None:
    if not parameters:
        raise NetError("the net must have at least one parameter to train", key=("model", "target"))
    kinds = {(parameter.dtype, parameter.device) for parameter in parameters}
    if len(kinds) > 1 or parameters[0].dtype != torch.float32:
        found = ", ".join(sorted(f"{dtype} on {device}" for dtype, device in kinds))
        raise NetError(
            f"a net's parameters must be float32 on one device, not {found}",
            key=("model", "target"),
            hint="For bf16 set training.precision; leave moving to a device to the training",
        )
