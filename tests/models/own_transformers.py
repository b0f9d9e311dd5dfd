"""Hugging Face's Trainer on rows of numbers, as trainings that the tests name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.utils.data import Dataset
from transformers import EarlyStoppingCallback, Trainer, TrainerCallback

from sweeps.transformers import arguments, fit


class Net(nn.Module):
    """A model as the Trainer takes it: the loss first, then the outputs."""

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(5, 8), nn.BatchNorm1d(8), nn.Dropout(0.3), nn.Linear(8, 3)
        )

    def forward(self, x: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        outputs = self.net(x)
        return cross_entropy(outputs, labels), outputs


class Items(Dataset[Any]):
    def __init__(self, rows: Any) -> None:
        self.rows = rows

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, row: int) -> dict[str, Tensor]:
        return {"x": self.rows.x[row], "labels": self.rows.y[row]}


class Stops(TrainerCallback):  # type: ignore[misc]
    def on_epoch_end(self, args: Any, state: Any, control: Any, **given: Any) -> None:
        control.should_training_stop = state.epoch >= 2


def hits(outputs: Any) -> dict[str, float]:
    return {"hits": float((outputs.predictions.argmax(1) == outputs.label_ids).mean())}


def trained(trial: Any, callbacks: Any = (), **options: Any) -> Iterator[Any]:
    trainer = Trainer(
        Net(),
        arguments(trial, per_device_train_batch_size=16, learning_rate=0.05, **options),
        train_dataset=Items(trial.train),
        eval_dataset=Items(trial.dev),
        compute_metrics=hits,
        callbacks=list(callbacks),
    )
    yield from fit(trial, trainer, Items)


def warmed_up(trial: Any) -> Iterator[Any]:
    yield from trained(trial, gradient_accumulation_steps=2, warmup_steps=3)


def plateau(trial: Any) -> Iterator[Any]:
    """Its rate and a callback follow from what was measured in epochs before."""
    patience = EarlyStoppingCallback(early_stopping_patience=9)
    yield from trained(
        trial,
        [patience],
        lr_scheduler_type="reduce_lr_on_plateau",
        lr_scheduler_kwargs={"patience": 0},
        metric_for_best_model="loss",
    )


def stops(trial: Any) -> Iterator[Any]:
    yield from trained(trial, [Stops()])


def own_epochs(trial: Any) -> Iterator[Any]:
    yield from trained(trial, num_train_epochs=3)
