"""What built-in nets are made of: layers that several of them have, and their first weights."""

from __future__ import annotations

from collections.abc import Callable

from torch import nn

from sweeps.models.nets.net import Activation, Initialization

__all__ = ["activation", "dropout", "flatten", "initialised"]

_ACTIVATIONS: dict[Activation, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    "leaky_relu": nn.LeakyReLU,
    "elu": nn.ELU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
}


def activation(name: Activation) -> nn.Module:
    """Return an activation by its name."""
    return _ACTIVATIONS[name]()


def flatten(input_shape: tuple[int, ...]) -> list[nn.Module]:
    """Return what makes one dimension of a row that has more; nothing for one that has not."""
    return [nn.Flatten()] if len(input_shape) > 1 else []


def dropout(probability: float) -> list[nn.Module]:
    """Return the layer; nothing where none is to be dropped."""
    return [nn.Dropout(probability)] if probability > 0 else []


def initialised(net: nn.Sequential, initialization: Initialization) -> nn.Sequential:
    """Draws the weights anew by Glorot and Bengio 2010, He et al. 2015 or Saxe et al. 2014."""
    if initialization == "default":
        return net
    for layer in net:
        if isinstance(layer, nn.Linear | nn.Conv2d):
            if initialization == "xavier":
                nn.init.xavier_normal_(layer.weight)
            elif initialization == "he":
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            else:
                nn.init.orthogonal_(layer.weight)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
    return net
