"""Losses of a user's own, good and bad, that the tests name by package.module:function."""

from __future__ import annotations

import os

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - the field's own name for it
from torch import Tensor


def entropy(outputs: Tensor, targets: Tensor) -> Tensor:
    return F.cross_entropy(outputs, targets, reduction="none")


def square(outputs: Tensor, targets: Tensor) -> Tensor:
    return (outputs - targets) ** 2


def focal(outputs: Tensor, targets: Tensor, *, gamma: float) -> Tensor:
    rows = F.cross_entropy(outputs, targets, reduction="none")
    return (1 - (-rows).exp()) ** gamma * rows


def shifted_square(outputs: Tensor, targets: Tensor, by: float = -100.0) -> Tensor:
    return (outputs - targets) ** 2 + by


def noisy_square(outputs: Tensor, targets: Tensor) -> Tensor:
    """Draws from numpy's generator as well as torch's."""
    return (outputs - targets + 0.1 * torch.randn_like(outputs) + 0.1 * np.random.normal()) ** 2


def scalar(outputs: Tensor, targets: Tensor) -> Tensor:
    return F.cross_entropy(outputs, targets)


def squared_table(outputs: Tensor, targets: Tensor) -> Tensor:
    return (outputs.unsqueeze(1) - targets) ** 2


def by_class(outputs: Tensor, targets: Tensor) -> Tensor:
    return outputs.square()


def a_number(outputs: Tensor, targets: Tensor) -> float:
    return 0.5


def whole_numbers(outputs: Tensor, targets: Tensor) -> Tensor:
    return outputs.argmax(1) != targets


def detached(outputs: Tensor, targets: Tensor) -> Tensor:
    return entropy(outputs.detach(), targets)


def raising(outputs: Tensor, targets: Tensor) -> Tensor:
    raise KeyError("alpha")


def out_of_memory(outputs: Tensor, targets: Tensor) -> Tensor:
    raise torch.OutOfMemoryError("no more")


def later_raising(outputs: Tensor, targets: Tensor) -> Tensor:
    """Fails only where it is trained on, not when it is tried on seven rows."""
    if len(outputs) > 7:
        raise IndexError(os.curdir)
    return entropy(outputs, targets)


def spoiling_entropy(outputs: Tensor, targets: Tensor) -> Tensor:
    """Changes what it was given in place, where that has no gradients."""
    rows = F.cross_entropy(outputs, targets.clone(), reduction="none")
    targets.zero_()
    if not outputs.requires_grad:
        outputs.zero_()
    return rows


def likelihood(outputs: Tensor, targets: Tensor) -> Tensor:
    """Of probabilities, as a net that ends in a softmax returns them."""
    return -outputs.gather(1, targets[:, None]).squeeze(1).log()
