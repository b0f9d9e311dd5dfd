"""A net that puts out a risk, trained by Cox's partial likelihood."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn


def load() -> tuple[np.ndarray, np.ndarray]:
    """Return (rows, 6) features, and of each row its time and whether the event was seen then."""
    draw = np.random.default_rng(0)
    x = draw.normal(size=(500, 6)).astype(np.float32)
    risk = x[:, 0] - 0.7 * x[:, 1] + 0.5 * x[:, 2] ** 2
    event = draw.exponential(np.exp(-risk))
    end_of_study = draw.exponential(2.0, size=len(x))
    return x, np.stack([np.minimum(event, end_of_study), event <= end_of_study], axis=1)


def cox(risk: Tensor, time: Tensor, seen: Tensor) -> Tensor:
    """Return the negative log of the partial likelihood, per event (Cox, 1972), without ties.

    Args:
        risk: (rows,) logarithms of the hazard.
        time: (rows,) of the event, or until which there was none.
        seen: (rows,) whether it was the event.
    """
    order = time.argsort(descending=True)
    at_risk = risk[order].logcumsumexp(0)  # of all that last at least as long
    return (at_risk - risk[order])[seen[order]].mean()


def concordance(risk: Tensor, time: Tensor, seen: Tensor) -> Tensor:
    """Return the share of pairs, where it is known who came first, that had the higher risk."""
    known = (time[:, None] < time) & seen[:, None]
    return (risk[:, None] > risk)[known].double().mean()


def make_net(columns: int, layers: int, width: int, dropout: float) -> nn.Sequential:
    """Return a net of one output."""
    sizes = [columns, *[width] * layers]
    parts: list[nn.Module] = []
    for before, after in pairwise(sizes):
        parts += [nn.Linear(before, after), nn.ReLU(), nn.Dropout(dropout)]
    return nn.Sequential(*parts, nn.Linear(width, 1))


def train(
    trial: Any, layers: int, width: int, dropout: float, lr: float, decay: float
) -> Iterator[dict[str, Tensor]]:
    """Train on batches: each is a study of its own, so that they should not be small."""
    net = make_net(trial.train.x.shape[1], layers, width, dropout).to(trial.device)
    optimizer = torch.optim.AdamW(net.parameters(), lr=lr, weight_decay=decay)
    trial.keep(net=net, optimizer=optimizer)

    def targets(rows: Any, some: Any = slice(None)) -> tuple[Tensor, Tensor]:
        return rows.y[some, 0], rows.y[some, 1] == 1

    def evaluate(rows: Any) -> dict[str, Tensor]:
        risk = net(rows.x).squeeze(1)
        return {"loss": cox(risk, *targets(rows)), "concordance": concordance(risk, *targets(rows))}

    for _ in trial.epochs(evaluate):
        for some in torch.randperm(len(trial.train)).split(100):
            loss = cox(net(trial.train.x[some]).squeeze(1), *targets(trial.train, some))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        yield {"loss": loss.detach()}
