"""What is built and installed: one import name, real files in place of the links."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.installed.conftest import Environment, build_wheel, make_environment

NEEDED = {
    "sweeps/__init__.py", "sweeps/py.typed", "sweeps/models/nets/nets.py",
    "sweeps/infra/package.py",
    "sweeps/search_spaces/sweep.schema.json", "sweeps/search_spaces/examples/plants.csv",
    "sweeps/search_spaces/examples/project/sweep.yaml", "sweeps/report/page.css",
}  # fmt: skip


@pytest.fixture(scope="module")
def sdist(sources: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sdist")
    code = f"from setuptools import build_meta; build_meta.build_sdist({str(folder)!r})"
    subprocess.run([sys.executable, "-c", code], cwd=sources, check=True, capture_output=True)
    return next(folder.glob("torch_sweeps-*.tar.gz"))


def names_in(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as content:
        return set(content.namelist())


def test_the_wheel_has_one_import_name_and_all_that_is_read_at_run_time(wheel: Path) -> None:
    names = names_in(wheel)
    assert {name.split("/")[0].split("-")[0] for name in names} == {"sweeps", "torch_sweeps"}
    assert names >= NEEDED
    assert not [name for name in names if "tests" in name.split("/")]


def test_the_sdist_has_no_links_and_builds_the_same_wheel(
    sdist: Path, wheel: Path, tmp_path: Path
) -> None:
    with tarfile.open(sdist) as content:
        assert [one.name for one in content if one.issym() or one.islnk()] == []
    assert names_in(build_wheel(sdist, tmp_path)) == names_in(wheel)


def test_an_editable_install_leaves_a_project_its_own_packages(
    sources: Path, project: Path, tmp_path: Path
) -> None:
    made: Environment = make_environment(tmp_path / "venv")
    made.install(["-e", sources])
    done = made.run("sweeps", "validate", "s.yaml", cwd=project)
    assert done.returncode == 0, done.stderr
    code = "import sweeps, models; print(sweeps.__file__); print(models.__file__)"
    done = made.run("python", "-c", code, cwd=project)
    assert done.stdout.split() == [
        str(sources / "sweeps" / "__init__.py"), str(project / "models" / "__init__.py")
    ]  # fmt: skip
