"""What is said of .csv files that were saved in another way, and that they can be read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from sweeps.models.data.configuration import DataConfig
from sweeps.models.data.table_files import read_table
from sweeps.models.errors import DataError

EUROPEAN = "größe;farbe;label\n-0,325;rot;ja\n1,5;grün;nein\n"


def columns_of(folder: Path, content: bytes, **keys: Any) -> dict[str, list[Any]]:
    (folder / "t.csv").write_bytes(content)
    config = DataConfig(source="t.csv", target="label", **keys)
    columns = read_table(config.path(folder), config).columns
    return {name: column.tolist() for name, column in columns.items()}


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "windows-1252", "utf-16", "utf-8-sig"])
def test_a_european_table_is_read_as_it_is_described(tmp_path: Path, encoding: str) -> None:
    columns = columns_of(
        tmp_path, EUROPEAN.encode(encoding), separator=";", decimal=",", encoding=encoding
    )
    assert columns["größe"] == [-0.325, 1.5]
    assert columns["farbe"] == ["rot", "grün"]


@pytest.mark.parametrize(
    ("content", "key", "words"),
    [
        (EUROPEAN.encode(), "source", r"write separator: ';' and decimal: ','"),
        (EUROPEAN.encode("utf-16"), "encoding", r"looks like UTF-16.*encoding: utf-16"),
        ("größe,label\n1,2\n".encode("latin-1"), "encoding", r"byte 0xf6 in line 1.*latin-1"),
        ("x,label\n1,grün\n".encode("latin-1"), "encoding", r"byte 0xfc in line 2.*latin-1"),
        (b"# exported 2020\nx,y,label\n1,2,3\n", "source", "remove the comment '# exported 2020'"),
        (b"x\ty\tlabel\n1\t2\t3\n", "separator", r"write separator: '\\t'"),
        (b"sep=,\nx,y,label\n1,2,3\n", "source", "'sep=,' is for Excel alone: delete it$"),
        (b"sep=,\nx,label\n1,2\n", "source", "'sep=,' is for Excel alone: delete it$"),
        (b"sep=;\nx;y;label\n1;2;3\n", "separator", "delete it, and write separator: ';'"),
        (b'\xef\xbb\xbf"sep=;"\r\nx;label\r\n1;2\r\n', "separator", "write separator: ';'"),
    ],
)
def test_a_table_in_another_writing_is_named_with_the_key_to_write(
    tmp_path: Path, content: bytes, key: str, words: str
) -> None:
    with pytest.raises(DataError, match=words) as caught:
        columns_of(tmp_path, content)
    assert caught.value.key == (key,)


def test_whole_numbers_that_would_merge_as_features_keep_their_digits(tmp_path: Path) -> None:
    content = b"id,label\n18446744073709551615,a\n18446744073709551614,b\n"
    assert columns_of(tmp_path, content)["id"] == [18446744073709551615, 18446744073709551614]


def test_the_home_folder_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "t.csv").write_text("x,label\n1,a\n", encoding="utf-8")
    config = DataConfig(source="~/t.csv", target="label")
    assert config.path(Path("elsewhere")) == tmp_path / "t.csv"


@pytest.mark.parametrize(
    ("source", "way_out"),
    [
        ("https://example.org/t.csv", "Download it once"),
        ("file:///data/t.csv", "Download it once"),
        ("t.csv.gz", "Unpack it"),
        ("t.tsv", "Save it as .csv"),
        ("t.xlsx", "Save it as .csv or .parquet"),
    ],
)
def test_sources_that_are_not_read_say_what_to_do(source: str, way_out: str) -> None:
    with pytest.raises(ValidationError, match=way_out):
        DataConfig(source=source, target="y")


@pytest.mark.parametrize("keys", [{"separator": "a"}, {"separator": ",", "decimal": ","}])
def test_a_separator_stands_in_no_number_and_no_word(keys: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="the separator must not be"):
        DataConfig(source="t.csv", target="y", **keys)


@pytest.mark.parametrize("key", ["separator", "decimal", "encoding", "missing_values"])
def test_keys_of_csv_files_are_refused_for_others(key: str) -> None:
    values = {"separator": ";", "decimal": ",", "encoding": "latin-1", "missing_values": ("?",)}
    with pytest.raises(ValidationError, match=r"only for \.csv files"):
        DataConfig.model_validate({"source": "t.npz", "target": "y", key: values[key]})
