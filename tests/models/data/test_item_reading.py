from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch

from sweeps.models.data.configuration import DataConfig
from sweeps.models.data.datasets import Dataset, load_dataset
from sweeps.models.data.item_reading import ItemReader
from sweeps.models.data.items import ItemRows, kind_text
from sweeps.models.errors import DataError
from tests.models import own_datasets


def load(name: str, **data: object) -> Dataset:
    config = DataConfig.model_validate({"source": f"{own_datasets.SOURCE}:{name}", **data})
    return load_dataset(config, Path())


def rows_of(dataset: Dataset) -> ItemRows:
    found = dataset.raw(np.arange(len(dataset)))
    assert isinstance(found, ItemRows)
    return found


def test_a_dataset_is_read_with_its_labels_and_kind() -> None:
    dataset = load("blobs")
    assert (len(dataset), dataset.target.class_names) == (90, ("0", "1", "2"))
    assert str(rows_of(dataset).items.x) == "float32 of 5"
    assert load("amounts").target.task == "regression"


def test_targets_spare_the_reading_of_every_item() -> None:
    few, every = load("labelled"), load("blobs")
    assert len({*rows_of(few).items.dataset.read}) == 16
    assert {*rows_of(every).items.dataset.read} == {*range(90)}
    np.testing.assert_array_equal(few.target.values, every.target.values)


def test_the_digest_follows_from_items_labels_and_length() -> None:
    digests = {name: load(name).digest for name in ("blobs", "labelled", "amounts", "noisy")}
    assert digests["blobs"] == digests["labelled"] == load("blobs").digest
    assert len({*digests.values()}) == 3


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("empty", "its length is 0"),
        ("uneven", "x of every item must be float32 of 5, .* of item 30 is float32 of 4"),
        ("broken", r"item 31 .* it raised ValueError: not a JPEG"),
        ("changing", "must return the same item each time"),
        ("unlabelled", r"must be \(x, y\) or a dictionary, and item 0 is a Tensor"),
        ("boxes", "'y_0' must have at least two values; every row is 0.0"),
        (
            "uncollated",
            r"of item 6 is \{ids: int64 of 4\}.* Items of different sizes need a `collate`",
        ),
        ("longest", "must return the y of its items in their order"),
        ("unpadded", r"one row for each of 16 items, and returned \{ids: int64 of \d+\}"),
        ("two_labels", "must have its y as one of labels, label, target.* has x, label, labels"),
        ("as_arrays", "must be a tensor, and of item 0 it is a ndarray"),
        ("mislabelled", r"y of item \d+ must be targets\[\d+\], 0, and is 2"),
        ("few_labels", "targets must have one value per item: 90, not 2"),
        ("stream", "with __len__ and __getitem__ .* returned a Stream"),
        ("loader", "returned a DataLoader"),
    ],
)
def test_a_dataset_that_cannot_be_used_says_which_item_and_why(name: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        load(name)


def test_a_y_that_changes_later_is_found_when_it_is_read() -> None:
    rows = rows_of(load("relabelled"))
    with pytest.raises(DataError, match="y of item 0 must stay what it was, 0, and is 1 now"):
        ItemReader(rows).read(range(3), seed=0)


@pytest.mark.parametrize(("name", "is_permanent"), [("lost", False), ("broken", True)])
def test_only_an_item_that_another_attempt_may_read_is_tried_again(
    name: str, is_permanent: bool
) -> None:
    with pytest.raises(DataError, match="item 31") as caught:
        ItemReader(rows_of(load(name))).read([31], seed=0)
    assert caught.value.is_permanent is is_permanent


def test_what_is_drawn_for_a_batch_follows_from_its_seed_and_moves_no_generator() -> None:
    reader = ItemReader(rows_of(load("noisy")))
    before = torch.get_rng_state(), np.random.get_state()[1].tolist()
    first, again, other = (reader.read([3, 4], seed) for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert torch.equal(before[0], torch.get_rng_state())
    assert before[1] == np.random.get_state()[1].tolist()


def test_a_pickle_has_the_numbers_of_items_and_makes_the_dataset_anew() -> None:
    rows = rows_of(load("blobs"))[10:20]
    content = pickle.dumps(rows)
    copy = pickle.loads(content)
    assert len(content) < rows.items.dataset.x.nbytes
    assert copy.items.dataset is None
    expected = ItemReader(rows).read(range(10), seed=0)
    assert torch.equal(ItemReader(copy).read(range(10), seed=0), expected)


def test_columns_beside_a_dataset_decide_the_cut_and_weigh() -> None:
    dataset = load("grouped", split={"group": "patient"}, weights="w")
    assert dataset.cut_by is not None
    assert dataset.weights is not None
    assert (len(np.unique(dataset.cut_by)), dataset.weights.max()) == (30, 89)
    with pytest.raises(DataError, match=r"return a column 'doctor'.*dataset, \{name"):
        load("grouped", split={"group": "doctor"})


def test_a_dictionary_is_read_as_its_tensors_by_name_and_its_labels() -> None:
    dataset = load("sentences")
    rows = rows_of(dataset)
    x = ItemReader(rows).read([0, 3], seed=0)
    assert kind_text(rows.items.x) == "{ids: int64 of any, mask: bool of any}"
    assert isinstance(x, dict)
    assert x["ids"].tolist() == [[1, 1, 0, 0, 0], [1, 1, 1, 1, 1]]
    assert x["mask"].sum(1).tolist() == [2, 5]
    assert dataset.target.class_names == ("0", "1", "2")


def test_a_y_of_several_numbers_is_read_as_that_many_targets() -> None:
    dataset = load("masks")
    x = own_datasets.Blobs().x[:, None, :3]
    wanted = (x > torch.tensor([[0.0], [1.0]])).reshape(90, 6)
    assert dataset.target.task == "multilabel"
    np.testing.assert_array_equal(dataset.target.values, wanted)
    assert ItemReader(rows_of(dataset)).read([5], seed=0).shape == (1, 5)  # type: ignore[union-attr]
