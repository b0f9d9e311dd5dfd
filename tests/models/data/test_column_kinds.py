"""Which columns are numbers or categories, and what is said of those that are neither."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from sweeps.models.data.column_kinds import settled_columns
from sweeps.models.data.configuration import DataConfig
from sweeps.models.data.datasets import Dataset, load_dataset
from sweeps.models.data.kinds import ColumnKinds
from sweeps.models.errors import DataError
from sweeps.models.splits.data_checks import check_data

FUNCTION = DataConfig(source="own:data")
NUMBERS = [number / 8 for number in range(40)]


def dataset_of(folder: Path, frame: pd.DataFrame, name: str = "t.csv", **keys: Any) -> Dataset:
    path = folder / name
    frame.to_parquet(path) if name.endswith("parquet") else frame.to_csv(path, index=False)
    return load_dataset(DataConfig(source=name, target="y", **keys), folder)


def frame_with(cell: object) -> pd.DataFrame:
    cells = [*map(str, NUMBERS[:-1]), cell]
    return pd.DataFrame({"x": cells, "y": ["u", "v"] * 20})


@pytest.mark.parametrize("name", ["t.csv", "t.parquet"])
def test_the_first_cell_that_is_no_number_is_named_with_the_ways_out(
    tmp_path: Path, name: str
) -> None:
    with pytest.raises(DataError, match=r"column 'x' .*row 40 holds '\?'") as caught:
        dataset_of(tmp_path, frame_with("?"), name)
    assert "(exclude: [x])" in caught.value.hint
    assert "(words: [x])" in caught.value.hint
    assert ("missing_values: ['?']" in caught.value.hint) == (name == "t.csv")


def test_a_function_is_not_told_of_keys_of_files() -> None:
    with pytest.raises(DataError) as caught:
        settled_columns({"x": [*map(str, NUMBERS), "?"]}, FUNCTION)
    assert "exclude" not in caught.value.hint
    assert "(words: [x])" in caught.value.hint


def test_numbers_beside_a_text_in_a_list_or_an_object_column_are_named() -> None:
    with pytest.raises(DataError, match="40 of 41 values are numbers, and row 41 holds 'n/a'"):
        settled_columns({"x": [*NUMBERS, "n/a"]}, FUNCTION)
    with pytest.raises(DataError, match="row 41 holds 'n/a'"):
        settled_columns({"x": pd.Series([*NUMBERS, "n/a"])}, FUNCTION)


def test_words_may_be_declared(tmp_path: Path) -> None:
    dataset = dataset_of(tmp_path, frame_with("?"), words=("x",))
    assert dataset.features.word_names == ("x",)
    assert dataset.features.words[-1, 0] == "?"


def test_declared_words_of_typed_columns_are_written_out() -> None:
    config = DataConfig(source="own:data", words=("code", "old"))
    columns = {"code": np.array([501, 7]), "old": [True, False], "z": [1.5, 2.5]}
    settled = settled_columns(columns, config)
    assert settled["code"].tolist() == ["501", "7"]
    assert settled["old"].tolist() == ["True", "False"]
    assert settled["z"].tolist() == [1.5, 2.5]


def test_declared_words_must_be_columns(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="Did you mean 'x'") as caught:
        dataset_of(tmp_path, frame_with("?"), words=("xx",))
    assert caught.value.key == ("words",)


def test_what_counts_as_missing_can_be_set(tmp_path: Path) -> None:
    dataset = dataset_of(tmp_path, frame_with("?"), missing_values=("?",))
    assert np.isnan(dataset.features.numbers[-1, 0])
    assert dataset.missing == {"x": {"?": 1}}
    towns = pd.DataFrame({"land": ["NA", "DE"] * 20, "y": ["u", "v"] * 20})
    assert dataset_of(tmp_path, towns, missing_values=()).features.words[0, 0] == "NA"
    assert dataset_of(tmp_path, towns).missing == {"land": {"NA": 20}}


def test_the_decimal_comma_is_proposed_and_read(tmp_path: Path) -> None:
    frame = pd.DataFrame({"x": [f"{one:.2f}".replace(".", ",") for one in NUMBERS]})
    frame = frame.assign(y=["u", "v"] * 20)
    with pytest.raises(DataError, match=r"decimal: ','"):
        dataset_of(tmp_path, frame)
    text = frame.to_csv(index=False, sep=";", quoting=3)
    (tmp_path / "t.csv").write_text(text, encoding="utf-8")
    config = DataConfig(source="t.csv", target="y", separator=";", decimal=",")
    numbers = load_dataset(config, tmp_path).features.numbers[:, 0]
    np.testing.assert_allclose(numbers, np.round(NUMBERS, 2))


def test_a_plus_sign_and_a_space_of_any_kind_leave_a_number_a_number(tmp_path: Path) -> None:
    frame = pd.DataFrame({"x": ["+1.5", "2\u00a0", " 3"] * 9, "y": ["u", "v", "v"] * 9})
    features = dataset_of(tmp_path, frame).features
    assert features.number_names == ("x",)
    assert features.numbers[:3, 0].tolist() == [1.5, 2, 3]


def test_a_target_that_is_nearly_all_numbers_is_named_too(tmp_path: Path) -> None:
    frame = frame_with("?").rename(columns={"x": "y", "y": "x"})
    with pytest.raises(DataError, match=r"column 'y' .*row 40 holds '\?'"):
        dataset_of(tmp_path, frame)


def test_what_each_column_was_taken_for_is_said(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {
            "day": ["2020-01-01"] * 40,
            "x": [None, *NUMBERS[1:]],
            "land": ["NA", "DE"] * 20,
            "y": ["u", "v"] * 20,
        }
    )
    frame.to_csv(tmp_path / "t.csv", index=False)
    config = DataConfig(source="t.csv", target="y", exclude=("day",), missing="mean")
    summary = check_data(config, tmp_path, seed=1).summary
    assert summary is not None
    assert summary.columns.lines() == [
        "1 number (x), 1 category (land), 1 left out (day); target y: 2 classes (u, v)",
        "missing values: x (1 empty), land (20 NA)",
    ]


def test_a_name_of_a_megabyte_is_shown_by_its_beginning() -> None:
    target = "t" * 10**6
    kinds = ColumnKinds(numbers=("n" * 10**6,), target=target, classes=("c" * 10**6, "d"))
    [line] = kinds.lines()
    assert len(line) < 600
    assert f"... ({10**6:,} characters)" in line
    assert line.endswith(", d)")


def test_images_and_many_columns_are_counted() -> None:
    summary = check_data(DataConfig(source="digits"), Path(), seed=1).summary
    assert summary is not None
    assert summary.columns.lines() == ["images of 1 x 8 x 8 numbers; target: 10 classes"]


def test_a_boolean_and_a_nullable_column_may_have_gaps() -> None:
    frame = pd.DataFrame(
        {
            "old": pd.array([True, None, False], dtype="boolean"),
            "town": pd.array(["u", None, "v"], dtype="string"),
            "age": pd.array([1, None, 3], dtype="Int64"),
        }
    )
    settled = settled_columns({name: frame[name] for name in frame}, FUNCTION)
    np.testing.assert_array_equal(settled["old"].astype(float), [1, np.nan, 0])
    assert settled["town"].tolist() == ["u", None, "v"]


def test_dates_of_a_frame_are_no_whole_numbers() -> None:
    days = pd.to_datetime(["2020-01-01", "2020-01-02"])
    with pytest.raises(DataError, match=r"booleans or words, and holds dates .*order: day"):
        settled_columns({"day": days}, FUNCTION)


@pytest.mark.parametrize(
    ("name", "large"),
    [(name, 2**power) for name in ("t.csv", "t.parquet") for power in (53, 62)]
    + [("t.csv", 2**63), ("t.csv", 10**25)],
)
def test_whole_numbers_that_float64_would_merge_are_refused(
    tmp_path: Path, name: str, large: int
) -> None:
    frame = pd.DataFrame({"x": [large + row for row in range(40)], "y": ["u", "v"] * 20})
    with pytest.raises(DataError, match=r"column 'x' has whole numbers above 2\^53 that differ"):
        dataset_of(tmp_path, frame, name)
    kept = dataset_of(tmp_path, frame, name, words=("x",)).features
    assert kept.words[1, 0] == str(large + 1)


def test_whole_numbers_of_a_function_that_float64_would_merge_are_refused() -> None:
    with pytest.raises(DataError, match=r"column 'x' has whole numbers above 2\^53 that differ"):
        settled_columns({"x": [2**60, 2**60 + 1]}, FUNCTION)
