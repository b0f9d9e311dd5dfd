"""Find a square or a cross in an image: class and box, with strengths of augmentation tuned."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, smooth_l1_loss

SIDE = 16
# The same for every trial: images for training, for comparing trials, and for `final` alone.
ROWS = {"train": (192, 1), "dev": (96, 2), "test": (96, 3)}


def made(rows: int, seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """Images (rows, 1, SIDE, SIDE), their boxes (rows, 4) from 0 to 1, and classes (rows,)."""
    draw = torch.Generator().manual_seed(seed)
    images = 0.3 * torch.randn(rows, 1, SIDE, SIDE, generator=draw)
    sizes = torch.randint(4, 8, (rows,), generator=draw)
    corners = (torch.rand(rows, 2, generator=draw) * (SIDE - sizes[:, None])).long()
    classes = torch.arange(rows) % 2
    for image, size, (left, top), kind in zip(images, sizes, corners, classes, strict=True):
        part = image[0, top : top + size, left : left + size]
        if kind == 0:
            part += 1
        else:
            part[size // 2] += 1
            part[:, size // 2] += 1
    return images, torch.cat([corners, corners + sizes[:, None]], 1) / SIDE, classes


def augmented(images: Tensor, boxes: Tensor, flip: float, gain: float) -> tuple[Tensor, Tensor]:
    """Mirror some images with their boxes, and make each brighter or darker."""
    images = images * (1 + gain * (2 * torch.rand(len(images), 1, 1, 1) - 1)).to(images.device)
    mirrored = (torch.rand(len(images)) < flip).to(images.device)
    images = torch.where(mirrored[:, None, None, None], images.flip(3), images)
    left, top, right, bottom = boxes.unbind(1)
    return images, torch.where(
        mirrored[:, None], torch.stack([1 - right, top, 1 - left, bottom], 1), boxes
    )


def overlap(found: Tensor, boxes: Tensor) -> Tensor:
    """Intersection over union of boxes (rows, 4)."""
    low, high = torch.maximum(found[:, :2], boxes[:, :2]), torch.minimum(found[:, 2:], boxes[:, 2:])
    inside = (high - low).clamp(min=0).prod(1)
    areas = [(one[:, 2:] - one[:, :2]).clamp(min=0).prod(1) for one in (found, boxes)]
    return inside / (areas[0] + areas[1] - inside).clamp(min=1e-9)


def train(
    trial: Any, lr: float, momentum: float, box: float, cls: float, fliplr: float, hsv_v: float
) -> Iterator[None]:
    """Train a detector whose loss has a gain for boxes and one for classes."""
    data = {part: [one.to(trial.device) for one in made(*of)] for part, of in ROWS.items()}
    net = nn.Sequential(
        nn.Conv2d(1, 16, 3, stride=2, padding=1), nn.ReLU(),
        nn.Conv2d(16, 32, 3, stride=2, padding=1), nn.ReLU(), nn.Flatten(),
        nn.Linear(32 * (SIDE // 4) ** 2, 64), nn.ReLU(), nn.Linear(64, 6),
    ).to(trial.device)  # fmt: skip
    optimizer = torch.optim.SGD(net.parameters(), lr=lr, momentum=momentum, nesterov=True)
    rates = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, trial.max_epochs)
    trial.keep(net=net, optimizer=optimizer, rates=rates)

    def evaluate(rows: Any) -> dict[str, Tensor]:
        images, boxes, classes = data[rows.part]
        outputs = net(images)
        hits = (outputs[:, 4:].argmax(1) == classes) & (overlap(outputs[:, :4], boxes) > 0.5)
        return {"iou": overlap(outputs[:, :4], boxes).mean(), "found": hits.float().mean()}

    images, boxes, classes = data["train"]
    for _ in trial.epochs(evaluate):
        for rows in torch.randperm(len(images)).split(16):
            seen, where = augmented(images[rows], boxes[rows], fliplr, hsv_v)
            outputs = net(seen)
            loss = box * smooth_l1_loss(outputs[:, :4], where, beta=0.1)
            loss = loss + cls * cross_entropy(outputs[:, 4:], classes[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        rates.step()
        yield
