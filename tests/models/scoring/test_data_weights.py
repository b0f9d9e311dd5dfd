"""The column that says how much each row counts: read beside the features, held to its rules."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sweeps.models.data.configuration import DataConfig
from sweeps.models.data.datasets import load_dataset
from sweeps.models.errors import DataError
from sweeps.models.splits.splits import split_dataset

OWN = "tests.models.own_data_examples"


def write(folder: Path, weights: list[object]) -> DataConfig:
    rows = [f"{at},{'uv'[at % 2]},{weights[at % len(weights)]}" for at in range(40)]
    (folder / "d.csv").write_text("\n".join(["x,y,w", *rows]))
    return DataConfig(source="d.csv", target="y", weights="w")


def test_weights_are_no_feature_and_follow_their_rows_into_the_training_part(
    tmp_path: Path,
) -> None:
    dataset = load_dataset(write(tmp_path, [1, 2.5, 0, 4]), tmp_path)
    assert dataset.features.number_names == ("x",)
    assert dataset.weights is not None
    assert dataset.weights[:4].tolist() == [1.0, 2.5, 0.0, 4.0]
    splits = split_dataset(dataset, DataConfig(source="d.csv", target="y", weights="w"), 0)
    sent = splits.train_dev().weights
    assert sent is not None
    assert sent.tolist() == dataset.weights[splits.train.rows].tolist()


@pytest.mark.parametrize(
    ("weights", "words"),
    [
        ([1, -2], r"a weight must be a number, 0 or more; row 2 of 'w' has none; got -2.0"),
        ([1, "heavy"], "holds the weights of rows and must hold numbers"),
        ([1, ""], "weighs the rows and must have a value in every row; got 'none in row 2'"),
    ],
)
def test_weights_that_are_none_are_refused(
    tmp_path: Path, weights: list[object], words: str
) -> None:
    with pytest.raises(DataError, match=words) as caught:
        load_dataset(write(tmp_path, weights), tmp_path)
    assert caught.value.key == ("weights",)


def test_a_column_of_weights_that_is_not_there_is_named_where_it_is_written(
    tmp_path: Path,
) -> None:
    config = write(tmp_path, [1]).model_copy(update={"weights": "wt"})
    with pytest.raises(DataError) as caught:
        load_dataset(config, tmp_path)
    assert caught.value.key == ("weights",)


def test_weights_are_in_the_digest(tmp_path: Path) -> None:
    one = load_dataset(write(tmp_path, [1, 2]), tmp_path)
    other = load_dataset(write(tmp_path, [1, 3]), tmp_path)
    assert one.digest != other.digest


def test_a_function_may_return_weights_as_a_third_value() -> None:
    config = DataConfig(source=f"{OWN}:days_as_text", weights="day")
    with pytest.raises(DataError, match="must hold numbers"):
        load_dataset(config, Path())
    found = load_dataset(DataConfig(source=f"{OWN}:weighted", weights="w"), Path())
    assert found.weights is not None
    assert found.weights.tolist() == np.linspace(0, 1, 40).tolist()


def test_a_function_without_the_column_is_refused() -> None:
    with pytest.raises(DataError, match="must return a column 'w', which weighs the rows"):
        load_dataset(DataConfig(source=f"{OWN}:shapes", weights="w"), Path())


def test_the_target_cannot_be_the_weights() -> None:
    with pytest.raises(ValueError, match="must not be the target"):
        DataConfig(source="d.csv", target="y", weights="y")
