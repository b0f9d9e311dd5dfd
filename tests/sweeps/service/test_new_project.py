"""The project that `init` writes runs where it was written, and on other machines."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from sweeps.service.new_project import write_project


def said_by_make(folder: Path, path: str) -> str:
    """Return the command that `make sweep` would run there."""
    words = [str(shutil.which("make")), "-n", "sweep"]
    # Not as a part of the make that may run the tests, which prints the folders that it enters.
    outer = {key: text for key, text in os.environ.items() if "MAKE" not in key and key != "MFLAGS"}
    environment = {**outer, "PATH": path}
    done = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("name", ["python", "a b,c $d"])
def test_the_makefile_takes_the_command_of_the_path_before_this_machines_python(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "bin"
    other.mkdir()
    (other / "sweeps").write_text("#!/bin/sh\n")
    (other / "sweeps").chmod(0o755)
    python = tmp_path / "here" / name
    python.parent.mkdir()
    python.symlink_to(sys.executable)
    monkeypatch.setattr(sys, "executable", str(python))
    write_project(tmp_path / "demo")
    system = "/usr/bin:/bin"
    assert said_by_make(tmp_path / "demo", f"{other}:{system}") == (
        f"{other / 'sweeps'} run 'sweep.yaml'"
    )
    alone = said_by_make(tmp_path / "demo", system)
    found = subprocess.run(
        ["sh", "-c", alone.replace("-m sweeps", "-c 'import sys; print(sys.argv[1:])'")],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert found.stdout.strip() == "['run', 'sweep.yaml']"
