"""An augmentation of small grey images: shifts by whole pixels, drawn for each row."""

import torch
from torch import Tensor


def shift(
    inputs: Tensor, targets: Tensor, generator: torch.Generator, *, pixels: int
) -> tuple[Tensor, Tensor]:
    """Return images (rows, channels, height, width) shifted by up to `pixels`; edges wrap."""
    steps = torch.randint(
        -pixels, pixels + 1, (len(inputs), 2), generator=generator, device=inputs.device
    )
    rows = [image.roll(step, (-2, -1)) for image, step in zip(inputs, steps.tolist(), strict=True)]
    return torch.stack(rows), targets
