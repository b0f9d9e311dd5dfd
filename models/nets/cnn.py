"""`kind: cnn`: convolutions that keep the image size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, Self

from pydantic import Field, field_validator, model_validator

from sweeps.models.errors import TrialConfigError
from sweeps.models.nets.net import Activation, Initialization, Net, weights_and_biases

if TYPE_CHECKING:
    from torch import nn

__all__ = ["Cnn"]

_MOST_CHANNELS = 65_536


class Cnn(Net):
    """Convolutions that keep the image size, each then pooled; one hidden layer; an affine.

    Data must be images: (channels, height, width).
    """

    kind: Literal["cnn"]
    conv_layers: int = Field(2, ge=1, le=32, description="Number of convolutions.")
    channels: int = Field(16, ge=1, le=4_096, description="Channels of the first layer.")
    channel_growth: int = Field(
        2, ge=1, le=4, description="Factor of channels from layer to layer."
    )
    kernel_size: int = Field(
        3, ge=1, le=31, description="Must be odd, so that the image keeps its size."
    )
    pooling: Literal["max", "average", "none"] = Field(
        "max", description="2 x 2 pooling after each convolution, which halves the image; or none."
    )
    hidden_units: int = Field(64, ge=1, le=65_536, description="Width of the hidden layer.")
    activation: Activation = Field("relu", description="After each hidden layer.")
    dropout: float = Field(0.0, ge=0, lt=1, description="Before the last layer.")
    normalization: Literal["none", "batch"] = Field("none", description="Before each activation.")
    initialization: Initialization = Field("default", description="Of weights, as for `mlp`.")

    @field_validator("kernel_size")
    @classmethod
    def _kernel_is_odd(cls, kernel_size: int) -> int:
        if kernel_size % 2 == 0:
            raise ValueError("must be odd, so that the image keeps its size")
        return kernel_size

    @model_validator(mode="after")
    def _channels_stay_within_reason(self) -> Self:
        last = self.channels * self.channel_growth ** (self.conv_layers - 1)
        if last > _MOST_CHANNELS:
            raise TrialConfigError(
                f"no layer may have more than {_MOST_CHANNELS:,} channels; the last of "
                f"{self.conv_layers} would have {last:,}",
                key=("model", "conv_layers"),
                value=self.conv_layers,
                hint="Use fewer layers or channels, or channel_growth: 1",
            )
        return self

    def parameter_names(self, dimensions: int, word_columns: int = 0) -> list[str]:
        """Return those of the convolutions, of the hidden layer and of the last one."""
        normalization = [True] if self.normalization == "batch" else []
        pooling = [False] if self.pooling != "none" else []
        convolution = [True, *normalization, False, *pooling]
        dropout = [False] if self.dropout > 0 else []
        hidden = [False, True, False, *dropout]
        return weights_and_biases([*convolution * self.conv_layers, *hidden, True])

    def build(
        self, input_shape: tuple[int, ...], outputs: int, categories: Sequence[int]
    ) -> nn.Module:
        """Return the layers; `input_shape` is (channels, height, width)."""
        from torch import nn

        from sweeps.models.nets.layers import activation, dropout, initialised

        channels, height, width = input_shape
        layers: list[nn.Module] = []
        for layer in range(self.conv_layers):
            wider = self.channels * self.channel_growth**layer
            layers.append(nn.Conv2d(channels, wider, self.kernel_size, padding="same"))
            channels = wider
            layers += [nn.BatchNorm2d(channels)] if self.normalization == "batch" else []
            layers.append(activation(self.activation))
            if self.pooling != "none":
                layers.append(nn.MaxPool2d(2) if self.pooling == "max" else nn.AvgPool2d(2))
                height, width = height // 2, width // 2
        layers += [nn.Flatten(), nn.Linear(channels * height * width, self.hidden_units)]
        layers += [activation(self.activation), *dropout(self.dropout)]
        net = nn.Sequential(*layers, nn.Linear(self.hidden_units, outputs))
        return initialised(net, self.initialization)
