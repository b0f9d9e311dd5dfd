"""A command that is printed is the one that works where it is read."""

from __future__ import annotations

import shlex
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from sweeps.infra.command_line import command, shown_path
from sweeps.infra.settings import IN_JOB


def program(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text('#!/bin/sh\necho ran "$@"\n', encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An environment `.venv` in the current folder, not activated."""
    program(tmp_path / ".venv" / "bin" / "python")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    monkeypatch.delenv(IN_JOB, raising=False)
    monkeypatch.setattr(sys, "executable", str(tmp_path / ".venv" / "bin" / "python"))
    monkeypatch.setattr(sys, "argv", [str(tmp_path / "script.py")])
    return tmp_path


def activate(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{here}/.venv/bin:/usr/bin:/bin")


def test_the_script_of_an_active_environment_is_called_by_its_name(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = program(here / ".venv" / "bin" / "sweeps")
    activate(here, monkeypatch)
    monkeypatch.setattr(sys, "argv", [str(script), "run"])
    assert command("resume", here / "runs" / "my run") == "sweeps resume 'runs/my run'"


@pytest.mark.parametrize("typed", [".venv/bin/sweeps", "script.py"])
def test_the_script_beside_python_is_called_by_its_path(
    here: Path, monkeypatch: pytest.MonkeyPatch, typed: str
) -> None:
    program(here / ".venv" / "bin" / "sweeps")
    monkeypatch.setattr(sys, "argv", [typed])
    assert command("ui") == ".venv/bin/sweeps ui"
    done = subprocess.run(shlex.split(command("ui")), capture_output=True, text=True, check=True)
    assert done.stdout == "ran ui\n"


def test_another_program_of_that_name_on_the_path_is_not_meant(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = program(here / ".venv" / "bin" / "sweeps")
    program(here / "other" / "sweeps")
    monkeypatch.setenv("PATH", f"{here}/other:/usr/bin:/bin")
    monkeypatch.setattr(sys, "argv", [str(script)])
    assert command("ui") == ".venv/bin/sweeps ui"


@pytest.mark.parametrize("has_script", [True, False])
def test_python_m_stays_what_was_typed(
    here: Path, monkeypatch: pytest.MonkeyPatch, has_script: bool
) -> None:
    program(here / ".venv" / "bin" / ("sweeps" if has_script else "other"))
    monkeypatch.setattr(sys, "argv", [str(here / "sweeps" / "__main__.py")])
    assert command("ui") == ".venv/bin/python -m sweeps ui"
    activate(here, monkeypatch)
    assert command("ui") == "python -m sweeps ui"


def test_without_a_script_python_m_is_the_way(here: Path) -> None:
    assert command("ui") == ".venv/bin/python -m sweeps ui"


def test_what_a_job_prints_is_read_elsewhere(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(IN_JOB, "{}")
    monkeypatch.setattr(sys, "argv", [str(here / "sweeps" / "__main__.py")])
    assert command("resume", "digits-1") == "sweeps resume digits-1"


def test_what_a_job_prints_names_sweeps_and_not_paths_of_the_cluster(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(IN_JOB, "{}")
    monkeypatch.setenv("SWEEPS_STORAGE", "/shared/storage")
    assert command("resume", Path("/shared/storage/digits-1")) == "sweeps resume digits-1"
    assert shown_path(Path("/shared/storage/digits-1/ledger.jsonl")) == "digits-1/ledger.jsonl"
    assert shown_path(Path("/shared/data.csv")) == "/shared/data.csv"


def test_a_path_elsewhere_is_shown_whole(here: Path) -> None:
    assert shown_path(Path("/elsewhere/runs")) == "/elsewhere/runs"
    assert shown_path(here / "runs") == "runs"
