"""Own training whose options become others on the way, and the same with them set by hand."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import nn
from torch.nn.functional import cross_entropy

from tests.models.own_trainings import measured


def _built(trial: Any, lr: float, drop: float) -> tuple[nn.Module, torch.optim.Optimizer]:
    inputs, outputs = trial.train.x.shape[1], trial.data.outputs
    net = nn.Sequential(nn.Linear(inputs, 8), nn.ReLU(), nn.Dropout(drop), nn.Linear(8, outputs))
    return net, torch.optim.SGD(net.parameters(), lr=lr, momentum=0.9)


def _epoch(trial: Any, net: nn.Module, optimizer: torch.optim.Optimizer, smooth: float) -> None:
    for rows in torch.randperm(len(trial.train)).split(16):
        x, y = trial.train.x[rows], trial.train.y[rows]
        optimizer.zero_grad()
        cross_entropy(net(x), y, label_smoothing=smooth).backward()
        optimizer.step()


def changing(
    trial: Any, lr: float = 0.05, drop: float = 0.2, smooth: float = 0.0, width: float = 8.0
) -> Iterator[None]:
    """Reads its options where anybody would: as it builds, and in its loop."""
    net, optimizer = _built(trial, lr, drop)
    bias = nn.Parameter(torch.zeros(int(width)))
    trial.keep(net=net, optimizer=optimizer, bias=bias)
    for _ in trial.epochs(lambda rows: measured(net, rows), predict=net):
        _epoch(trial, net, optimizer, smooth)
        yield


class Changing:
    """The same in the other form."""

    def __init__(
        self, trial: Any, lr: float = 0.05, drop: float = 0.2, smooth: float = 0.0
    ) -> None:
        self.trial, self.smooth = trial, smooth
        self.net, self.optimizer = _built(trial, lr, drop)
        trial.keep(net=self.net, optimizer=self.optimizer)

    def train_epoch(self) -> None:
        _epoch(self.trial, self.net, self.optimizer, self.smooth)

    def evaluate(self, rows: Any) -> Any:
        return measured(self.net, rows)


def by_hand(trial: Any, epoch: int, lr: float, drop: float, smooth: float) -> Iterator[None]:
    """What `changing` is from its defaults on, with other values from an epoch on."""
    net, optimizer = _built(trial, 0.05, 0.2)
    now = 0.0
    trial.keep(net=net, optimizer=optimizer)
    for at in trial.epochs(lambda rows: measured(net, rows)):
        if at == epoch:
            optimizer.param_groups[0]["lr"], now = lr, smooth
            dropout = net.get_submodule("2")
            assert isinstance(dropout, nn.Dropout)
            dropout.p = drop
        _epoch(trial, net, optimizer, now)
        yield


def under_a_schedule(trial: Any, lr: float = 0.05, sets_it: bool = False) -> Iterator[None]:
    """Keeps a schedule, which brings its old rates with it; the loop may set the new one."""
    net, optimizer = _built(trial, lr, 0.2)
    schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.9)
    trial.keep(net=net, optimizer=optimizer, schedule=schedule)
    for epoch in trial.epochs(lambda rows: measured(net, rows)):
        if sets_it:
            optimizer.param_groups[0]["lr"] = lr * 0.9**epoch
        _epoch(trial, net, optimizer, 0.0)
        schedule.step()
        yield
