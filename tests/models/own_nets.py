"""Nets of a user's own, good and bad, that the tests name by package.module:function."""

from __future__ import annotations

import random

import numpy as np
import torch
from torch import Tensor, nn

not_callable = 3


class Restless(nn.Module):
    """Carries more than weights: tied layers, a buffer outside its state_dict, random noise."""

    def __init__(self, columns: int, outputs: int, width: int) -> None:
        super().__init__()
        self.inner = nn.Linear(columns, width)
        self.tied = self.inner
        self.unused = nn.Linear(2, 2)
        self.outer = nn.Linear(width, outputs)
        self.frozen = nn.Parameter(torch.ones(outputs), requires_grad=False)
        self.register_buffer("calls", torch.zeros(()), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        if self.training:
            self.calls += 1
            x = x + 0.1 * torch.randn_like(x)
        return self.outer(torch.tanh(self.tied(x))) * self.frozen + 0.01 * self.calls


def restless(input_shape: tuple[int, ...], outputs: int, width: int = 4) -> nn.Module:
    return Restless(input_shape[0], outputs, width)


class Noisy(nn.Module):
    """Draws from numpy's and Python's generators, by pairs and singly."""

    def __init__(self, columns: int, outputs: int) -> None:
        super().__init__()
        self.layer = nn.Linear(columns, outputs)

    def forward(self, x: Tensor) -> Tensor:
        noise = np.random.normal() + random.gauss(0, 1) + np.random.rand() * random.random()
        return self.layer(x + 0.1 * noise)


def noisy(input_shape: tuple[int, ...], outputs: int) -> nn.Module:
    return Noisy(input_shape[0], outputs)


def lazy(input_shape: tuple[int, ...], outputs: int) -> nn.Module:
    return nn.Sequential(nn.LazyLinear(4), nn.ReLU(), nn.LazyLinear(outputs))


def exploding(input_shape: tuple[int, ...], outputs: int) -> nn.Module:
    raise RuntimeError("out of ideas")


def no_module(input_shape: tuple[int, ...], outputs: int) -> object:
    return "a net"


def wrong_outputs(input_shape: tuple[int, ...], outputs: int) -> nn.Module:
    return nn.Linear(input_shape[0], outputs + 1)


def one_output(input_shape: tuple[int, ...], outputs: int) -> nn.Module:
    return nn.Linear(input_shape[0], 1)


def wrong_inputs(input_shape: tuple[int, ...], outputs: int) -> nn.Module:
    return nn.Linear(input_shape[0] + 1, outputs)


def double_precision(input_shape: tuple[int, ...], outputs: int) -> nn.Module:
    class Double(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(input_shape[0], outputs).double()

        def forward(self, x: Tensor) -> Tensor:
            return self.layer(x.double()).float()

    return Double()


def nothing_to_train(input_shape: tuple[int, ...], outputs: int) -> nn.Module:
    return nn.Linear(input_shape[0], outputs).requires_grad_(False)


class Tokens(nn.Module):
    """Takes whole numbers from 0, as token ids are: not numbers that were standardised."""

    def __init__(self, columns: int, outputs: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(10, 2)
        self.layer = nn.Linear(2 * columns, outputs)

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(self.embedding(x.long()).flatten(1))


def tokens(input_shape: tuple[int, ...], outputs: int) -> nn.Module:
    return Tokens(input_shape[0], outputs)


def complex_outputs(input_shape: tuple[int, ...], outputs: int) -> nn.Module:
    return _Cast(input_shape, outputs, torch.complex64)


def whole_outputs(input_shape: tuple[int, ...], outputs: int) -> nn.Module:
    return _Cast(input_shape, outputs, torch.int64)


class _Cast(nn.Module):
    """A linear net that answers in another type."""

    def __init__(self, input_shape: tuple[int, ...], outputs: int, dtype: torch.dtype) -> None:
        super().__init__()
        self.inner, self.dtype = nn.Linear(input_shape[0], outputs), dtype

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        answer: torch.Tensor = self.inner(x)
        return answer.to(self.dtype)
