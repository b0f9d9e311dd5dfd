"""Queries whose documents are to be ordered by relevance."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

DOCUMENTS, FEATURES = 10, 8


class Queries(Dataset[Any]):
    """Each item is a query: the features of its documents, and how relevant each is, 0 to 2."""

    def __init__(self, queries: int) -> None:
        draw = torch.Generator().manual_seed(0)
        self.documents = torch.randn(queries, DOCUMENTS, FEATURES, generator=draw)
        score = self.documents @ torch.randn(FEATURES, generator=draw)
        score += torch.randn(queries, DOCUMENTS, generator=draw)
        self.targets = (score > 1.0).float() + (score > 3.0)

    def __len__(self) -> int:
        return len(self.documents)

    def __getitem__(self, query: int) -> tuple[Tensor, Tensor]:
        return self.documents[query], self.targets[query]


def load() -> Queries:
    """Return the data set."""
    return Queries(200)


def build(
    input_shape: tuple[int, ...], outputs: int, width: int, dropout: float, activation: str
) -> nn.Module:
    """Return a net that scores each document alone: (queries, documents)."""
    return nn.Sequential(
        nn.Linear(input_shape[-1], width),
        getattr(nn, activation)(),
        nn.Dropout(dropout),
        nn.Linear(width, 1),
        nn.Flatten(1),
    )


def listnet(outputs: Tensor, targets: Tensor, *, temperature: float) -> Tensor:
    """Return (queries,) cross-entropies of the order that is wanted (Cao and others, 2007)."""
    wanted = (targets / temperature).softmax(1)
    return -(wanted * outputs.log_softmax(1)).sum(1)


def ndcg(outputs: Tensor, targets: Tensor, *, k: int) -> Tensor:
    """Return the mean of the queries' normalized discounted cumulative gain of the first k."""
    discount = 1 / torch.log2(torch.arange(k) + 2.0)

    def gain(order: Tensor) -> Tensor:
        return ((2 ** targets.gather(1, order[:, :k]) - 1) * discount).sum(1)

    best = gain(targets.argsort(1, descending=True))
    found = gain(outputs.argsort(1, descending=True))
    return torch.where(best > 0, found / best, 1.0).mean()
