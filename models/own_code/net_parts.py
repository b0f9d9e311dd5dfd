"""What a user-defined net returns besides its answer: a tuple or a dictionary of tensors.

The first of them is the answer. They travel as one tensor, (rows, numbers), and `Parts` takes it
apart again for a user-defined loss.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

__all__ = ["Parts", "first_of", "parts_of", "together"]


@dataclass(frozen=True)
class Parts:
    """What the columns of a net's outputs are, where it returns several tensors.

    Attributes:
        names: of a dictionary; empty for a tuple.
        shapes: of one row of each; the first is what the net answers.
    """

    names: tuple[str, ...]
    shapes: tuple[tuple[int, ...], ...]

    def answers(self, outputs: Tensor) -> Tensor:
        """Return (rows, ...) the first of the tensors that (rows, numbers) are."""
        return outputs[:, : math.prod(self.shapes[0])]

    def apart(self, outputs: Tensor) -> Any:
        """Return what the net had returned, of outputs that `forward` gave."""
        sizes = [math.prod(shape) for shape in self.shapes]
        columns = torch.split(outputs, sizes, dim=1)
        tensors = [
            one.reshape(len(outputs), *shape)
            for one, shape in zip(columns, self.shapes, strict=True)
        ]
        return dict(zip(self.names, tensors, strict=True)) if self.names else tuple(tensors)


def together(returned: Any) -> Any:
    """Return several tensors as one, (rows, numbers); anything else as it is."""
    tensors = _tensors(returned)
    if tensors is None:
        return returned
    return torch.cat([one.reshape(len(one), -1) for one in tensors], dim=1)


def parts_of(returned: object) -> Parts | None:
    """Return what a net's outputs are, where it returned several tensors; else None."""
    tensors = _tensors(returned)
    if tensors is None:
        return None
    names = tuple(map(str, returned)) if isinstance(returned, Mapping) else ()
    return Parts(names, tuple(tuple(one.shape[1:]) for one in tensors))


def first_of(returned: object) -> object:
    """Return the first of several tensors, which is what a net answers; else what it returned."""
    tensors = _tensors(returned)
    return returned if tensors is None else tensors[0]


def _tensors(returned: object) -> list[Tensor] | None:
    """Return several tensors of the same rows, in their order; None for anything else."""
    values = list(returned.values()) if isinstance(returned, Mapping) else returned
    if not isinstance(values, list | tuple) or not values:
        return None
    tensors = [one for one in values if isinstance(one, Tensor) and one.ndim > 0]
    is_of_rows = len(tensors) == len(values) and len({len(one) for one in tensors}) == 1
    return tensors if is_of_rows else None
