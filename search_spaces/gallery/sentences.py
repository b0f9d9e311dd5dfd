"""Pairs of sentences classified by a small BERT, trained by Hugging Face's Trainer.

The model is made from a configuration, and the words are numbers: nothing is downloaded.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from torch.utils.data import Dataset
from transformers import BertConfig, BertForSequenceClassification, Trainer

from sweeps.transformers import arguments, fit

WORDS, LENGTH, SEPARATOR = 30, 6, 1


class Pairs(Dataset[Any]):
    """Two sentences; the class is whether the second has more of the kind words than the first."""

    def __init__(self, rows: int, seed: int) -> None:
        draw = np.random.default_rng(seed)
        self.first = draw.integers(2, WORDS, (rows, LENGTH))
        self.second = draw.integers(2, WORDS, (rows, LENGTH))
        kind = [(sentence < WORDS // 2).sum(1) for sentence in (self.first, self.second)]
        self.labels = (kind[1] > kind[0]).astype(int)

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, row: int) -> dict[str, Any]:
        words = [*self.first[row], SEPARATOR, *self.second[row]]
        return {"input_ids": words, "labels": self.labels[row]}


def measured(outputs: Any) -> dict[str, float]:
    """Return the metrics of an evaluation."""
    found = outputs.predictions.argmax(1)
    return {"accuracy": float((found == outputs.label_ids).mean())}


def train(trial: Any, lr: float, weight_decay: float, batch_size: int) -> Iterator[Any]:
    """Train a BERT: the trial's arguments, and one line."""
    parts = {"train": Pairs(512, seed=1), "dev": Pairs(128, seed=2), "test": Pairs(128, seed=3)}
    config = BertConfig(
        vocab_size=WORDS, hidden_size=32, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=64, max_position_embeddings=16,
    )  # fmt: skip
    trainer = Trainer(
        BertForSequenceClassification(config),
        arguments(
            trial,
            learning_rate=lr,
            weight_decay=weight_decay,
            per_device_train_batch_size=batch_size,
        ),
        train_dataset=parts["train"],
        eval_dataset=parts["dev"],
        compute_metrics=measured,
    )
    yield from fit(trial, trainer, lambda rows: parts[rows.part])
