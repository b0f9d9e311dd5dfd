"""How many threads torch computes with for a while."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

__all__ = ["one_thread"]


@contextmanager
def one_thread() -> Iterator[None]:
    """Have torch compute with one thread in the block, and as before after it.

    With more, large sums are taken in another order, so that their last bits depend on how many
    cores a machine has, and small ones cost more time in all than they save.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
