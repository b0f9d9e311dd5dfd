"""Columns of words as learned vectors: the first module of a net that has an `embedding`.

Entity embeddings of categorical variables (Guo and Berkhahn 2016, arXiv:1604.06737).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn

__all__ = ["WordEmbedding"]


class WordEmbedding(nn.Module):
    """Puts a learned vector in the place of each column of words; numbers stay as they are.

    Words that no train row has, and missing ones, share a vector of their own: zeros, as long as
    no train row has any.

    Attributes:
        width: numbers of a row that come out.
    """

    def __init__(
        self, width: int | Literal["fastai"], inputs: int, categories: Sequence[int]
    ) -> None:
        """Draws the vectors from a normal distribution, as torch does.

        Args:
            width: of the vectors, or the rule that it follows.
            inputs: numbers of a row that go in; the last ones are the categories' 0 and 1.
            categories: how many each column of words has.
        """
        super().__init__()
        self._sizes = [inputs - sum(categories), *categories]
        # One more than there are categories: a row without a 1 has a word that is none of them.
        columns = [nn.Embedding(n + 1, _width(width, n + 1)) for n in categories]
        with torch.no_grad():
            for column in columns:
                column.weight[-1] = 0
        self.columns = nn.ModuleList(columns)
        self.width = self._sizes[0] + sum(column.embedding_dim for column in columns)

    def forward(self, x: Tensor) -> Tensor:
        """(rows, width) of (rows, inputs)."""
        numbers, *blocks = torch.split(x, self._sizes, dim=1)
        vectors = [
            column(_places(block)) for column, block in zip(self.columns, blocks, strict=True)
        ]
        return torch.cat([numbers, *vectors], dim=1)


def _places(block: Tensor) -> Tensor:
    """(rows,) which category a row has, and their number where it has none; of (rows, n)."""
    most, place = block.max(dim=1)
    return torch.where(most > 0, place, block.shape[1])


def _width(chosen: int | Literal["fastai"], vectors: int) -> int:
    """The width of a column's vectors; the rule is `emb_sz_rule` of fastai 2."""
    width = min(600, round(1.6 * vectors**0.56)) if chosen == "fastai" else chosen
    return min(width, vectors)
