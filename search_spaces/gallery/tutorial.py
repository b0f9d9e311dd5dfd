"""A plain training loop: three lines of it, marked, are what a sweep asks for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import nn
from torch.utils.data import DataLoader


def train(trial: Any, l1: int, l2: int, lr: float, batch_size: int) -> Iterator[dict[str, float]]:
    """Train a net of two hidden layers on small pictures of digits."""
    net = nn.Sequential(
        nn.Flatten(), nn.Linear(64, l1), nn.ReLU(), nn.Linear(l1, l2), nn.ReLU(), nn.Linear(l2, 10)
    ).to(trial.device)
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(net.parameters(), lr=lr, momentum=0.9)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=trial.max_epochs)
    loader = DataLoader(trial.train.dataset, batch_size, shuffle=True)
    trial.keep(net=net, optimizer=optimizer, scheduler=scheduler)  # 1: what training changes

    def evaluate(rows: Any) -> dict[str, Any]:
        outputs = net(rows.x)
        hits = outputs.argmax(1) == rows.y
        return {"loss": criterion(outputs, rows.y), "accuracy": hits.float().mean()}

    for _ in trial.epochs(evaluate):  # 2: in place of range(epochs)
        running_loss = 0.0
        for inputs, labels in loader:
            optimizer.zero_grad()
            loss = criterion(net(inputs), labels)
            loss.backward()
            optimizer.step()
            running_loss += loss.item()
        scheduler.step()
        yield {"loss": running_loss / len(loader)}  # 3: in place of printing it
