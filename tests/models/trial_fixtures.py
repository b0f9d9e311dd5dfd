"""Small data and configurations that the tests of training share."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from sweeps.models.configuration import TrialConfig
from sweeps.models.scoring.objective import Objective
from sweeps.models.splits.splits import TrainDev
from sweeps.models.training.training import Training

__all__ = [
    "DEV_LOSS",
    "blobs",
    "configuration",
    "finished",
    "line",
    "pictures",
    "train",
    "without_times",
    "words",
]

DEV_LOSS = Objective("dev_loss", "min")


def blobs(rows: int = 90, columns: int = 5, classes: int = 3, spread: float = 2.0) -> TrainDev:
    """Classes that overlap, around random centres; two thirds of the rows are train."""
    rng = np.random.default_rng(0)
    labels = np.arange(rows) % classes
    centres = rng.normal(size=(classes, columns))
    x = (centres[labels] + spread * rng.normal(size=(rows, columns))).astype(np.float32)
    cut = 2 * rows // 3
    return TrainDev(
        x[:cut], labels[:cut], x[cut:], labels[cut:], "classification", classes, (columns,)
    )


def pictures(rows: int = 24, classes: int = 3) -> TrainDev:
    """Random images of 1 x 8 x 8 pixels."""
    flat = blobs(rows, 64, classes)
    return TrainDev(
        flat.x_train.reshape(-1, 1, 8, 8), flat.y_train, flat.x_dev.reshape(-1, 1, 8, 8),
        flat.y_dev, "classification", classes, (1, 8, 8),
    )  # fmt: skip


def line(rows: int = 60, columns: int = 4) -> TrainDev:
    """A noisy linear target with mean 5 and scale 3 in its own units."""
    rng = np.random.default_rng(1)
    x = rng.normal(size=(rows, columns)).astype(np.float32)
    y = (x @ np.linspace(-1, 1, columns) + 0.1 * rng.normal(size=rows)).astype(np.float32)
    cut = 2 * rows // 3
    return TrainDev(
        x[:cut], y[:cut], x[cut:], y[cut:], "regression", 1, (columns,), 5.0, 3.0
    )  # fmt: skip


def words(rows: int = 90) -> tuple[TrainDev, npt.NDArray[np.int64]]:
    """Two numbers and two columns of words, of 3 and 2 categories; and which word each row has.

    The last place of a column (3 and 2) is that of words that no train row had: dev rows have them.
    """
    rng = np.random.default_rng(2)
    cut = 2 * rows // 3
    places = np.stack([rng.integers(0, 3, rows), rng.integers(0, 2, rows)], axis=1)
    places[cut : cut + 6] = [3, 2]
    y = (places.sum(axis=1) + rng.integers(0, 2, rows)) % 3
    blocks = [np.eye(n + 1)[places[:, at]][:, :n] for at, n in enumerate((3, 2))]
    x = np.concatenate([rng.normal(size=(rows, 2)), *blocks], axis=1).astype(np.float32)
    data = TrainDev(
        x[:cut], y[:cut], x[cut:], y[cut:], "classification", 3, (7,), category_counts=(3, 2)
    )
    return data, places


def configuration(**sections: Any) -> TrialConfig:
    """A linear net under plain gradient descent for 3 epochs, with sections put in their place."""
    plain: dict[str, Any] = {
        "model": {"kind": "linear"},
        "optimizer": {"kind": "sgd", "lr": 0.1},
        "training": {"epochs": 3, "batch_size": 16, "device": "cpu"},
    }
    return TrialConfig.model_validate({**plain, **sections})


def train(training: Training, epochs: int) -> Training:
    """The same training after so many more epochs."""
    for _ in range(epochs):
        training.train_epoch()
    return training


def finished(training: Training) -> Training:
    """The same training at its end."""
    while training.outcome is None:
        training.train_epoch()
    return training


def without_times(training: Training) -> list[dict[str, float]]:
    """The history but for the seconds, which no two runs share."""
    return [{k: v for k, v in row.items() if k != "epoch_s"} for row in training.history]
