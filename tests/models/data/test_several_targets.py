"""Rows of several targets: amounts, or labels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from sweeps.models.data.configuration import DataConfig, SplitFractions
from sweeps.models.data.datasets import load_dataset
from sweeps.models.data.several_targets import read_targets, targets_of
from sweeps.models.data.targets import Target
from sweeps.models.errors import DataError
from sweeps.models.splits.data_checks import check_data
from sweeps.models.splits.row_cuts import cut_folds, cut_rows
from sweeps.models.splits.splits import split_dataset

LABELS = {"a": np.array([0, 1, 1]), "b": np.array([1, 0, 0])}
AMOUNTS = {"a": np.array([1.5, 2.0, 3.0]), "b": np.array([1, 0, 0])}
OWN = "tests.models.own_data_examples"


def table(folder: Path, **columns: Any) -> DataConfig:
    generator = np.random.default_rng(0)
    frame = pd.DataFrame({"x": generator.normal(size=100), **columns})
    frame.to_csv(folder / "t.csv", index=False)
    return DataConfig(source="t.csv", target=tuple(columns))


@pytest.mark.parametrize(
    ("columns", "task"),
    [
        (LABELS, "multilabel"),
        (AMOUNTS, "regression"),
        ({"a": [True, False], "b": [1, 0]}, "multilabel"),
    ],
)
def test_auto_takes_columns_of_0_and_1_for_labels_and_others_for_amounts(
    columns: Any, task: str
) -> None:
    target = read_targets({name: np.asarray(one) for name, one in columns.items()}, "auto")
    assert (target.task, target.outputs, target.names) == (task, 2, ("a", "b"))
    assert target.values.shape == (len(columns["a"]), 2)


def test_labels_may_be_taken_for_amounts() -> None:
    assert read_targets(LABELS, "regression").values.dtype == np.float64


@pytest.mark.parametrize(
    ("columns", "task", "message"),
    [
        (LABELS, "classification", "classification takes one target; 2 are named"),
        (AMOUNTS, "multilabel", "a label must be 0 or 1 in every row; 'a' holds 1.5"),
        (LABELS | {"c": np.array(["x", "y", "x"])}, "auto", "'c' holds words"),
        (LABELS | {"c": np.ones(3)}, "auto", "target 'c' must have at least two values"),
        (LABELS | {"c": np.array([np.nan, 1, 0])}, "multilabel", "row 1 has none"),
        (LABELS | {"c": np.array([0, 1])}, "auto", "all targets must have equal numbers of rows"),
        ({"a": np.array([0, 1])}, "multilabel", "multilabel needs at least two labels"),
    ],
)  # fmt: skip
def test_targets_that_do_not_suit_are_named(columns: Any, task: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_targets(columns, task)


@pytest.mark.parametrize(
    ("raw", "names"),
    [
        (np.zeros((4, 2)), ["y_0", "y_1"]),
        (pd.DataFrame({"u": [1, 2], "v": [3, 4]}), ["u", "v"]),
        ({"u": [1, 2]}, ["u"]),
    ],
)
def test_columns_have_the_names_that_they_came_with_or_numbers(raw: Any, names: list[str]) -> None:
    found = targets_of("y", raw)
    assert found is not None
    assert list(found) == names


@pytest.mark.parametrize("raw", [np.zeros(4), np.zeros((4, 1))])
def test_one_value_a_row_is_one_target(raw: Any) -> None:
    assert targets_of("y", raw) is None


def test_a_file_may_name_several_columns(tmp_path: Path) -> None:
    generator = np.random.default_rng(1)
    config = table(tmp_path, a=generator.normal(50, 7, 100), b=generator.normal(-1, 0.1, 100))
    splits = split_dataset(load_dataset(config, tmp_path), config, seed=1)
    assert (splits.outputs, splits.preprocessing.number_names) == (2, ("x",))
    # float32 keeps seven digits.
    assert splits.train.y.mean(axis=0) == pytest.approx(0, abs=1e-6)
    assert splits.train.y.std(axis=0) == pytest.approx(1, abs=1e-6)


def test_an_array_of_an_npz_and_a_function_may_have_several_columns(tmp_path: Path) -> None:
    y = np.random.default_rng(1).integers(2, size=(40, 3))
    np.savez(tmp_path / "t.npz", x=np.random.default_rng(0).normal(size=(40, 2)), y=y)
    read = load_dataset(DataConfig(source="t.npz", target="y"), tmp_path).target
    assert (read.task, read.names) == ("multilabel", ("y_0", "y_1", "y_2"))
    np.testing.assert_array_equal(read.values, y)
    own = load_dataset(DataConfig(source=f"{OWN}:two_labels"), tmp_path).target
    assert (own.task, own.names) == ("multilabel", ("wet", "cold"))


def test_data_whose_targets_have_other_names_are_other_data(tmp_path: Path) -> None:
    arrays = {name: np.arange(40.0) ** 2 for name in ("a", "b", "x")}
    np.savez(tmp_path / "t.npz", **arrays)
    digests = {
        load_dataset(DataConfig(source="t.npz", target=names), tmp_path).digest
        for names in (("a", "b"), ("b", "a"))
    }
    assert len(digests) == 2


def test_the_columns_of_a_plan_say_how_many_targets_there_are(tmp_path: Path) -> None:
    config = table(tmp_path, a=np.arange(100) % 2, b=np.arange(100) % 3 // 2)
    summary = check_data(config, tmp_path, seed=0).summary
    assert summary is not None
    assert summary.columns.lines() == ["1 number (x); 2 targets (a, b): labels"]


@pytest.mark.parametrize(
    ("target", "message"),
    [(("a", "a"), "named once"), (("a", "q"), "must have a column of this name")],
)
def test_a_target_is_named_once_and_is_in_the_file(
    tmp_path: Path, target: tuple[str, ...], message: str
) -> None:
    table(tmp_path, a=np.arange(100.0), b=np.arange(100.0))
    with pytest.raises(ValueError, match=message):
        load_dataset(DataConfig(source="t.csv", target=target), tmp_path)


def labels(rows: int, shares: tuple[float, ...]) -> Target:
    drawn = np.random.default_rng(4).random((rows, len(shares))) < shares
    return Target(drawn.astype(np.float32), "multilabel", names=tuple("abcdef"[: len(shares)]))


def test_every_split_has_its_share_of_each_combination_that_is_not_rare() -> None:
    target = labels(2000, (0.5, 0.3))
    cut = cut_rows(target, SplitFractions(dev=0.2, test=0.1), seed=3)
    for_each = target.values @ [1, 2]
    sizes = np.bincount(for_each.astype(int))
    in_test = np.bincount(for_each[cut.test].astype(int))
    assert np.abs(in_test - 0.1 * sizes).max() <= 1
    assert len(cut.test) == 200


@pytest.mark.parametrize("shares", [(0.5, 0.01, 0.01), (0.01, 0.02), (0.5,) * 6])
def test_rare_combinations_do_not_make_a_split_larger(shares: tuple[float, ...]) -> None:
    target = labels(300, shares)
    cut = cut_rows(target, SplitFractions(dev=0.1, test=0.05), seed=3)
    assert (len(cut.test), len(cut.dev)) == (15, 30)
    folds = cut_folds(target, SplitFractions(folds=7, test=0.05), seed=3)
    assert {len(fold.dev) for fold in folds} <= {40, 41}


def test_units_stay_together_where_rows_have_labels() -> None:
    units = np.repeat(np.arange(60), 5)
    cut = cut_rows(labels(300, (0.5, 0.1)), SplitFractions(), 3, units)
    assert not set(units[cut.test]) & set(units[cut.train])
    assert len(cut.test) == 60


def test_masks_are_labels_of_pixels_though_their_edges_are_in_none() -> None:
    masks = np.zeros((4, 3, 3), dtype=np.int64)
    masks[::2, 1, 1] = 1
    columns = targets_of("target", masks)
    assert columns is not None
    target = read_targets(columns, "auto", are_named=False)
    assert (target.task, target.outputs) == ("multilabel", 9)
    np.testing.assert_array_equal(target.values, masks.reshape(4, 9))


def test_masks_that_are_all_alike_are_an_error() -> None:
    columns = targets_of("target", np.zeros((4, 3, 3)))
    assert columns is not None
    with pytest.raises(DataError, match="target 'target_0' must have at least two values"):
        read_targets(columns, "auto", are_named=False)
