"""A node that could not train a trial says so before one starts, with the mend."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from sweeps.execution import node_check
from sweeps.execution.node_check import UNFIT, check_node, versions


@pytest.fixture
def marker(tmp_path: Path) -> Path:
    path = tmp_path / ".check-1"
    path.write_text("content")
    return path


def test_a_node_like_the_driver_has_no_problem_and_leaves_nothing(marker: Path) -> None:
    report = check_node(versions(), marker, "content")
    assert report.problem == ""
    assert report.versions["torch"] == torch.__version__
    assert [path.name for path in marker.parent.iterdir()] == [".check-1"]


def test_another_build_of_the_same_release_is_the_same(marker: Path) -> None:
    wanted = versions() | {"torch": f"{versions()['torch'].partition('+')[0]}+cu130"}
    assert check_node(wanted, marker, "content").problem == ""


def test_another_version_is_named_beside_the_drivers(marker: Path) -> None:
    report = check_node(versions() | {"torch": "1.0.0"}, marker, "content")
    assert f"torch {torch.__version__} where the driver has 1.0.0" in report.problem
    assert "infra/constraints.txt" in report.problem


def test_a_folder_that_is_not_shared_is_told_from_one_that_is(marker: Path) -> None:
    assert "another folder" in check_node(versions(), marker, "other content").problem
    missing = marker.with_name(".check-2")
    problem = check_node(versions(), missing, "content").problem
    assert "does not see the storage" in problem
    assert "SWEEPS_STORAGE" in problem


def test_a_folder_that_can_only_be_read_is_refused(
    marker: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path, content: str) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "write_text", refuse)
    problem = check_node(versions(), marker, "content").problem
    assert "cannot write to the storage" in problem
    assert "Permission denied" in problem


def test_a_node_that_joins_later_without_the_storage_is_refused_slowly_and_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rests: list[float] = []
    monkeypatch.setattr(node_check.time, "sleep", rests.append)
    node_check.refuse_unfit_node(tmp_path)
    with pytest.raises(RuntimeError, match=rf"{UNFIT}: .* does not see .*SWEEPS_STORAGE"):
        node_check.refuse_unfit_node(tmp_path / "elsewhere" / "checkpoints")
    assert rests == [30.0]


def test_code_that_cannot_be_imported_is_named(
    marker: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(node_check, "_import_problem", lambda: "it cannot import the code")
    assert check_node(versions(), marker, "content").problem == "it cannot import the code"
