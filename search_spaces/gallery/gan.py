"""A generative adversarial net on points of the plane (Goodfellow et al., NeurIPS 2014)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus


def perceptron(inputs: int, outputs: int) -> nn.Module:
    """Return a net with one hidden layer."""
    return nn.Sequential(nn.Linear(inputs, 32), nn.ReLU(), nn.Linear(32, outputs))


def train(trial: Any, maker_lr: float, judge_lr: float, noise: int) -> Iterator[dict[str, float]]:
    """Train both nets in turn; an epoch is one pass over the points."""
    points = trial.train.x  # (rows, 2)
    maker, judge = perceptron(noise, points.shape[1]), perceptron(points.shape[1], 1)
    maker_steps = torch.optim.Adam(maker.parameters(), lr=maker_lr, betas=(0.5, 0.999))
    judge_steps = torch.optim.Adam(judge.parameters(), lr=judge_lr, betas=(0.5, 0.999))
    trial.keep(maker=maker, judge=judge, maker_steps=maker_steps, judge_steps=judge_steps)

    def evaluate(rows: Any) -> dict[str, float]:
        made = maker(torch.randn(len(rows), noise))
        return {"distance": energy_distance(made, rows.x)}

    for _ in trial.epochs(evaluate):
        sums = {"maker_loss": 0.0, "judge_loss": 0.0}
        batches = torch.randperm(len(points)).split(64)
        for rows in batches:
            made = maker(torch.randn(len(rows), noise))
            judge_loss = (softplus(-judge(points[rows])) + softplus(judge(made.detach()))).mean()
            step(judge_steps, judge_loss)
            maker_loss = softplus(-judge(made)).mean()
            step(maker_steps, maker_loss)
            sums["judge_loss"] += judge_loss.item() / len(batches)
            sums["maker_loss"] += maker_loss.item() / len(batches)
        yield sums


def step(steps: torch.optim.Optimizer, loss: Tensor) -> None:
    """Take one step down the gradient of a loss."""
    steps.zero_grad()
    loss.backward()
    steps.step()


def energy_distance(made: Tensor, real: Tensor) -> float:
    """Szekely and Rizzo (2013): 0 where both are of one distribution, of many points."""
    across = torch.cdist(made, real).mean()
    return float(2 * across - torch.cdist(made, made).mean() - torch.cdist(real, real).mean())
