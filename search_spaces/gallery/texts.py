"""Pairs of texts as dictionaries of token ids, padded in each batch, and a net that takes them."""

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import Dataset

WORDS = 60


class Pairs(Dataset):
    """A claim and a reply of 3 to 12 words each; the label says whether they share a topic."""

    def __init__(self, seed: int, pairs: int) -> None:
        random = np.random.default_rng(seed)
        self.targets = random.integers(2, size=pairs)
        self.pairs = [self._pair(random, bool(label)) for label in self.targets]

    def _pair(self, random: np.random.Generator, is_shared: bool) -> tuple[Tensor, Tensor]:
        claim, away = random.integers(6), random.integers(1, 6)
        return self._text(random, claim), self._text(random, (claim + (not is_shared) * away) % 6)

    def _text(self, random: np.random.Generator, topic: int) -> Tensor:
        """Ten words belong to each topic; a third of a text is of any."""
        ids = 1 + 10 * topic + random.integers(10, size=random.integers(3, 13))
        is_any = random.uniform(size=len(ids)) < 1 / 3
        return torch.from_numpy(np.where(is_any, 1 + random.integers(WORDS, size=len(ids)), ids))

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, number: int) -> dict[str, Tensor]:
        claim, reply = self.pairs[number]
        return {
            "ids": torch.cat([claim, reply]),
            "segments": torch.cat([torch.zeros_like(claim), torch.ones_like(reply)]),
            "labels": torch.tensor(self.targets[number]),
        }

    def collate(self, items: list[dict[str, Tensor]]) -> dict[str, Tensor]:
        """Pad to the longest pair of a batch, as a tokenizer's collator does."""
        names = ("ids", "segments")
        padded = {
            name: pad_sequence([item[name] for item in items], batch_first=True) for name in names
        }
        labels = torch.stack([item["labels"] for item in items])
        return {**padded, "mask": padded["ids"] > 0, "labels": labels}


def load() -> dict[str, Pairs]:
    """Return the pairs of three given files."""
    return {"train": Pairs(0, 600), "dev": Pairs(1, 200), "test": Pairs(2, 200)}


class Encoder(nn.Module):
    """Means of embedded words, one a text, their product, and a layer of `width`."""

    def __init__(self, outputs: int, width: int) -> None:
        super().__init__()
        self.words = nn.Embedding(WORDS + 1, width)
        self.head = nn.Sequential(nn.Linear(3 * width, width), nn.ReLU(), nn.Linear(width, outputs))

    def forward(self, ids: Tensor, segments: Tensor, mask: Tensor) -> Tensor:
        """Return (pairs, outputs) logits of (pairs, words) ids."""
        words = self.words(ids)
        texts = []
        for text in (0, 1):
            weights = (mask & (segments == text)).float()
            shares = weights / weights.sum(1, keepdim=True).clamp(min=1)
            texts.append((words * shares[..., None]).sum(1))
        claim, reply = texts
        return self.head(torch.cat([claim, reply, claim * reply], 1))


def build(input_shape: dict[str, tuple[int, ...]], outputs: int, width: int) -> nn.Module:
    """Return the net; `input_shape` has -1 for the number of words, which differs."""
    return Encoder(outputs, width)
