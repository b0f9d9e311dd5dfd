"""A node that could not train a trial says so before one starts, with the mend."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from sweeps.execution.cluster import node_check
from sweeps.execution.cluster.node_check import UnfitNodeError, check_node, versions
from sweeps.storage.files import FolderFiles

MARKER = ".check-1"


def release(version: str) -> str:
    """Return a version without its build: torch's own has one that its package may not name."""
    return version.partition("+")[0]


@pytest.fixture
def storage(tmp_path: Path) -> FolderFiles:
    files = FolderFiles(tmp_path)
    files.write(MARKER, b"content")
    return files


def test_a_node_like_the_driver_has_no_problem_and_leaves_nothing(storage: FolderFiles) -> None:
    report = check_node(versions(), storage, MARKER, b"content")
    assert report.problem == ""
    assert release(report.versions["torch"]) == release(torch.__version__)
    assert storage.names() == [MARKER]


def test_another_build_of_the_same_release_is_the_same(storage: FolderFiles) -> None:
    wanted = versions() | {"torch": f"{release(versions()['torch'])}+cu999"}
    assert check_node(wanted, storage, MARKER, b"content").problem == ""


def test_another_version_is_named_beside_the_drivers(storage: FolderFiles) -> None:
    report = check_node(versions() | {"torch": "1.0.0"}, storage, MARKER, b"content")
    assert f"torch {versions()['torch']} where the driver has 1.0.0" in report.problem
    assert "infra/constraints.txt" in report.problem


def test_a_folder_that_is_not_shared_is_told_from_one_that_is(storage: FolderFiles) -> None:
    assert "another folder" in check_node(versions(), storage, MARKER, b"other content").problem
    problem = check_node(versions(), storage, ".check-2", b"content").problem
    assert "does not see the storage" in problem
    assert "SWEEPS_STORAGE" in problem


def test_a_folder_that_can_only_be_read_is_refused(
    storage: FolderFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(files: FolderFiles, name: str, content: bytes) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(FolderFiles, "write", refuse)
    problem = check_node(versions(), storage, MARKER, b"content").problem
    assert "cannot write to the storage" in problem
    assert "Permission denied" in problem


def test_a_node_that_joins_later_without_the_storage_is_refused_slowly_and_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rests: list[float] = []
    monkeypatch.setattr(node_check.time, "sleep", rests.append)
    node_check.refuse_unfit_node(FolderFiles(tmp_path))
    with pytest.raises(UnfitNodeError, match=r"cannot train: .* does not see .*SWEEPS_STORAGE"):
        node_check.refuse_unfit_node(FolderFiles(tmp_path / "elsewhere" / "checkpoints"))
    assert rests == [30.0]


def test_code_that_cannot_be_imported_is_named(
    storage: FolderFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(node_check, "_import_problem", lambda: "it cannot import the code")
    assert (
        check_node(versions(), storage, MARKER, b"content").problem == "it cannot import the code"
    )
