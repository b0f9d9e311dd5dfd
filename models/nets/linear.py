"""`kind: linear`: one affine map."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import TYPE_CHECKING, Literal

from sweeps.models.nets.net import Net, weights_and_biases

if TYPE_CHECKING:
    from torch import nn

__all__ = ["Linear"]


class Linear(Net):
    """One affine map: linear regression, or logistic and softmax regression on classes."""

    kind: Literal["linear"]

    def parameter_names(self, dimensions: int, word_columns: int = 0) -> list[str]:
        """Return those of the map, which comes after a flattening where rows are images."""
        return weights_and_biases([*([False] if dimensions > 1 else []), True])

    def build(
        self, input_shape: tuple[int, ...], outputs: int, categories: Sequence[int]
    ) -> nn.Module:
        """Return the map."""
        from torch import nn

        from sweeps.models.nets.layers import flatten

        return nn.Sequential(*flatten(input_shape), nn.Linear(prod(input_shape), outputs))
