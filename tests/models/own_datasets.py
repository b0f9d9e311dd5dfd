"""Datasets that a user might write, good and bad, and the functions that return them."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, IterableDataset

from sweeps.models.data.configuration import DataConfig
from sweeps.models.data.datasets import load_dataset
from sweeps.models.splits.splits import Splits, TrainDev, split_dataset

SOURCE = "tests.models.own_datasets"
ROWS = 90


class Blobs(Dataset[tuple[Any, Any]]):
    """Three classes of five numbers each, from memory; what is read is noted.

    Attributes:
        read: numbers of the items that were read, in order.
    """

    def __init__(self, rows: int = ROWS) -> None:
        generator = torch.Generator().manual_seed(0)
        self.y = torch.arange(rows) % 3
        self.x = torch.randn(rows, 5, generator=generator) + self.y[:, None]
        self.read: list[int] = []

    def __len__(self) -> int:
        return len(self.y)

    def __getitem__(self, number: int) -> tuple[Any, Any]:
        self.read.append(number)
        return self.x[number], self.y[number]


class Noisy(Blobs):
    """Each item with noise of torch's, numpy's and Python's generators."""

    def __getitem__(self, number: int) -> tuple[Any, Any]:
        noise = torch.randn(5) + np.random.normal() + random.gauss(0, 1)
        return self.x[number] + 0.1 * noise, self.y[number]


class Amounts(Blobs):
    def __getitem__(self, number: int) -> tuple[Any, Any]:
        return self.x[number], self.x[number].sum()


class Labelled(Blobs):
    """With `targets`, so that no item has to be read for its label."""

    @property
    def targets(self) -> list[int]:
        return self.y.tolist()


class Mislabelled(Blobs):
    targets = np.zeros(ROWS, dtype=int)


class Unread(Blobs):
    targets = (0, 1)


class Uneven(Blobs):
    """One item is shorter, and it is among those that the digest is of."""

    def __getitem__(self, number: int) -> tuple[Any, Any]:
        return self.x[number][: 4 if number == 30 else 5], self.y[number]


class Broken(Blobs):
    def __getitem__(self, number: int) -> tuple[Any, Any]:
        if number == 31:
            raise ValueError("not a JPEG")
        return self.x[number], self.y[number]


class Lost(Labelled):
    def __getitem__(self, number: int) -> tuple[Any, Any]:
        if number == 31:
            raise FileNotFoundError("31.jpg")
        return self.x[number], self.y[number]


class Changing(Blobs):
    def __getitem__(self, number: int) -> tuple[Any, Any]:
        self.x += 1
        return self.x[number], self.y[number]


class Relabelled(Labelled):
    """Whose y changes once it was read for its digest."""

    def __getitem__(self, number: int) -> tuple[Any, Any]:
        self.read.append(number)
        return self.x[number], (self.y[number] + (len(self.read) > 2 * 16)) % 3


class Unlabelled(Blobs):
    def __getitem__(self, number: int) -> Tensor:  # type: ignore[override]
        return self.x[number]


class Boxes(Blobs):
    def __getitem__(self, number: int) -> tuple[Any, Any]:
        return self.x[number], torch.zeros(4)


class Arrays(Blobs):
    def __getitem__(self, number: int) -> tuple[Any, Any]:
        return self.x[number].numpy(), self.y[number]


class Tokens(Blobs):
    """Four token ids an item, which tell its class."""

    def __getitem__(self, number: int) -> tuple[Any, Any]:
        return torch.full((4,), 2 * (number % 3)), number % 3


class Sentences(Blobs):
    """Token ids of several lengths, 2 to 5, that tell the class: padded with zeros, and a mask."""

    def __getitem__(self, number: int) -> dict[str, Any]:  # type: ignore[override]
        ids = 1 + torch.full((2 + number % 4,), number % 3)
        return {"ids": ids, "labels": self.y[number]}

    def collate(self, items: list[dict[str, Any]]) -> dict[str, Any]:
        ids = nn.utils.rnn.pad_sequence([item["ids"] for item in items], batch_first=True)
        return {"ids": ids, "mask": ids > 0, "labels": torch.stack([i["labels"] for i in items])}


class Longest(Sentences):
    """Whose collate sorts its rows, as for packed sequences."""

    def collate(self, items: list[dict[str, Any]]) -> dict[str, Any]:
        return super().collate(sorted(items, key=lambda item: -len(item["ids"])))


class Unpadded(Sentences):
    def collate(self, items: list[dict[str, Any]]) -> dict[str, Any]:
        return {"ids": torch.cat([i["ids"] for i in items]), "labels": torch.zeros(len(items))}


class Uncollated(Sentences):
    collate = None  # type: ignore[assignment]


class TwoTensors(Blobs):
    """Each x a dictionary of two tensors, which an own net takes by name."""

    def __getitem__(self, number: int) -> tuple[Any, Any]:
        return {"near": self.x[number, :2], "far": self.x[number, 2:]}, self.y[number]


class Masks(Blobs):
    """A y of 2 x 3 numbers, of 0 and 1."""

    def __getitem__(self, number: int) -> tuple[Any, Any]:
        return self.x[number], (self.x[number][:3] > torch.tensor([[0.0], [1.0]])).long()


class TwoLabels(Blobs):
    def __getitem__(self, number: int) -> dict[str, Any]:  # type: ignore[override]
        return {"x": self.x[number], "label": 0, "labels": 1}


class MeanOfWords(nn.Module):
    """The mean of the embeddings that a mask leaves, and a linear layer."""

    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.words, self.out = nn.Embedding(6, 4), nn.Linear(4, outputs)

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        shares = mask / mask.sum(1, keepdim=True)
        return self.out((self.words(ids) * shares[..., None]).sum(1))


class Joined(nn.Module):
    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.out = nn.Linear(inputs, outputs)

    def forward(self, near: Tensor, far: Tensor) -> Tensor:
        return self.out(torch.cat([near, far], 1))


class Large(Dataset[tuple[Any, Any]]):
    """Items of 1 MB, made as they are read."""

    def __init__(self, rows: int) -> None:
        self.targets = [number % 2 for number in range(rows)]

    def __len__(self) -> int:
        return len(self.targets)

    def __getitem__(self, number: int) -> tuple[Any, Any]:
        return torch.full((2**18,), number / 1000), self.targets[number]


class Stream(IterableDataset[Tensor]):
    def __iter__(self) -> Any:
        return iter(())


def blobs() -> Blobs:
    return Blobs()


def noisy() -> Noisy:
    return Noisy()


def amounts() -> Amounts:
    return Amounts()


def labelled() -> Labelled:
    return Labelled()


def mislabelled() -> Mislabelled:
    return Mislabelled()


def few_labels() -> Unread:
    return Unread()


def uneven() -> Uneven:
    return Uneven()


def broken() -> Broken:
    return Broken()


def lost() -> Lost:
    return Lost()


def changing() -> Changing:
    return Changing()


def relabelled() -> Relabelled:
    return Relabelled()


def unlabelled() -> Unlabelled:
    return Unlabelled()


def boxes() -> Boxes:
    return Boxes()


def as_arrays() -> Arrays:
    return Arrays()


def tokens() -> Tokens:
    return Tokens()


def embedding(input_shape: tuple[int, ...], outputs: int) -> nn.Module:
    return nn.Sequential(nn.Embedding(6, 3), nn.Flatten(), nn.Linear(3 * input_shape[0], outputs))


def sentences() -> Sentences:
    return Sentences()


def longest() -> Longest:
    return Longest()


def unpadded() -> Unpadded:
    return Unpadded()


def uncollated() -> Uncollated:
    return Uncollated()


def two_tensors() -> TwoTensors:
    return TwoTensors()


def masks() -> Masks:
    return Masks()


def two_labels() -> TwoLabels:
    return TwoLabels()


def mean_of_words(input_shape: dict[str, tuple[int, ...]], outputs: int) -> nn.Module:
    return MeanOfWords(outputs)


def joined(input_shape: dict[str, tuple[int, ...]], outputs: int) -> nn.Module:
    return Joined(sum(shape[0] for shape in input_shape.values()), outputs)


def scaled(inputs: dict[str, Tensor], targets: Tensor, generator: torch.Generator) -> Any:
    noise = torch.rand(1, generator=generator)
    return {name: x * noise for name, x in inputs.items()}, targets


def nameless(inputs: dict[str, Tensor], targets: Tensor, generator: torch.Generator) -> Any:
    return inputs["near"], targets


def empty() -> Blobs:
    return Blobs(0)


def large() -> Large:
    return Large(1000)


def small() -> Large:
    return Large(40)


def stream() -> Stream:
    return Stream()


def loader() -> DataLoader[Any]:
    return DataLoader(Blobs())


def grouped() -> tuple[Blobs, dict[str, Any]]:
    return Blobs(), {"patient": np.arange(ROWS) // 3, "w": np.arange(ROWS)}


def by_name() -> dict[str, Any]:
    return {"test": Labelled(15), "train": Labelled(60)}


def with_dev() -> tuple[dict[str, Any], dict[str, Any]]:
    parts = {"train": Blobs(60), "test": Blobs(12), "validation": Blobs(18)}
    return parts, {"w": np.ones(ROWS)}


def sentences_by_name() -> dict[str, Any]:
    return {"test": Sentences(15), "train": Sentences(60)}


def masks_by_name() -> dict[str, Any]:
    return {"test": Masks(15), "train": Masks(60)}


def without_test() -> dict[str, Any]:
    return {"train": Blobs(60), "dev": Blobs(30)}


def two_devs() -> dict[str, Any]:
    return {"train": Blobs(), "dev": Blobs(), "valid": Blobs(), "test": Blobs()}


def half_named() -> dict[str, Any]:
    return {"train": Blobs(60), "test": (np.zeros((2, 5)), np.zeros(2))}


def splits(name: str, **data: Any) -> Splits:
    """The splits of a dataset that a function of this file returns."""
    config = DataConfig.model_validate({"source": f"{SOURCE}:{name}", **data})
    return split_dataset(load_dataset(config, Path()), config, seed=0)


def train_dev(name: str, **data: Any) -> TrainDev:
    return splits(name, **data).train_dev()
