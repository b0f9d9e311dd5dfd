"""A dataset of images that are made as they are read, and an augmentation of training batches."""

import torch
from torch import Tensor
from torch.utils.data import Dataset

PIXELS = 16
KINDS = ("cross", "ring", "stripes")


class Shapes(Dataset):
    """Noisy images of three shapes; in place of `__getitem__`'s drawing, read a file of your own.

    Attributes:
        targets: the class of each image: with it, no image has to be read for its class.
    """

    def __init__(self, images: int) -> None:
        self.targets = [KINDS[number % len(KINDS)] for number in range(images)]

    def __len__(self) -> int:
        return len(self.targets)

    def __getitem__(self, number: int) -> tuple[Tensor, str]:
        kind = self.targets[number]
        drawn = torch.Generator().manual_seed(number)  # the same image whenever it is read
        noise = torch.randn(1, PIXELS, PIXELS, generator=drawn)
        row, column = torch.randint(4, PIXELS - 4, (2,), generator=drawn).tolist()
        return shape(kind, row, column) + 0.5 * noise, kind


def shape(kind: str, row: int, column: int) -> Tensor:
    """Return (1, PIXELS, PIXELS) of 0 and 1: a shape around a place."""
    down = (torch.arange(PIXELS) - row).abs()[:, None]
    across = (torch.arange(PIXELS) - column).abs()[None, :]
    marked = {
        "cross": ((down == 0) | (across == 0)) & (down + across <= 3),
        "ring": torch.maximum(down, across) == 3,
        "stripes": (down % 2 == 0) & (torch.maximum(down, across) <= 3),
    }[kind]
    return marked.float()[None]


def load() -> Shapes:
    """Return the dataset that the sweep file names."""
    return Shapes(360)


def flip(
    inputs: Tensor, targets: Tensor, generator: torch.Generator, *, share: float
) -> tuple[Tensor, Tensor]:
    """Return images (rows, channels, height, width), a share of which is mirrored."""
    is_flipped = torch.rand(len(inputs), generator=generator, device=inputs.device) < share
    inputs[is_flipped] = inputs[is_flipped].flip(-1)
    return inputs, targets
