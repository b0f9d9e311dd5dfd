from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from sweeps.models.data.configuration import DataConfig
from sweeps.models.data.table_files import read_rows, read_table
from sweeps.models.errors import DataError

CSV = 'size,town,sold,price\n1,"Ulm, Donau",true,1.5\n,NA,false,2\n3,Bonn,,\n'


def read_file(
    path: Path, target: str, exclude: tuple[str, ...] = (), **keys: Any
) -> dict[str, np.ndarray]:
    config = DataConfig(source=path.name, target=target, exclude=exclude, **keys)
    return read_table(path, config).columns


def written(folder: Path, text: str, name: str = "t.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_csv_is_read_into_numbers_and_words(tmp_path: Path) -> None:
    columns = read_file(written(tmp_path, CSV), "price")
    assert list(columns) == ["size", "town", "sold", "price"]
    np.testing.assert_array_equal(columns["size"], [1, np.nan, 3])
    assert columns["town"].tolist() == ["Ulm, Donau", None, "Bonn"]
    np.testing.assert_array_equal(columns["sold"], [1, 0, np.nan])


def test_a_csv_equals_what_pandas_wrote(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"a": rng.normal(size=50), "b": rng.integers(0, 9, 50), "y": ["u"] * 50})
    frame.to_csv(tmp_path / "t.csv", index=False)
    columns = read_file(tmp_path / "t.csv", "y")
    np.testing.assert_array_equal(columns["a"], frame["a"])
    np.testing.assert_array_equal(columns["b"], frame["b"])


def test_a_column_without_a_name_is_an_error_with_its_number(tmp_path: Path) -> None:
    pd.DataFrame({"a": [1.5, 2.5], "y": ["u", "v"]}).to_csv(tmp_path / "t.csv")
    with pytest.raises(DataError, match="none for column 1") as caught:
        read_file(tmp_path / "t.csv", "y")
    assert caught.value.key == ("source",)
    assert "index=False" in caught.value.hint
    with pytest.raises(DataError, match="none for column 1, 3"):
        read_file(written(tmp_path, ",y, \n1,u,2\n"), "y")


def test_a_column_without_a_name_may_be_left_out_and_does_not_disturb_rows_to_answer(
    tmp_path: Path,
) -> None:
    path = written(tmp_path, ",a,y\n0,1,u\n1,2,v\n")
    assert list(read_file(path, "y", exclude=("",))) == ["a", "y"]
    rows = read_rows(path, ("a",), (), DataConfig(source=path.name))
    assert rows["a"].tolist() == [1, 2]


def test_types_do_not_depend_on_the_first_megabyte(tmp_path: Path) -> None:
    path = written(tmp_path, "x,y\n" + "1,2\n" * 400_000 + "0.5,word\n")
    columns = read_file(path, "y")
    assert columns["x"][-1] == 0.5
    assert columns["y"][[0, -1]].tolist() == ["2", "word"]


def test_line_breaks_in_quotes_stay_in_their_row(tmp_path: Path) -> None:
    path = written(tmp_path, "x,y\n" + '"one\ntwo",1\n' * 200_000)
    columns = read_file(path, "y")
    assert len(columns["y"]) == 200_000
    assert set(columns["x"]) == {"one\ntwo"}


def test_parquet_equals_the_frame_that_was_written(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {"a": [1, None, 3], "town": pd.Categorical(["u", "v", "u"]), "y": [True, False, True]},
        index=[10, 20, 40],
    )
    frame.to_parquet(tmp_path / "t.parquet")
    columns = read_file(tmp_path / "t.parquet", "y")
    np.testing.assert_array_equal(columns["a"], [1, np.nan, 3])
    assert columns["town"].tolist() == ["u", "v", "u"]
    assert list(columns) == ["a", "town", "y"]


def test_npz_arrays_keep_their_shape(tmp_path: Path) -> None:
    images = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    np.savez(tmp_path / "t.npz", images=images, y=[0, 1])
    columns = read_file(tmp_path / "t.npz", "y")
    np.testing.assert_array_equal(columns["images"], images)
    assert columns["images"].dtype == np.uint8


def test_excluded_columns_may_hold_anything(tmp_path: Path) -> None:
    path = written(tmp_path, "day,x,y\n2024-01-01,1,2\n2024-01-02,2,3\n")
    assert list(read_file(path, "y", ("day",))) == ["x", "y"]
    with pytest.raises(DataError, match=r"column 'day' .*holds dates.*exclude: \[day\]"):
        read_file(path, "y")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "a data file must not be empty"),
        ("x,y\n1,2\n3\n", "cannot read t.csv as a table: .*Expected 2 columns, got 1"),
        ("x,x,y\n1,2,3\n", "several columns of one name; got 'x'"),
        ("x;y\n1;2\n", "separated by ';': write separator: ';'"),
        ("x, Y\n1,2\n", "Names are case-sensitive and spaces count: there is ' Y'"),
        ("x,prise\n1,2\n", "Did you mean 'prise'. Choices: x, prise"),
    ],
)
def test_tables_that_cannot_be_used_say_why(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_file(written(tmp_path, text), "price" if "pris" in text else "y")


def test_words_in_another_encoding_than_utf_8_say_so(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes("x,y\nKöln,1\n".encode("latin-1"))
    with pytest.raises(DataError, match="Save the file as UTF-8"):
        read_file(tmp_path / "t.csv", "y")


def test_a_missing_file_suggests_the_one_beside_it(tmp_path: Path) -> None:
    written(tmp_path, CSV, "houses.csv")
    with pytest.raises(DataError, match=r"Did you mean 'houses.csv'\?.*relative path starts"):
        read_file(tmp_path / "house.csv", "price")


def test_a_missing_folder_and_a_folder_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(DataError, match=r"there is no folder .*nowhere"):
        read_file(tmp_path / "nowhere" / "t.csv", "y")
    with pytest.raises(DataError, match="not a folder"):
        read_file(tmp_path / "folder.csv", "y")


@pytest.mark.parametrize("exclude", [("twon",), ("price",)])
def test_what_is_excluded_must_exist_and_not_be_the_target(
    tmp_path: Path, exclude: tuple[str, ...]
) -> None:
    with pytest.raises(DataError) as caught:
        read_file(written(tmp_path, CSV), "price", exclude)
    assert caught.value.key == ("exclude",)


@pytest.mark.parametrize("name", ["t.parquet", "t.npz", "t.csv"])
def test_damaged_files_are_data_errors(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"\x00\xff\x13 damaged")
    with pytest.raises(DataError):
        read_file(tmp_path / name, "y")


def test_pickled_arrays_are_never_opened(tmp_path: Path) -> None:
    np.savez(tmp_path / "t.npz", x=np.array([{}], dtype=object), y=[1])
    with pytest.raises(
        DataError, match=r"array 'x' of t\.npz must hold .* not Python objects"
    ) as caught:
        read_file(tmp_path / "t.npz", "y")
    assert "x.astype(str)" in caught.value.hint


def test_an_array_of_objects_that_is_left_out_does_not_disturb(tmp_path: Path) -> None:
    np.savez(tmp_path / "t.npz", x=[1.0], about=np.array([{}], dtype=object), y=[1])
    assert list(read_file(tmp_path / "t.npz", "y", exclude=("about",))) == ["x", "y"]


def test_a_wide_table_is_read_as_a_narrow_one_is(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(9, 600)).round(3)).add_prefix("g")
    frame["g7"] = [0.5, "red", "blue"] * 3
    frame["g8"] = [1.5, 2, None] * 3
    frame["y"] = range(9)
    frame.to_csv(tmp_path / "wide.csv", index=False)
    frame[["g7", "g8", "g9", "y"]].to_csv(tmp_path / "narrow.csv", index=False)
    wide, narrow = (read_file(tmp_path / name, "y") for name in ("wide.csv", "narrow.csv"))
    assert len(wide) == 601
    assert wide["g7"].tolist() == narrow["g7"].tolist() == ["0.5", "red", "blue"] * 3
    np.testing.assert_array_equal(wide["g8"], narrow["g8"])
    np.testing.assert_array_equal(wide["g9"], narrow["g9"])


@pytest.mark.parametrize(
    ("header", "hint"),
    [
        ("x1, x2,w", "there is ' x2'"),
        ("X1,x2,w", "there is 'X1'"),
        ("x1;x2;w", "separated by ';'"),
        ("0.1,0.2,u", "the file has 0.1, 0.2, u"),
    ],
)
def test_rows_without_a_column_are_told_what_the_file_has(
    tmp_path: Path, header: str, hint: str
) -> None:
    path = written(tmp_path, f"{header}\n1,2,u\n")
    with pytest.raises(DataError, match="columns of the training data are missing: ") as caught:
        read_rows(path, ["x1", "x2"], ["w"], DataConfig(source="t.csv", target="y"))
    assert hint in caught.value.hint
