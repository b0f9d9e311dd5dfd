"""Augmentations of small grey images: shifts by whole pixels, drawn for each row, and mixup."""

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import one_hot


def shift(
    inputs: Tensor, targets: Tensor, generator: torch.Generator, *, pixels: int
) -> tuple[Tensor, Tensor]:
    """Return images (rows, channels, height, width) shifted by up to `pixels`; edges wrap."""
    steps = torch.randint(
        -pixels, pixels + 1, (len(inputs), 2), generator=generator, device=inputs.device
    )
    rows = [image.roll(step, (-2, -1)) for image, step in zip(inputs, steps.tolist(), strict=True)]
    return torch.stack(rows), targets


def mixup(
    inputs: Tensor, targets: Tensor, generator: torch.Generator, *, alpha: float, classes: int
) -> tuple[Tensor, Tensor]:
    """Mix rows in pairs, and their classes as probabilities (Zhang et al., mixup, ICLR 2018)."""
    share = np.random.beta(alpha, alpha)  # of the trial's own random numbers
    other = torch.randperm(len(inputs), generator=generator, device=inputs.device)
    soft = one_hot(targets, classes).float()
    mixed = share * inputs + (1 - share) * inputs[other]
    return mixed, share * soft + (1 - share) * soft[other]
