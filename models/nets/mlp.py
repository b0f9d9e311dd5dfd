"""`kind: mlp`: hidden layers of equal width."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, SerializerFunctionWrapHandler, field_validator, model_serializer

from sweeps.models.nets.net import Activation, Initialization, Net, weights_and_biases

if TYPE_CHECKING:
    from torch import nn

__all__ = ["Mlp"]


class Mlp(Net):
    """Hidden layers of equal width: affine, normalization, activation, dropout; then an affine."""

    kind: Literal["mlp"]
    hidden_layers: int = Field(1, ge=1, le=100, description="Number of hidden layers.")
    hidden_units: int = Field(64, ge=1, le=65_536, description="Width of every hidden layer.")
    activation: Activation = Field("relu", description="After each hidden layer.")
    dropout: float = Field(0.0, ge=0, lt=1, description="Probability that a unit is dropped.")
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

    def parameter_names(self, dimensions: int, word_columns: int = 0) -> list[str]:
        """Return those of the embedding, which comes first, and then those of the layers."""
        modules = [False] if dimensions > 1 else []
        embedded: list[str] = []
        if self.embedding != "none":
            embedded = [f"{len(modules)}.columns.{at}.weight" for at in range(word_columns)]
            modules.append(False)
        normalization = [True] if self.normalization != "none" else []
        hidden = [True, *normalization, False, *([False] if self.dropout > 0 else [])]
        return embedded + weights_and_biases([*modules, *hidden * self.hidden_layers, True])

    def build(
        self, input_shape: tuple[int, ...], outputs: int, categories: Sequence[int]
    ) -> nn.Module:
        """Return the layers, with an embedding of the words before them where one is asked for."""
        from torch import nn

        from sweeps.models.nets.layers import activation, dropout, flatten, initialised
        from sweeps.models.nets.word_embedding import WordEmbedding

        layers = flatten(input_shape)
        width = prod(input_shape)
        if self.embedding != "none":
            embedding = WordEmbedding(self.embedding, width, categories)
            layers.append(embedding)
            width = embedding.width
        for _ in range(self.hidden_layers):
            layers.append(nn.Linear(width, self.hidden_units))
            width = self.hidden_units
            if self.normalization == "batch":
                layers.append(nn.BatchNorm1d(width))
            elif self.normalization == "layer":
                layers.append(nn.LayerNorm(width))
            layers += [activation(self.activation), *dropout(self.dropout)]
        return initialised(nn.Sequential(*layers, nn.Linear(width, outputs)), self.initialization)
