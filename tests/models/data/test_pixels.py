from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sweeps.models.data.configuration import DataConfig
from sweeps.models.data.datasets import Dataset, load_dataset
from sweeps.models.data.pixels import Pixels
from sweeps.models.splits.splits import TrainDev, split_dataset
from sweeps.models.training.training import Training
from tests.models.trial_fixtures import DEV_LOSS, configuration, finished, without_times

SOURCE = "tests.models.data.test_pixels:images"
FEW = {"split": {"dev": 0.3, "test": 0.2}, "train_sample": 30}


def images(dtype: str) -> tuple[Any, Any]:
    """Return 120 images of 2 x 5 x 6, with a pixel that is always 7, and three classes."""
    random = np.random.default_rng(0)
    labels = np.arange(120) % 3
    x = random.integers(0, 200, (120, 2, 5, 6)) + 20 * labels[:, None, None, None]
    x[:, 0, 0, 0] = 7
    return x.astype(dtype), labels


def read(dtype: str, **data: Any) -> tuple[Dataset, TrainDev]:
    config = DataConfig.model_validate({"source": SOURCE, "options": {"dtype": dtype}, **data})
    dataset = load_dataset(config, Path())
    return dataset, split_dataset(dataset, config, seed=0).train_dev()


@pytest.mark.parametrize("scale", ["standard", "robust", "per_channel", "none", "quantile"])
def test_bytes_of_images_train_bit_for_bit_as_the_same_numbers_do(scale: str) -> None:
    curves = [
        finished(Training(configuration(), read(dtype, scale=scale, **FEW)[1], DEV_LOSS, seed=3))
        for dtype in ("uint8", "float32")
    ]
    assert without_times(curves[0]) == without_times(curves[1])


def test_bytes_stay_bytes_on_their_way_to_a_trial() -> None:
    data = read("uint8")[1]
    assert isinstance(data.x_train, Pixels)
    assert data.x_train.images.dtype == np.uint8
    np.testing.assert_array_equal(data.x_train.scaled(), read("float32")[1].x_train)


def test_bytes_have_the_digest_of_the_numbers_that_they_are() -> None:
    assert read("uint8")[0].digest == read("float32")[0].digest
