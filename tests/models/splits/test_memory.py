"""How much memory reading, checking and cutting take, beside the bytes of the data themselves."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from sweeps.models.data.configuration import DataConfig
from sweeps.models.data.datasets import load_dataset
from sweeps.models.splits.data_checks import check_data
from sweeps.models.splits.splits import split_folds
from sweeps.models.training.device_data import DeviceData

OWN = 12_000 * 3 * 32 * 32 / 1e6  # megabytes
BLOCKS = 40  # of float64: as many, however many images there are
HELD = {"split": {"dev": 0.1, "test": 0.1}}
FOLDS = {"split": {"folds": 4, "test": 0.1}}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return where an .npz of 37 MB of images lies."""
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (12_000, 3, 32, 32), dtype=np.uint8)
    folder = tmp_path_factory.mktemp("images")
    np.savez(folder / "images.npz", image=images, label=random.integers(0, 3, 12_000))
    return folder


def config(**data: Any) -> DataConfig:
    return DataConfig.model_validate({"source": "images.npz", "target": "label", **HELD, **data})


def megabytes(call: Callable[[], object]) -> float:
    """Return how much memory a call takes at most."""
    tracemalloc.start()  # numpy's arrays are counted
    try:
        kept = call()
        assert kept is not None
        return tracemalloc.get_traced_memory()[1] / 1e6
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("scale", ["standard", "robust", "per_channel"])
def test_images_are_checked_a_few_megabytes_at_a_time(folder: Path, scale: str) -> None:
    most = megabytes(lambda: check_data(config(scale=scale), folder, seed=1).summary)
    assert most < OWN + BLOCKS


def test_folds_of_images_share_their_bytes(folder: Path) -> None:
    most = megabytes(lambda: check_data(config(**FOLDS), folder, seed=1).summary)
    assert most < OWN + BLOCKS


def test_a_trial_trains_on_the_bytes_that_it_was_sent(folder: Path) -> None:
    read = load_dataset(config(), folder)
    (fold,) = split_folds(read, config(), seed=1)
    sent = fold.train_dev()
    held = DeviceData(sent, 64, torch.device("cpu"))
    assert np.shares_memory(held.x.numpy(), sent.x_train.images)  # type: ignore[union-attr]
    assert not np.shares_memory(held.x.numpy(), read.features.numbers)  # type: ignore[union-attr]
    assert megabytes(lambda: sum(len(y) for _, y, _ in held.batches(0))) < 5
