"""Nets of the user's own, as the tests of the rehearsal name them."""

from __future__ import annotations

import math
import os
import resource
import signal
import time
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn


def _mlp(input_shape: tuple[int, ...], outputs: int, width: int = 8) -> nn.Sequential:
    inputs = math.prod(input_shape)
    return nn.Sequential(nn.Linear(inputs, width), nn.ReLU(), nn.Linear(width, outputs))


class _Changed(nn.Module):
    """A net of which a count or a draw changes the outputs."""

    def __init__(self, input_shape: tuple[int, ...], outputs: int) -> None:
        super().__init__()
        self.net = _mlp(input_shape, outputs)

    def forward(self, x: Tensor) -> Tensor:
        outputs: Tensor = self.net(x) * self.factor()
        return outputs

    def factor(self) -> float | Tensor:
        raise NotImplementedError


class Unseeded(_Changed):
    def factor(self) -> float:
        return 1 + 0.1 * float(np.random.default_rng().normal())


class DrawsInEvaluation(_Changed):
    def factor(self) -> float:
        return 1.0 if self.training else 1 + 0.1 * float(torch.randn(()))


class CountsInAnAttribute(_Changed):
    count = 0

    def factor(self) -> float:
        self.count += self.training
        return 1 + 0.1 * self.count


_first_means: list[float] = []


class RemembersInItsModule(_Changed):
    """Scales by the first batch that its process has trained on, which no checkpoint holds."""

    def forward(self, x: Tensor) -> Tensor:
        if self.training and not _first_means:
            _first_means.append(float(x.mean()))
        return super().forward(x)

    def factor(self) -> float:
        return 1 + sum(_first_means)


class HashesATextAnew(_Changed):
    """Depends on the hash of a text, as the order of a set does: each process has its own."""

    def factor(self) -> float:
        return 1 + 0.1 * hash("a text") / 2**63


_begun: list[bool] = []


class _NewProcess(_Changed):
    """Does something where its first batch in a process is not that of its first epoch."""

    def __init__(self, input_shape: tuple[int, ...], outputs: int) -> None:
        super().__init__(input_shape, outputs)
        self.register_buffer("count", torch.zeros(()))

    def factor(self) -> float:
        self.count: Tensor
        if self.training and torch.is_grad_enabled():
            if self.count and not _begun:
                self.act()
            _begun.append(True)
            self.count += 1
        return 1.0

    def act(self) -> None:
        raise NotImplementedError


class RaisesInANewProcess(_NewProcess):
    def act(self) -> None:
        raise KeyError("a table that only the first process has")


class ExitsInANewProcess(_NewProcess):
    def act(self) -> None:
        raise SystemExit(3)


class KillsANewProcess(_NewProcess):
    def act(self) -> None:
        os.kill(os.getpid(), signal.SIGKILL)


class ComputesInANewProcess(_NewProcess):
    """Never ends; the limit that the rehearsal sets comes sooner here."""

    def act(self) -> None:
        soft, hard = resource.getrlimit(resource.RLIMIT_CPU)
        assert soft != resource.RLIM_INFINITY
        resource.setrlimit(resource.RLIMIT_CPU, (1, hard))
        while True:
            pass


class SleepsInANewProcess(_NewProcess):
    def act(self) -> None:
        while True:
            time.sleep(1)


class LeavesForksInANewProcess(_NewProcess):
    """What it forks holds all files of its process open, and does not end."""

    def act(self) -> None:
        if not os.fork():
            while True:
                time.sleep(1)


class CountsEvaluations(_Changed):
    def __init__(self, input_shape: tuple[int, ...], outputs: int) -> None:
        super().__init__(input_shape, outputs)
        self.register_buffer("count", torch.zeros(()))

    def factor(self) -> Tensor:
        self.count: Tensor
        self.count += not self.training
        return 1 + 0.1 * self.count


def dropout(input_shape: tuple[int, ...], outputs: int) -> nn.Module:
    return nn.Sequential(nn.Dropout(0.3), _mlp(input_shape, outputs))


def swallows(input_shape: tuple[int, ...], outputs: int, width: int, **options: Any) -> nn.Module:
    return _mlp(input_shape, outputs, width)


def wide_where_deep(
    input_shape: tuple[int, ...], outputs: int, deep: bool, width: int
) -> nn.Module:
    return _mlp(input_shape, outputs, width if deep else 3)


def wants(input_shape: tuple[int, ...], outputs: int, width: int) -> nn.Module:
    if width != 4:
        raise ValueError(f"width must be 4, not {width}")
    return _mlp(input_shape, outputs, width)


def kills(input_shape: tuple[int, ...], outputs: int) -> nn.Module:
    os.kill(os.getpid(), signal.SIGKILL)
    return _mlp(input_shape, outputs)


def insists_on_a_gpu(input_shape: tuple[int, ...], outputs: int) -> nn.Module:
    raise RuntimeError("Found no NVIDIA driver on your system")


class CentresTheBatch(nn.Module):
    """Takes the mean of the rows that come together off each: a row alone becomes nothing."""

    def __init__(self, input_shape: tuple[int, ...], outputs: int) -> None:
        super().__init__()
        self.inner = nn.Linear(input_shape[0], outputs)

    def forward(self, x: Tensor) -> Tensor:
        answer: Tensor = self.inner(x - x.mean(0))
        return answer


def norms_of_the_batch(input_shape: tuple[int, ...], outputs: int) -> nn.Module:
    """Keeps no running statistics, so that evaluation takes those of the rows at hand."""
    norm = nn.BatchNorm1d(input_shape[0], track_running_stats=False)
    return nn.Sequential(norm, nn.Linear(input_shape[0], outputs))


def ends_in_softmax(input_shape: tuple[int, ...], outputs: int) -> nn.Module:
    return nn.Sequential(nn.Linear(input_shape[0], outputs), nn.Softmax(dim=1))


def ends_in_log_softmax(input_shape: tuple[int, ...], outputs: int) -> nn.Module:
    """Whose cross-entropy is that of what went into it."""
    return nn.Sequential(nn.Linear(input_shape[0], outputs), nn.LogSoftmax(dim=1))


def norms_as_usual(input_shape: tuple[int, ...], outputs: int) -> nn.Module:
    return nn.Sequential(nn.BatchNorm1d(input_shape[0]), nn.Linear(input_shape[0], outputs))
