"""Functions of batches of a user's own, good and bad, named by package.module:function."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

Pair = tuple[Tensor, Tensor]
SEEN: list[Tensor] = []


def noise(inputs: Tensor, targets: Tensor, generator: torch.Generator, *, std: float) -> Pair:
    """Draws from the generator that it is given and from numpy's, and changes rows in place."""
    inputs += std * torch.randn(inputs.shape, generator=generator)
    return inputs + 0.01 * float(np.random.normal()), targets


def same(inputs: Tensor, targets: Tensor, generator: torch.Generator) -> Pair:
    SEEN.append(inputs)
    return inputs, targets


def blank(inputs: Tensor, targets: Tensor, generator: torch.Generator) -> Pair:
    return torch.zeros_like(inputs), targets


def inputs_alone(inputs: Tensor, targets: Tensor, generator: torch.Generator) -> Tensor:
    return inputs


def fewer(inputs: Tensor, targets: Tensor, generator: torch.Generator) -> Pair:
    return inputs[1:], targets[1:]


def doubles(inputs: Tensor, targets: Tensor, generator: torch.Generator) -> Pair:
    return inputs.double(), targets


def soft(inputs: Tensor, targets: Tensor, generator: torch.Generator) -> Pair:
    return inputs, targets.float()


def half(inputs: Tensor, targets: Tensor, generator: torch.Generator) -> Pair:
    return inputs, torch.full((len(targets), 3), 0.5)


def wrong_class(inputs: Tensor, targets: Tensor, generator: torch.Generator) -> Pair:
    return inputs, targets.int()


def smoothed(inputs: Tensor, targets: Tensor, generator: torch.Generator, *, share: float) -> Pair:
    return inputs, (1 - share) * functional.one_hot(targets, 3) + share / 3


def second(
    inputs: Tensor, targets: Tensor, generator: torch.Generator, *, certainty: float
) -> Pair:
    return inputs, certainty * targets.float()


def raising(inputs: Tensor, targets: Tensor, generator: torch.Generator) -> Pair:
    raise AttributeError("crop")
