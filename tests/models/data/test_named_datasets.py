from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sweeps.models.data.configuration import DataConfig
from sweeps.models.data.datasets import load_dataset
from sweeps.models.data.items import ItemRows, kind_text
from sweeps.models.errors import DataError
from sweeps.models.splits.splits import Part, split_folds
from tests.models.own_datasets import SOURCE, Blobs, splits

GIVEN = {"given": "part"}


def inputs_of(part: Part) -> list[list[float]]:
    """The x of a part's items, in order of their numbers."""
    assert isinstance(part.x, ItemRows)
    dataset = part.x.items.dataset
    return [dataset[number][0].tolist() for number in sorted(part.rows.tolist())]


def test_datasets_by_name_are_the_cut_and_dev_is_cut_from_train() -> None:
    cut = splits("by_name", split=GIVEN)
    assert inputs_of(cut.test) == Blobs(15).x.tolist()
    assert {*cut.train.rows.tolist(), *cut.dev.rows.tolist()} == {*range(60)}
    assert len(cut.dev.rows) == 12


def test_a_dev_dataset_is_dev_and_columns_beside_count_in_the_order_train_dev_test() -> None:
    cut = splits("with_dev", split=GIVEN, weights="w")
    assert [sorted(part.rows.tolist()) for part in (cut.train, cut.dev, cut.test)] == [
        [*range(60)],
        [*range(60, 78)],
        [*range(78, 90)],
    ]
    assert inputs_of(cut.dev) == Blobs(18).x.tolist()
    np.testing.assert_array_equal(cut.dev.y, np.arange(18) % 3)


def test_datasets_by_name_are_collated_as_the_dataset_of_train_is() -> None:
    item = splits("sentences_by_name", split=GIVEN).preprocessing.item
    assert item is not None
    assert kind_text(item) == "{ids: int64 of any, mask: bool of any}"


def test_a_y_of_several_numbers_has_an_output_each() -> None:
    cut = splits("masks_by_name", split=GIVEN)
    assert cut.test.y.shape == (15, 6)
    assert cut.preprocessing.outputs == cut.outputs == 6


def test_folds_are_cut_from_the_dataset_of_train() -> None:
    config = DataConfig.model_validate(
        {"source": f"{SOURCE}:by_name", "split": {**GIVEN, "folds": 3}}
    )
    folds = split_folds(load_dataset(config, Path()), config, seed=0)
    assert [len(fold.dev.rows) for fold in folds] == [20, 20, 20]
    assert {*folds[0].test.rows.tolist()} == {*range(60, 75)}


@pytest.mark.parametrize(
    ("name", "split", "message"),
    [
        ("by_name", {}, r"already define the split.*'at random'.*split: \{given: part\}"),
        ("by_name", {"given": "fold"}, "'fold'.*given: part"),
        ("without_test", GIVEN, r"one for test.* returned train \(a Blobs\), dev \(a Blobs\)"),
        ("two_devs", GIVEN, "maybe one for dev"),
        ("half_named", GIVEN, r"test \(a tuple\)"),
    ],
)
def test_datasets_by_name_that_give_no_cut_are_refused(
    name: str, split: dict[str, str], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        splits(name, split=split)
