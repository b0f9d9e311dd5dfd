"""A data file that is something else than its name says is named for what it is."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import sqlite3
import zipfile
from contextlib import closing
from itertools import product
from pathlib import Path

import numpy as np
import pyarrow
import pytest
from pyarrow import parquet

from sweeps.models.data.configuration import DataConfig
from sweeps.models.data.table_files import read_rows, read_table
from sweeps.models.errors import DataError

CSV = b"x,y\n1,a\n2,b\n"
NAMES = ["t.csv", "t.parquet", "t.npz"]
IS_NONE = ("zip", "t.npz")  # an .npz is a zip archive itself
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a2146\nsize 12345\n"


def read(path: Path) -> None:
    read_table(path, DataConfig(source=path.name, target="y"))


def zipped(*names: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in names:
            archive.writestr(name, CSV)
    return file.getvalue()


def array() -> bytes:
    file = io.BytesIO()
    np.save(file, [1.0])
    return file.getvalue()


def arrays() -> bytes:
    file = io.BytesIO()
    np.savez(file, x=[1.0, 2.0], y=[0, 1])
    return file.getvalue()


def table() -> bytes:
    file = io.BytesIO()
    parquet.write_table(pyarrow.table({"x": [1.0], "y": [0]}), file)
    return file.getvalue()


def database(folder: Path) -> bytes:
    with closing(sqlite3.connect(folder / "made.db")) as connection, connection:
        connection.execute("create table t (x)")
    connection.close()
    return (folder / "made.db").read_bytes()


OTHERS = {
    "workbook": (zipped("[Content_Types].xml", "xl/workbook.xml"), "an Excel workbook", "CSV"),
    "zip": (zipped("train.csv"), "a zip archive", "Unpack"),
    "gzip": (gzip.compress(CSV), "compressed by gzip", "Unpack"),
    "bzip2": (bz2.compress(CSV), "compressed by bzip2", "Unpack"),
    "xz": (lzma.compress(CSV), "compressed by xz", "Unpack"),
    "page": (b"<!DOCTYPE html>\n<html>404</html>", "a web page", "download the file"),
    "small page": (b"\n <html><body>", "a web page", "download the file"),
    "pointer": (POINTER, "a pointer of Git LFS", "git lfs pull"),
    "one array": (array(), "one array of numpy", "np.savez"),
    "old workbook": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "an Excel workbook", "CSV"),
}


@pytest.mark.parametrize(("kind", "name"), sorted({*product(OTHERS, NAMES)} - {IS_NONE}))
def test_what_is_no_data_file_is_named(tmp_path: Path, kind: str, name: str) -> None:
    content, what, way_out = OTHERS[kind]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError) as caught:
        read(tmp_path / name)
    assert f"{name} is {what}" in caught.value.rule
    assert way_out in caught.value.hint
    assert caught.value.key == ("source",)


@pytest.mark.parametrize(
    ("name", "content", "suffix"),
    [
        ("t.csv", table(), ".parquet"),
        ("t.csv", arrays(), ".npz"),
        ("t.npz", table(), ".parquet"),
        ("t.parquet", arrays(), ".npz"),
    ],
)
def test_a_data_file_under_a_wrong_name_is_to_be_renamed(
    tmp_path: Path, name: str, content: bytes, suffix: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=f"{name} is an? .*") as caught:
        read(tmp_path / name)
    assert f"Rename it to t{suffix}" in caught.value.hint


def test_a_database_is_none(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(database(tmp_path))
    with pytest.raises(DataError, match=r"t\.csv is an SQLite database"):
        read(tmp_path / "t.csv")


def test_rows_to_answer_are_held_to_the_same(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(gzip.compress(CSV))
    with pytest.raises(DataError, match=r"t\.csv is compressed by gzip"):
        read_rows(tmp_path / "t.csv", ["x"], [], DataConfig(source="t.csv", target="y"))


@pytest.mark.parametrize("first", ["PK", "PAR1", "<html", "BZh9", "version https"])
def test_a_column_may_be_called_as_other_files_begin(tmp_path: Path, first: str) -> None:
    (tmp_path / "t.csv").write_text(f"{first},y\n1,a\n2,b\n", encoding="utf-8")
    read(tmp_path / "t.csv")


def test_an_archive_of_texts_is_no_archive_of_arrays(tmp_path: Path) -> None:
    (tmp_path / "t.npz").write_bytes(zipped("x", "y"))
    with pytest.raises(DataError, match=r"'x' of t\.npz must be an array of numpy"):
        read(tmp_path / "t.npz")


def test_a_link_to_nothing_is_told_with_where_it_leads(tmp_path: Path) -> None:
    (tmp_path / "t.csv").symlink_to("../annex/objects/t.csv")
    with pytest.raises(DataError, match=r"t\.csv is a link to .*annex/objects/t\.csv") as caught:
        read(tmp_path / "t.csv")
    assert not caught.value.choices


def test_a_pipe_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "t.csv")
    with pytest.raises(DataError, match="must be a file, not a pipe or a device") as caught:
        read(tmp_path / "t.csv")
    assert not caught.value.choices
