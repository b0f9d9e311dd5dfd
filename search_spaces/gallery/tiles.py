"""Tiles on disk with a mask each, read one at a time; a loss of cross-entropy and overlap."""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits
from torch.utils.data import Dataset

SIDE = 12
_FOLDER = TemporaryDirectory(prefix="tiles")  # stands for the folder where your tiles are


class Tiles(Dataset):
    """Images of (1, 12, 12) with a bright line, a fault; y is where it runs, in 0 and 1."""

    def __init__(self, folder: Path) -> None:
        self.files = sorted(folder.glob("*.npz"))

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, number: int) -> tuple[Tensor, Tensor]:
        with np.load(self.files[number]) as tile:
            return torch.from_numpy(tile["image"]).float() / 255, torch.from_numpy(tile["mask"])


def load() -> dict[str, Tiles]:
    """Return the tiles of two folders: those of the test region are no neighbours of the others."""
    found = {}
    for seed, (part, count) in enumerate({"train": 160, "test": 60}.items()):
        folder = Path(_FOLDER.name) / part
        folder.mkdir(exist_ok=True)
        random = np.random.default_rng(seed)
        for number in range(count):
            _write(folder / f"{number:03}.npz", random)
        found[part] = Tiles(folder)
    return found


def _write(file: Path, random: np.random.Generator) -> None:
    rows, columns = np.mgrid[:SIDE, :SIDE] - SIDE // 2
    angle, offset = random.uniform(0, np.pi), random.uniform(-3, 3)
    mask = abs(rows * np.cos(angle) + columns * np.sin(angle) - offset) < 1
    image = 90 + 70 * mask + random.normal(scale=35, size=mask.shape)
    np.savez(file, image=image.clip(0, 255).astype(np.uint8)[None], mask=mask.astype(np.int64))


def build(input_shape: tuple[int, ...], outputs: int, channels: int, depth: int) -> nn.Module:
    """Return `depth` convolutions of `channels`, and one logit a pixel, flattened."""
    layers: list[nn.Module] = []
    for inputs in (input_shape[0], *[channels] * (depth - 1)):
        layers += [nn.Conv2d(inputs, channels, 3, padding="same"), nn.ReLU()]
    return nn.Sequential(*layers, nn.Conv2d(channels, 1, 3, padding="same"), nn.Flatten())


def weighted_overlap(outputs: Tensor, targets: Tensor, weight: float, jaccard: float) -> Tensor:
    """Return (rows,) the cross-entropy with faults weighted, and a share of 1 - soft Jaccard.

    Args:
        outputs: (rows, pixels) logits.
        targets: (rows, pixels) of 0 and 1.
        weight: of a pixel on a fault, beside 1 of any other.
        jaccard: the share.
    """
    entropy = binary_cross_entropy_with_logits(
        outputs, targets, pos_weight=torch.tensor(weight), reduction="none"
    )
    likely = outputs.sigmoid()
    both = (likely * targets).sum(1)
    overlap = both / (likely + targets - likely * targets).sum(1).clamp(min=1e-6)
    return entropy.mean(1) + jaccard * (1 - overlap)


def iou(outputs: Tensor, targets: Tensor) -> float:
    """Return the intersection over union of all pixels together."""
    said, is_true = outputs > 0.5, targets > 0
    return float((said & is_true).sum() / (said | is_true).sum().clamp(min=1))
