"""Gradient accumulation: several batches of rows that make one step together."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

__all__ = ["Batches", "in_steps"]

# Of each batch its inputs, its targets, and its share of the step's rows; None for all of them.
Batches = Sequence[tuple[Tensor, Tensor, Tensor | None]]


def in_steps(batches: Iterator[tuple[Tensor, Tensor]], accumulate: int) -> Iterator[Batches]:
    """Yield the batches of each step; the last has those that are left.

    The shares weigh a batch's mean by its rows, as the mean over one larger batch would.
    """
    if accumulate == 1:
        yield from (((x, y, None),) for x, y in batches)
        return
    while together := list(itertools.islice(batches, accumulate)):
        rows = sum(len(y) for _, y in together)
        yield [(x, y, torch.tensor(len(y) / rows, device=x.device)) for x, y in together]
