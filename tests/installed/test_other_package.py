"""W&B's package `sweeps` has our import name: where it lies over ours, one line says so.

The stand-in has what tells it: files of its own beside ours, and an `__init__.py` in place of ours.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.installed.conftest import Environment, make_environment

MEND = "pip install --force-reinstall --no-deps torch-sweeps\n"
BOTH = "the package `sweeps` of Weights & Biases is installed over torch-sweeps;"


@pytest.fixture
def package(wheel: Path, tmp_path: Path) -> Iterator[tuple[Environment, Path]]:
    """An environment with our wheel, and the folder of the package."""
    made = make_environment(tmp_path / "venv")
    made.install([wheel])
    yield made, next((tmp_path / "venv").glob("lib/*/site-packages/sweeps"))
    shutil.rmtree(tmp_path / "venv")


@pytest.mark.parametrize("ours_came_last", [True, False])
def test_both_in_one_environment_are_refused(
    package: tuple[Environment, Path], project: Path, ours_came_last: bool
) -> None:
    environment, folder = package
    (folder / "bayes_search.py").write_text("")
    (folder / "__init__.py").write_text(
        (folder / "__init__.py").read_text() if ours_came_last else "next_run = None\n"
    )
    for way_in in (["sweeps"], ["python", "-m", "sweeps"]):
        done = environment.run(*way_in, "validate", "s.yaml", cwd=project)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.startswith(f"error: {BOTH}")
        assert done.stderr.endswith(f"pip uninstall sweeps, then {MEND}")
        assert done.stderr.count("\n") == 1


def test_what_its_removal_took_away_is_said(
    package: tuple[Environment, Path], project: Path
) -> None:
    environment, folder = package
    (folder / "__init__.py").unlink()
    done = environment.run("sweeps", "validate", "s.yaml", cwd=project)
    assert done.returncode == 1
    assert "took a part of it away" in done.stderr
    assert done.stderr.endswith(MEND)


def test_in_python_it_is_an_import_error(package: tuple[Environment, Path], project: Path) -> None:
    environment, folder = package
    (folder / "bayes_search.py").write_text("")
    done = environment.run("python", "-c", "import sweeps; sweeps.plan('s.yaml')", cwd=project)
    assert done.stderr.splitlines()[-1].startswith(f"ImportError: {BOTH}")
