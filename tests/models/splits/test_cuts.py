from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sweeps.models.data.configuration import DataConfig
from sweeps.models.data.datasets import load_dataset
from sweeps.models.data.features import features_from_columns
from sweeps.models.errors import DataError
from sweeps.models.splits.cuts import AT_RANDOM, Cut, cut_dataset
from sweeps.models.splits.data_checks import DataSummary, check_data
from sweeps.models.splits.equal_rows import equal_rows, is_by_chance
from sweeps.models.splits.row_cuts import RowCut, cut_folds, cut_rows

RNG = np.random.default_rng(2)


def twice(rows: int = 150) -> pd.DataFrame:
    """Each row twice, with a coin toss for a label."""
    frame = pd.DataFrame(RNG.normal(size=(rows, 3)), columns=list("abc"))
    frame["y"] = RNG.choice(["heads", "tails"], rows)
    return pd.concat([frame, frame], ignore_index=True)


def patients(count: int = 30, rows: int = 8) -> pd.DataFrame:
    frame = pd.DataFrame(RNG.normal(size=(count * rows, 2)), columns=["a", "b"])
    frame["patient"] = np.repeat([f"p{number}" for number in range(count)], rows)
    frame["y"] = np.repeat(np.arange(count) % 2, rows)
    return frame


def cut_of(frame: pd.DataFrame, folder: Path, **split: object) -> tuple[Cut, DataConfig]:
    frame.to_csv(folder / "t.csv", index=False)
    config = DataConfig.model_validate({"source": "t.csv", "target": "y", "split": split})
    return cut_dataset(load_dataset(config, folder), config.split, 7), config


def summary_of(frame: pd.DataFrame, folder: Path, **keys: object) -> DataSummary:
    frame.to_csv(folder / "t.csv", index=False)
    config = DataConfig.model_validate({"source": "t.csv", "target": "y", **keys})
    report = check_data(config, folder, seed=7)
    assert report.summary is not None, report.problems
    return report.summary


@pytest.mark.parametrize("split", [{}, {"folds": 4}])
def test_rows_that_occur_twice_stay_on_one_side(tmp_path: Path, split: dict[str, int]) -> None:
    frame = twice()
    cut, _ = cut_of(frame, tmp_path, **split)
    assert cut.shared == 0
    assert cut.rule == "at random; rows with equal features together (300 rows in 150 groups)"
    first = cut.parts[0]
    assert set(first.test % 150).isdisjoint((first.train % 150).tolist())
    assert abs(len(first.test) - 60) <= 2


def test_rows_that_occur_twice_are_cut_apart_where_that_is_wanted(tmp_path: Path) -> None:
    cut, _ = cut_of(twice(), tmp_path, duplicates="apart")
    assert cut.rule == AT_RANDOM
    assert cut.shared > 50


def test_few_different_values_make_equal_rows_by_chance(tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": RNG.integers(0, 5, 400), "b": RNG.choice(["u", "v"], 400)})
    frame["y"] = RNG.choice(["no", "yes"], 400)
    summary = summary_of(frame, tmp_path)
    assert summary.cut == AT_RANDOM
    (note,) = summary.notes
    assert "few different values make rows equal by chance" in note
    assert "split.duplicates: together" in note


@pytest.mark.parametrize("source", ["digits", "breast_cancer", "wine", "iris", "diabetes"])
def test_built_in_sets_are_cut_as_ever(source: str) -> None:
    config = DataConfig(source=source)
    dataset = load_dataset(config, Path())
    (part,) = cut_dataset(dataset, config.split, 7).parts
    expected = cut_rows(dataset.target, config.split, 7)
    np.testing.assert_array_equal(part.train, expected.train)
    np.testing.assert_array_equal(part.test, expected.test)


def test_folds_of_data_without_equal_rows_are_cut_as_ever() -> None:
    config = DataConfig.model_validate({"source": "wine", "split": {"folds": 5}})
    dataset = load_dataset(config, Path())
    found = cut_dataset(dataset, config.split, 3).parts
    expected = cut_folds(dataset.target, config.split, 3)
    np.testing.assert_array_equal(found[4].dev, expected[4].dev)


def test_equal_rows_are_those_that_numpy_finds() -> None:
    numbers = RNG.integers(0, 3, (200, 3)).astype(float)
    numbers[numbers == 2] = np.nan
    words = RNG.choice(["u", "v"], 200)
    columns = {f"n{place}": numbers[:, place] for place in range(3)}
    units = equal_rows(features_from_columns({**columns, "w": words}))
    text = np.array([f"{row}{word}" for row, word in zip(numbers, words, strict=True)])
    expected = np.unique(text, return_inverse=True)[1]
    assert len(np.unique(np.stack([units, expected]), axis=1).T) == len(np.unique(expected))
    assert len(np.unique(units)) == len(np.unique(expected))


def test_minus_zero_is_zero_and_neighbours_are_not_equal() -> None:
    features = features_from_columns({"x": [0.0, -0.0, 1.0, np.nextafter(1.0, 2.0)]})
    units = equal_rows(features)
    assert units[0] == units[1]
    assert len(set(units.tolist())) == 3


def test_real_numbers_are_never_equal_by_chance() -> None:
    features = features_from_columns({"x": np.tile(RNG.normal(size=50), 2)})
    assert not is_by_chance(features, equal_rows(features))


def test_groups_stay_on_one_side_and_are_no_feature(tmp_path: Path) -> None:
    frame = patients()
    cut, config = cut_of(frame, tmp_path, group="patient")
    dataset = load_dataset(config, tmp_path)
    assert dataset.features.word_names == ()
    assert cut.rule == "at random by 30 groups of patient"
    names = frame.patient.to_numpy()
    part = cut.parts[0]
    assert set(names[part.train]).isdisjoint({*names[part.dev], *names[part.test]})
    assert set(names[part.dev]).isdisjoint(names[part.test])


def test_groups_of_one_size_count_as_so_many_rows_and_a_large_one_as_fewer(tmp_path: Path) -> None:
    found = summary_of(patients(), tmp_path, split={"group": "patient"}).independent
    assert found == pytest.approx({"train": 18, "dev": 6, "test": 6})
    folds = summary_of(patients(), tmp_path, split={"group": "patient", "folds": 4}).independent
    assert folds == pytest.approx({"train": 24, "dev": 24, "test": 6})
    assert summary_of(patients(), tmp_path, exclude=["patient"]).independent == {}
    uneven = Cut((RowCut(np.arange(6), np.arange(6, 8), np.arange(8, 10)),), "", UNEVEN)
    assert uneven.independent() == {"train": 36 / (16 + 1 + 1), "dev": 1, "test": 2}


def test_the_groups_of_each_part_are_counted(tmp_path: Path) -> None:
    found = summary_of(patients(), tmp_path, split={"group": "patient"}).groups
    assert found == {"train": 18, "dev": 6, "test": 6}
    folds = summary_of(patients(), tmp_path, split={"group": "patient", "folds": 4}).groups
    assert folds == {"train": 24, "dev": 24, "test": 6}
    assert summary_of(patients(), tmp_path, exclude=["patient"]).groups == {}
    uneven = Cut((RowCut(np.arange(6), np.arange(6, 8), np.arange(8, 10)),), "", UNEVEN)
    assert uneven.unit_counts() == {"train": 3, "dev": 1, "test": 2}


UNEVEN = np.array([0, 0, 0, 0, 1, 2, 3, 3, 4, 5])


def test_numbers_of_patients_above_two_to_the_53_are_told_apart(tmp_path: Path) -> None:
    frame = patients()
    frame["patient"] = 2**53 + np.repeat(np.arange(30), 8)
    cut, _ = cut_of(frame, tmp_path, group="patient")
    assert cut.rule == "at random by 30 groups of patient"


def test_what_comes_later_is_held_out_in_the_order_of_dates(tmp_path: Path) -> None:
    frame = patients().drop(columns="patient").sample(frac=1, random_state=3, ignore_index=True)
    frame["day"] = pd.date_range("2026-01-01", periods=len(frame))
    cut, _ = cut_of(frame, tmp_path, order="day", gap=2)
    assert cut.rule == "in the order of day: dev after train, test after dev, a gap of 2 rows"
    part = cut.parts[0]
    assert part.train.max() + 2 < part.dev.min()


def test_a_given_cut_is_taken_as_it_is(tmp_path: Path) -> None:
    frame = patients()
    frame["part"] = RNG.choice(["train", "Validation", "test"], len(frame))
    cut, _ = cut_of(frame, tmp_path, given="part")
    part = cut.parts[0]
    np.testing.assert_array_equal(part.dev, np.flatnonzero(frame.part == "Validation"))
    np.testing.assert_array_equal(part.test, np.flatnonzero(frame.part == "test"))


@pytest.mark.parametrize("split", [{"dev": 0.25}, {"folds": 3}])
def test_dev_is_cut_at_random_where_only_the_test_rows_are_given(
    tmp_path: Path, split: dict[str, float]
) -> None:
    frame = patients()
    frame["part"] = np.where(np.arange(len(frame)) < 60, "test", "train")
    cut, _ = cut_of(frame, tmp_path, given="part", **split)
    np.testing.assert_array_equal(cut.parts[0].test, np.arange(60))
    together = np.concatenate([cut.parts[0].train, cut.parts[0].dev])
    np.testing.assert_array_equal(np.sort(together), np.arange(60, len(frame)))


@pytest.mark.parametrize(
    ("column", "values", "split", "message"),
    [
        ("part", ["train", "hold"] * 120, {"given": "part"}, r"row 2 says; got 'hold'"),
        ("part", ["train"] * 240, {"given": "part"}, "gives none to test"),
        ("when", ["1.2.26", "2.2.26"] * 120, {"order": "when"}, "must be numbers or dates"),
        ("p", [None, "b"] * 120, {"group": "p"}, "must have a value in every row; got 'none in"),
    ],
)
def test_columns_that_cannot_decide_a_cut_are_refused(
    tmp_path: Path, column: str, values: list[object], split: dict[str, str], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        cut_of(patients().assign(**{column: values}), tmp_path, **split)


def test_text_that_a_function_gives_is_not_an_order() -> None:
    config = DataConfig.model_validate(
        {"source": "tests.models.own_data_examples:days_as_text", "split": {"order": "day"}}
    )
    dataset = load_dataset(config, Path())
    with pytest.raises(DataError, match="must be numbers or dates"):
        cut_dataset(dataset, config.split, 7)


def test_dates_beyond_the_year_2262_are_the_last(tmp_path: Path) -> None:
    days = [f"{year}-01-01 00:00:00" for year in range(2000, 2239)] + ["9999-12-31 00:00:00"]
    cut, _ = cut_of(patients().drop(columns="patient").assign(day=days), tmp_path, order="day")
    assert 239 in cut.parts[0].test


@pytest.mark.parametrize("values", [[f"{n // 60:02}:{n % 60:02}:00" for n in range(240)]])
def test_times_of_day_are_an_order(tmp_path: Path, values: list[str]) -> None:
    cut, _ = cut_of(patients().drop(columns="patient").assign(at=values), tmp_path, order="at")
    assert cut.parts[0].train.max() < cut.parts[0].dev.min()


def test_decimals_of_parquet_are_an_order(tmp_path: Path) -> None:
    frame = patients().drop(columns="patient").assign(t=[Decimal(n) / 4 for n in range(240)])
    frame.to_parquet(tmp_path / "t.parquet")
    split = {"order": "t"}
    config = DataConfig.model_validate({"source": "t.parquet", "target": "y", "split": split})
    cut = cut_dataset(load_dataset(config, tmp_path), config.split, 7)
    assert cut.parts[0].train.max() < cut.parts[0].dev.min()


def test_a_misspelt_column_is_named_where_it_was_written(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="patiemt") as caught:
        cut_of(patients(), tmp_path, group="patiemt")
    assert caught.value.key[0] == "split"


@pytest.mark.parametrize("key", ["group", "order", "given"])
def test_equal_rows_cannot_be_asked_for_beside_a_column(key: str) -> None:
    split = {key: "c", "duplicates": "together"}
    with pytest.raises(ValueError, match=f"needs a random split, not one by {key}"):
        DataConfig.model_validate({"source": "t.csv", "target": "y", "split": split})


def test_the_refit_trains_on_all_but_the_test_set_and_the_gaps(tmp_path: Path) -> None:
    frame = patients().drop(columns="patient").assign(t=np.arange(240))
    cut, _ = cut_of(frame, tmp_path, order="t", folds=4)
    refit = cut.refit()
    np.testing.assert_array_equal(np.sort(refit.train), np.arange(192))


@pytest.mark.parametrize(
    ("keys", "column", "values", "words"),
    [
        ({}, "patient", np.repeat([f"p{n}" for n in range(30)], 8), "patient looks like a group"),
        ({}, "visit", np.repeat(np.arange(30), 8), "visit looks like a group (30 values"),
        ({"exclude": ["day"]}, "day", pd.date_range("2026", periods=240), "day looks like a time"),
        ({}, "name", [f"n{number}" for number in range(240)], "name has a different value in each"),
    ],
)
def test_columns_that_a_random_cut_tears_apart_are_pointed_out(
    tmp_path: Path, keys: dict[str, object], column: str, values: object, words: str
) -> None:
    frame = patients().drop(columns="patient").assign(**{column: values})
    notes = summary_of(frame, tmp_path, **keys).notes
    assert [words in note for note in notes] == [True]


def test_ordinary_columns_are_not_pointed_out(tmp_path: Path) -> None:
    frame = patients().drop(columns="patient")
    frame["age"] = RNG.integers(20, 60, len(frame))
    frame["town"] = RNG.choice(["u", "v", "w"], len(frame))
    assert summary_of(frame, tmp_path).notes == ()
