"""Files of trials are whole, in a folder and in an object store alike."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from sweeps.storage.files import (
    MARKER,
    BucketFiles,
    Files,
    FolderFiles,
    bucket_of,
    fetch_file,
    remove_folder,
    rename_folder,
    stored_files,
)
from tests.object_store import ACCOUNT, ObjectStore, started_store


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectStore]:
    with started_store(tmp_path_factory.mktemp("store")) as one:
        yield one


@pytest.fixture(params=["folder", "bucket"])
def files(
    request: pytest.FixtureRequest,
    store: ObjectStore,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Files:
    for name, value in ACCOUNT.items():
        monkeypatch.setenv(name, value)
    if request.param == "folder":
        return FolderFiles(tmp_path)
    return BucketFiles(store.uri).below(tmp_path.name)


def test_a_file_is_replaced_and_nothing_is_left_beside_it(files: Files) -> None:
    files.write("a", b"old")
    files.write("a", b"new", durable=False)
    assert files.read("a") == b"new"
    assert files.names() == ["a"]


def test_what_is_not_there_is_none_and_can_be_deleted(files: Files) -> None:
    files.write("a", b"")
    files.delete("a", "never there")
    assert files.read("a") is None
    assert files.names() == []
    assert files.is_there()


def test_a_copy_knows_where_its_files_are(
    store: ObjectStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in ACCOUNT.items():
        monkeypatch.setenv(name, value)
    assert bucket_of(tmp_path / "digits") is None
    (tmp_path / MARKER).write_text(store.uri)
    weights = tmp_path / "digits" / "final" / "weights"
    weights.mkdir(parents=True)
    stored_files(weights).write("one", b"1")
    assert store.names("digits/final") == {"weights/one"}
    assert fetch_file(weights / "one").read_bytes() == b"1"
    assert not fetch_file(weights / "two").exists()
    rename_folder(tmp_path / "digits" / "final", tmp_path / "digits" / "final-1", "sweep.json")
    assert store.names("digits") == {"final-1/weights/one"}
    assert (tmp_path / "digits" / "final-1" / "weights" / "one").exists()
    remove_folder(tmp_path / "digits" / "final-1")
    assert store.names("digits") == set()
    assert not (tmp_path / "digits" / "final-1").exists()


def test_a_store_that_is_away_is_not_there() -> None:
    gone = BucketFiles("s3://runs/x?endpoint_override=127.0.0.1:9&scheme=http&region=us-east-1")
    assert not gone.is_there()
    with pytest.raises(OSError, match="NETWORK_CONNECTION"):
        gone.read("a")


def test_a_script_that_is_copied_can_be_run(tmp_path: Path) -> None:
    shipped = BucketFiles(f"{tmp_path.as_uri()}/store")
    (tmp_path / "store" / "bin").mkdir(parents=True)
    shipped.write("bin/train.sh", b"#!/bin/sh\nexit 7\n")
    shipped.write("rows.csv", b"1,2\n")
    shipped.copy_to(tmp_path / "node", "")
    assert subprocess.run([tmp_path / "node" / "bin" / "train.sh"], check=False).returncode == 7
    assert not os.access(tmp_path / "node" / "rows.csv", os.X_OK)
