"""The contract of built-in nets: each is a file with its section, which names and builds it.

Imports no torch, so that a sweep file is checked at once: a section imports what it builds with.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Literal

from sweeps.models.section import Section

if TYPE_CHECKING:
    from torch import nn

__all__ = ["Activation", "Initialization", "Net", "weights_and_biases"]

Activation = Literal["relu", "leaky_relu", "elu", "gelu", "silu", "tanh", "sigmoid"]
Initialization = Literal["default", "xavier", "he", "orthogonal"]


class Net(Section):
    """A net of the product's own: outputs are logits, or one standardised target a column."""

    @abstractmethod
    def parameter_names(self, dimensions: int, word_columns: int = 0) -> list[str]:
        """Return the names of the net's parameters in its own order, told without building it.

        Args:
            dimensions: of one row: 1 of a table, 3 of images.
            word_columns: how many columns of words a table has.
        """

    @abstractmethod
    def build(
        self, input_shape: tuple[int, ...], outputs: int, categories: Sequence[int]
    ) -> nn.Module:
        """Return a freshly initialised net on the CPU: (rows, *input_shape) to (rows, outputs).

        Args:
            input_shape: of one row: (columns,), or (channels, height, width).
            outputs: number of classes, or of targets.
            categories: how many each column of words has; their 0 and 1 are a row's last columns.
        """


def weights_and_biases(modules: Iterable[bool]) -> list[str]:
    """Return the names in a sequence of modules, of each whether it has parameters."""
    holders = [at for at, has_any in enumerate(modules) if has_any]
    return [f"{at}.{kind}" for at in holders for kind in ("weight", "bias")]
