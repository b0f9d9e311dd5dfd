"""sweep.json is read once for as long as it is the same file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sweeps.errors import RunFolderError
from sweeps.record.description_file import read_description, read_description_values
from sweeps.record.run_folder import RunFolder

VALUES = {
    "id": "1", "base_dir": "/", "overrides": [], "goal": {"metric": "dev_loss", "mode": "min"},
    "data": {"source": "", "digest": "", "task": "regression", "splits": [], "split": {}},
    "trials": 2, "sweep": {},
}  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    made = RunFolder.create(tmp_path, "one")
    made.write_description(VALUES)
    return made


def test_one_file_gives_one_description_to_all_who_ask(folder: RunFolder) -> None:
    assert folder.read_description() is RunFolder(folder.path).read_description()


def test_a_file_that_was_replaced_is_read_again(folder: RunFolder) -> None:
    assert folder.read_description().trials == 2
    folder.change_description({"trials": 3})
    assert folder.read_description().trials == 3
    folder.change_description({"trials": 4})
    assert folder.read_description().trials == 4


def test_what_was_edited_in_place_after_it_was_read_is_refused(folder: RunFolder) -> None:
    folder.read_description()
    text = folder.description.read_text()
    folder.description.write_text(text.replace('"trials": 2', '"trials": 3'))
    with pytest.raises(RunFolderError, match="its checksum does not match its content"):
        folder.read_description()


def test_a_file_that_is_gone_is_an_error_though_it_was_read_before(folder: RunFolder) -> None:
    folder.read_description()
    folder.description.unlink()
    with pytest.raises(RunFolderError, match=r"cannot read .*sweep\.json.*No such file"):
        folder.read_description()


def test_plain_values_are_a_copy_of_their_own(folder: RunFolder) -> None:
    read_description_values(folder.description)["trials"] = 9
    assert read_description(folder.description).trials == 2
    assert json.loads(folder.description.read_text())["trials"] == 2
