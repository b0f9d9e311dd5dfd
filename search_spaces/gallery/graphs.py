"""A message-passing net (Gilmer et al., ICML 2017) that tells rings from chains with a loop."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

PARTS = {"train": range(120), "dev": range(120, 160), "test": range(160, 200)}


class Graph(NamedTuple):
    """(atoms, kinds) one-hot, (atoms, atoms) neighbours by their number, and its class."""

    atoms: Tensor
    neighbours: Tensor
    is_ring: int


def graph(number: int) -> Graph:
    """Return graph `number` of the data: any process makes the same."""
    rng = np.random.default_rng([7, number])
    size, is_ring = int(rng.integers(5, 12)), number % 2
    bonds = torch.zeros(size, size)
    for atom in range(size - 1 + is_ring):
        bonds[atom, (atom + 1) % size] = bonds[(atom + 1) % size, atom] = 1
    first, second = rng.choice(size, 2, replace=False)
    bonds[first, second] = bonds[second, first] = 1
    kinds = torch.from_numpy(rng.integers(0, 3, size=size))
    atoms = torch.nn.functional.one_hot(kinds, 3).float()
    return Graph(atoms, bonds / bonds.sum(1, keepdim=True), is_ring)


class MessagePassing(nn.Module):
    """Atoms hear of their neighbours `depth` times; the graph is what its atoms are on average."""

    def __init__(self, depth: int, width: int, dropout: float) -> None:
        super().__init__()
        self.first = nn.Linear(4, width)
        self.messages = nn.ModuleList(nn.Linear(2 * width, width) for _ in range(depth))
        self.dropout = nn.Dropout(dropout)
        self.last = nn.Linear(width, 2)

    def forward(self, one: Graph) -> Tensor:
        """Return (2,) logits."""
        degrees = (one.neighbours > 0).sum(1, keepdim=True)
        atoms = self.first(torch.cat([one.atoms, degrees], 1))
        for message in self.messages:
            heard = torch.cat([atoms, one.neighbours @ atoms], 1)
            atoms = self.dropout(torch.relu(message(heard)))
        classes: Tensor = self.last(atoms.mean(0))
        return classes


def train(trial: Any, depth: int, width: int, dropout: float, lr: float) -> Iterator[None]:
    """Train on batches of 20 graphs; an epoch is one pass over them."""
    net = MessagePassing(depth, width, dropout)
    optimizer = torch.optim.Adam(net.parameters(), lr=lr)
    trial.keep(net=net, optimizer=optimizer)
    graphs = [graph(number) for number in PARTS["train"]]

    def answers(some: list[Graph]) -> tuple[Tensor, Tensor]:
        return torch.stack([net(one) for one in some]), torch.tensor([one.is_ring for one in some])

    def evaluate(rows: Any) -> dict[str, Any]:
        outputs, truth = answers([graph(number) for number in PARTS[rows.part]])
        hits = outputs.argmax(1) == truth
        return {"loss": cross_entropy(outputs, truth), "accuracy": hits.float().mean()}

    for _ in trial.epochs(evaluate):
        for batch in torch.randperm(len(graphs)).split(20):
            loss = cross_entropy(*answers([graphs[int(at)] for at in batch]))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        yield
