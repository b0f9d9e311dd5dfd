"""The `model` section: which net is trained."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import (
    Field,
    SerializerFunctionWrapHandler,
    field_validator,
    model_serializer,
    model_validator,
)

from sweeps.models.errors import TrialConfigError
from sweeps.models.own_code.roles import TARGET, free_names
from sweeps.models.section import Section

__all__ = [
    "Activation",
    "Cnn",
    "CustomNet",
    "Initialization",
    "Linear",
    "Mlp",
    "ModelConfig",
]

Activation = Literal["relu", "leaky_relu", "elu", "gelu", "silu", "tanh", "sigmoid"]
Normalization = Literal["none", "batch", "layer"]
Initialization = Literal["default", "xavier", "he", "orthogonal"]

_MOST_CHANNELS = 65_536


class Linear(Section):
    """One affine map: linear regression, or logistic and softmax regression on classes."""

    kind: Literal["linear"]


class Mlp(Section):
    """Hidden layers of equal width: affine, normalization, activation, dropout; then an affine."""

    kind: Literal["mlp"]
    hidden_layers: int = Field(1, ge=1, le=100, description="How many hidden layers.")
    hidden_units: int = Field(64, ge=1, le=65_536, description="Width of every hidden layer.")
    activation: Activation = Field("relu", description="After each hidden layer.")
    dropout: float = Field(0.0, ge=0, lt=1, description="Probability that a unit is dropped.")
    normalization: Normalization = Field("none", description="Before each activation.")
    initialization: Initialization = Field(
        "default", description="Of weights. default: torch's own; xavier, he: normal; biases 0."
    )
    embedding: Annotated[int, Field(ge=1, le=65_536)] | Literal["none", "fastai"] = Field(
        "none",
        description="Width of the learned vector of each category of a column of words, at most as "
        "many as the column has vectors. fastai: min(600, round(1.6 n^0.56)) for n vectors; none: "
        "one input of 0 or 1 a category.",
    )

    @field_validator("embedding", mode="before")
    @classmethod
    def _embedding_is_a_width_or_a_word(cls, embedding: object) -> object:
        is_width = type(embedding) is int and embedding >= 1
        if not is_width and embedding not in ("none", "fastai"):
            raise ValueError('must be a whole number, at least 1, or "fastai" or "none"')
        return embedding

    @model_serializer(mode="wrap")
    def _without_an_embedding_not_named(
        self, handler: SerializerFunctionWrapHandler
    ) -> dict[str, Any]:
        """Leave it out where nobody named it: trials of sweeps before keep their hashes."""
        values: dict[str, Any] = handler(self)
        if "embedding" not in self.model_fields_set:
            values.pop("embedding", None)
        return values


class Cnn(Section):
    """Convolutions that keep the image size, each then pooled; one hidden layer; an affine.

    Data must be images: (channels, height, width).
    """

    kind: Literal["cnn"]
    conv_layers: int = Field(2, ge=1, le=32, description="How many convolutions.")
    channels: int = Field(16, ge=1, le=4_096, description="Of the first layer.")
    channel_growth: int = Field(
        2, ge=1, le=4, description="Each layer has this many times the channels of the one before."
    )
    kernel_size: int = Field(3, ge=1, le=31, description="Odd: the image keeps its size.")
    pooling: Literal["max", "average", "none"] = Field(
        "max", description="Over 2 x 2 after each convolution, which halves the image; or none."
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
            raise ValueError("must be odd, so that an image keeps its size")
        return kernel_size

    @model_validator(mode="after")
    def _channels_stay_within_reason(self) -> Self:
        last = self.channels * self.channel_growth ** (self.conv_layers - 1)
        if last > _MOST_CHANNELS:
            raise TrialConfigError(
                f"no layer has more than {_MOST_CHANNELS:,} channels, and the last of "
                f"{self.conv_layers} would have {last:,}",
                key=("model", "conv_layers"),
                value=self.conv_layers,
                hint="Use fewer layers or channels, or channel_growth: 1",
            )
        return self


class CustomNet(Section):
    """A user-defined net: `function(input_shape, outputs, **options)` returns a Module."""

    kind: Literal["custom"]
    target: str = Field(
        pattern=f"^{TARGET}$",
        description="package.module:function, importable from where the program runs.",
    )
    options: Annotated[dict[str, Any], free_names("net")] = Field(
        default_factory=dict, description="Passed to the function as keywords."
    )


ModelConfig = Annotated[Linear | Mlp | Cnn | CustomNet, Field(discriminator="kind")]
