"""Gradient accumulation: several batches of rows that make one step together."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from sweeps.models.training.device_data import Batch

__all__ = ["Batches", "in_steps"]

# Of each batch its share of the step's rows; None for all of them.
Batches = Sequence[tuple[Batch, Tensor | None]]


def in_steps(batches: Iterator[Batch], accumulate: int) -> Iterator[Batches]:
    """Yield the batches of each step; the last has those that are left.

    The shares weigh a batch's mean by its rows, as the mean over one larger batch would.
    """
    if accumulate == 1:
        yield from (((batch, None),) for batch in batches)
        return
    while together := list(itertools.islice(batches, accumulate)):
        rows = sum(len(y) for _, y, _ in together)
        yield [
            (batch, torch.tensor(len(batch[1]) / rows, device=batch[1].device))
            for batch in together
        ]
