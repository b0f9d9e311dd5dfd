"""Nets from their configuration: linear, MLP, CNN; the user's own are in custom.py.

Initial weights are drawn from torch's global generator. Outputs are logits, or one standardised
target: (rows, outputs).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from torch import Tensor, nn

from sweeps.models.nets.configuration import (
    Activation,
    Cnn,
    CustomNet,
    Initialization,
    Linear,
    Mlp,
    ModelConfig,
)
from sweeps.models.nets.custom import build_custom_net
from sweeps.models.nets.word_embedding import WordEmbedding

__all__ = ["build_net"]

_ACTIVATIONS: dict[Activation, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    "leaky_relu": nn.LeakyReLU,
    "elu": nn.ELU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
}


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
    match config:
        case Linear():
            return nn.Sequential(*_flatten(input_shape), nn.Linear(math.prod(input_shape), outputs))
        case Mlp():
            return _initialised(
                _mlp(config, input_shape, outputs, categories), config.initialization
            )
        case Cnn():
            return _initialised(_cnn(config, input_shape, outputs), config.initialization)


def _flatten(input_shape: tuple[int, ...]) -> list[nn.Module]:
    return [nn.Flatten()] if len(input_shape) > 1 else []


def _mlp(
    config: Mlp, input_shape: tuple[int, ...], outputs: int, categories: Sequence[int]
) -> nn.Sequential:
    layers = _flatten(input_shape)
    width = math.prod(input_shape)
    if config.embedding != "none":
        embedding = WordEmbedding(config.embedding, width, categories)
        layers.append(embedding)
        width = embedding.width
    for _ in range(config.hidden_layers):
        layers.append(nn.Linear(width, config.hidden_units))
        width = config.hidden_units
        if config.normalization == "batch":
            layers.append(nn.BatchNorm1d(width))
        elif config.normalization == "layer":
            layers.append(nn.LayerNorm(width))
        layers.append(_ACTIVATIONS[config.activation]())
        layers += _dropout(config.dropout)
    return nn.Sequential(*layers, nn.Linear(width, outputs))


def _cnn(config: Cnn, input_shape: tuple[int, ...], outputs: int) -> nn.Sequential:
    channels, height, width = input_shape
    activation = _ACTIVATIONS[config.activation]
    layers: list[nn.Module] = []
    for layer in range(config.conv_layers):
        wider = config.channels * config.channel_growth**layer
        layers.append(nn.Conv2d(channels, wider, config.kernel_size, padding="same"))
        channels = wider
        layers += [nn.BatchNorm2d(channels)] if config.normalization == "batch" else []
        layers.append(activation())
        if config.pooling != "none":
            layers.append(nn.MaxPool2d(2) if config.pooling == "max" else nn.AvgPool2d(2))
            height, width = height // 2, width // 2
    layers += [nn.Flatten(), nn.Linear(channels * height * width, config.hidden_units)]
    layers += [activation(), *_dropout(config.dropout)]
    return nn.Sequential(*layers, nn.Linear(config.hidden_units, outputs))


def _dropout(probability: float) -> list[nn.Module]:
    return [nn.Dropout(probability)] if probability > 0 else []


def _initialised(net: nn.Sequential, initialization: Initialization) -> nn.Sequential:
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
