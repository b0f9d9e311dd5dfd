"""The floor: the trainings of a sweep as a good engineer writes them by hand, without a framework.

It measures loss and accuracy on train and dev every epoch, and records nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
import torch.nn.functional as F  # noqa: N812 - the field's own name for it
from torch import Tensor, nn

from tests.benchmarks.workload import Workload

__all__ = ["epochs_of", "prepare"]

Row = tuple[float, float, float, float]


def prepare(workload: Workload, indices: Iterator[int], store: str) -> Callable[[], None]:
    """Take one step; return what trains all trials."""
    list(epochs_of(workload.warm_up(), 0, workload.learning_rate(0)))

    def run() -> None:
        for index in indices:
            list(epochs_of(workload, index, workload.learning_rate(index)))

    return run


def epochs_of(workload: Workload, index: int, lr: float) -> Iterator[Row]:
    """Train one trial; yields train loss and accuracy, dev loss and accuracy after each epoch."""
    torch.manual_seed(workload.seeds[index])
    x_train, y_train = torch.tensor(workload.x_train).flatten(1), torch.tensor(workload.y_train)
    x_dev, y_dev = torch.tensor(workload.x_dev).flatten(1), torch.tensor(workload.y_dev)
    net = nn.Sequential(
        nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10)
    )
    optimizer = torch.optim.Adam(net.parameters(), lr=lr)
    for _ in range(workload.epochs):
        net.train()
        for rows in torch.randperm(len(x_train)).split(workload.batch_size):
            loss = F.cross_entropy(net(x_train[rows]), y_train[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        net.eval()
        yield *_loss_and_accuracy(net, x_train, y_train), *_loss_and_accuracy(net, x_dev, y_dev)


@torch.no_grad()
def _loss_and_accuracy(net: nn.Module, x: Tensor, y: Tensor) -> tuple[float, float]:
    logits = net(x)
    accuracy = (logits.argmax(1) == y).float().mean()
    return F.cross_entropy(logits, y).item(), accuracy.item()
