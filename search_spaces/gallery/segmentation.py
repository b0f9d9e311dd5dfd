"""Bright discs in noise, their masks, a small convolutional net and the overlap of masks."""

import numpy as np
from torch import Tensor, nn

SIDE = 12


def load() -> tuple[np.ndarray, np.ndarray]:
    """Return 400 images, (400, 1, 12, 12), and for each pixel whether it is of the disc."""
    random = np.random.default_rng(0)
    rows, columns = np.mgrid[:SIDE, :SIDE]
    centres = random.uniform(0, SIDE, size=(400, 2, 1, 1))
    radii = random.uniform(2, 5, size=(400, 1, 1))
    masks = (rows - centres[:, 0]) ** 2 + (columns - centres[:, 1]) ** 2 < radii**2
    images = 2 * masks + random.normal(size=masks.shape)
    return images[:, None], masks.reshape(len(masks), -1).astype(np.int64)


def build(input_shape: tuple[int, ...], outputs: int, channels: int, depth: int) -> nn.Module:
    """Return `depth` convolutions of `channels`, and one logit a pixel, flattened."""
    layers: list[nn.Module] = []
    for inputs in (input_shape[0], *[channels] * (depth - 1)):
        layers += [nn.Conv2d(inputs, channels, 3, padding="same"), nn.ReLU()]
    return nn.Sequential(*layers, nn.Conv2d(channels, 1, 3, padding="same"), nn.Flatten())


def iou(outputs: Tensor, targets: Tensor) -> float:
    """Return the mean of intersection over union of the masks.

    Args:
        outputs: (rows, pixels) probabilities.
        targets: (rows, pixels) of 0 and 1.
    """
    said, is_true = outputs > 0.5, targets > 0
    union = (said | is_true).sum(1).clamp(min=1)
    return float(((said & is_true).sum(1) / union).double().mean())
