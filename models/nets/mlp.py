"""`kind: mlp`: hidden layers, of one width or each of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import (
    Field,
    SerializerFunctionWrapHandler,
    field_validator,
    model_serializer,
    model_validator,
)

from sweeps.models.errors import TrialConfigError
from sweeps.models.nets.net import Activation, Initialization, Net, weights_and_biases

if TYPE_CHECKING:
    from torch import nn

__all__ = ["Mlp"]


_Width = Annotated[int, Field(ge=1, le=65_536)]
_Share = Annotated[float, Field(ge=0, lt=1)]
# Of each: what it stands in place of. Only those that are named are written: trials of sweeps
# before keep their hashes.
_INSTEAD = {
    "hidden_layer_sizes": ("hidden_layers", "hidden_units"),
    "hidden_layer_dropout": ("dropout",),
}


class Mlp(Net):
    """Hidden layers, each an affine, normalization, activation and dropout; then an affine."""

    kind: Literal["mlp"]
    hidden_layers: int = Field(1, ge=1, le=100, description="Number of hidden layers.")
    hidden_units: int = Field(64, ge=1, le=65_536, description="Width of every hidden layer.")
    hidden_layer_sizes: list[_Width] = Field(
        [],
        max_length=100,
        description="Width of each hidden layer, in place of `hidden_layers` and `hidden_units`.",
    )
    activation: Activation = Field("relu", description="After each hidden layer.")
    dropout: float = Field(0.0, ge=0, lt=1, description="Probability that a unit is dropped.")
    hidden_layer_dropout: list[_Share] = Field(
        [],
        max_length=100,
        description="That of each hidden layer, in place of `dropout`; with `hidden_layer_sizes`.",
    )
    normalization: Literal["none", "batch", "layer"] = Field(
        "none", description="Before each activation."
    )
    initialization: Initialization = Field(
        "default", description="Of weights. default: torch's own; xavier, he: normal; biases 0."
    )
    embedding: Annotated[int, Field(ge=1, le=65_536)] | Literal["none", "fastai"] = Field(
        "none",
        description="Width of the learned vector of each category of a column of words, at most as "
        "many as the column has vectors. fastai: min(600, round(1.6 n^0.56)) for n vectors; none: "
        "one input of 0 or 1 a category.",
    )

    @model_validator(mode="after")
    def _layers_are_said_once(self) -> Self:
        for key, others in _INSTEAD.items():
            beside = [other for other in others if other in self.model_fields_set]
            if getattr(self, key) and beside:
                raise TrialConfigError(
                    f"`{key}` must stand in place of `{beside[0]}`, not beside it",
                    key=("model", beside[0]),
                    value=getattr(self, beside[0]),
                    hint="Remove one of the two",
                )
        given, layers = len(self.hidden_layer_dropout), len(self.hidden_layer_sizes)
        if given not in (0, layers):
            raise TrialConfigError(
                f"must have one value per entry of `hidden_layer_sizes`, {layers}; it has {given}",
                key=("model", "hidden_layer_dropout"),
                value=self.hidden_layer_dropout,
            )
        return self

    @field_validator("embedding", mode="before")
    @classmethod
    def _embedding_is_a_width_or_a_word(cls, embedding: object) -> object:
        is_width = type(embedding) is int and embedding >= 1
        if not is_width and embedding not in ("none", "fastai"):
            raise ValueError('must be a whole number, at least 1, or "fastai" or "none"')
        return embedding

    @model_serializer(mode="wrap")
    def _without_what_says_nothing(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out an embedding that nobody named, and what the layers do not follow from."""
        unused = {"embedding"} - self.model_fields_set
        for key, others in _INSTEAD.items():
            unused |= set(others) if getattr(self, key) else {key}
        return {key: value for key, value in handler(self).items() if key not in unused}

    def parameter_names(self, dimensions: int, word_columns: int = 0) -> list[str]:
        """Return those of the embedding, which comes first, and then those of the layers."""
        modules = [False] if dimensions > 1 else []
        embedded: list[str] = []
        if self.embedding != "none":
            embedded = [f"{len(modules)}.columns.{at}.weight" for at in range(word_columns)]
            modules.append(False)
        normalization = [True] if self.normalization != "none" else []
        for _, share in self._layers():
            modules += [True, *normalization, False, *([False] if share > 0 else [])]
        return embedded + weights_and_biases([*modules, True])

    def _layers(self) -> Iterator[tuple[int, float]]:
        """Give the width and the dropout of each hidden layer."""
        widths = self.hidden_layer_sizes or [self.hidden_units] * self.hidden_layers
        shares = self.hidden_layer_dropout or [self.dropout] * len(widths)
        return zip(widths, shares, strict=True)

    def build(
        self, input_shape: tuple[int, ...], outputs: int, categories: Sequence[int]
    ) -> nn.Module:
        """Return the layers, with an embedding of the words before them where one is asked for."""
        from torch import nn

        from sweeps.models.nets.layers import activation, dropout, flatten, initialised
        from sweeps.models.nets.word_embedding import WordEmbedding

        layers = flatten(input_shape)
        inputs = prod(input_shape)
        if self.embedding != "none":
            embedding = WordEmbedding(self.embedding, inputs, categories)
            layers.append(embedding)
            inputs = embedding.width
        for width, share in self._layers():
            layers.append(nn.Linear(inputs, width))
            inputs = width
            if self.normalization == "batch":
                layers.append(nn.BatchNorm1d(width))
            elif self.normalization == "layer":
                layers.append(nn.LayerNorm(width))
            layers += [activation(self.activation), *dropout(share)]
        return initialised(nn.Sequential(*layers, nn.Linear(inputs, outputs)), self.initialization)
