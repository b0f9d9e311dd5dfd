"""Which Python `make` takes: the newest that runs, and one line where there is none."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def python(folder: Path, name: str, version: str) -> None:
    """Write a program that answers with a version; none is a shim of what is not active."""
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\necho {version}\n" if version else "#!/bin/sh\nexit 127\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def chosen(path: str, *given: str) -> subprocess.CompletedProcess[str]:
    sh = shutil.which("sh")
    assert sh is not None
    return subprocess.run(
        [sh, str(ROOT / "infra" / "newest_python.sh"), *given],
        env={**os.environ, "PATH": path}, capture_output=True, text=True,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("programs", "answer"),
    [
        ([("a", "python3.11", "3.11"), ("b", "python3.12", "3.12")], "b/python3.12"),
        ([("a", "python3.13", ""), ("b", "python3.11", "3.11")], "b/python3.11"),
        ([("a", "python3.11", ""), ("b", "python3.11", "3.11")], "b/python3.11"),
        ([("a", "python3", "3.13"), ("b", "python3.12", "3.12")], "a/python3"),
        ([("a", "python3", "3.9"), ("b", "python3.11", "3.11")], "b/python3.11"),
        ([("a", "python3.14", "3.14"), ("b c", "python3.12", "3.12")], "b c/python3.12"),
    ],
)
def test_the_newest_that_runs_is_taken(
    tmp_path: Path, programs: list[tuple[str, str, str]], answer: str
) -> None:
    for folder, name, version in programs:
        python(tmp_path / folder, name, version)
    path = ":".join(str(tmp_path / folder) for folder, _, _ in programs)
    assert chosen(path).stdout == f"{tmp_path / answer}\n"


def test_with_none_it_is_said_in_one_line(tmp_path: Path) -> None:
    python(tmp_path / "a", "python3", "3.9")
    done = chosen(str(tmp_path / "a"))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("no Python of 3.13 3.12 3.11 with ensurepip is on the PATH; ")
    assert done.stderr.count("\n") == 1


def test_a_program_that_is_named_is_taken_or_refused(tmp_path: Path) -> None:
    python(tmp_path / "a", "old", "3.9")
    python(tmp_path / "a", "good", "3.12")
    good, old = str(tmp_path / "a" / "good"), str(tmp_path / "a" / "old")
    assert chosen("/nowhere", good).stdout == f"{good}\n"
    done = chosen("/nowhere", old)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"'{old}' is not a Python of 3.13 3.12 3.11")
