"""The core alone runs a sweep to its end; what needs an extra says which, in one line."""

from __future__ import annotations

import shlex
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.installed.conftest import Environment, make_environment

ROOT = Path(__file__).resolve().parents[2]
# Stands in for an environment without the extras: their packages are borrowed, and hidden.
HIDE = """
import sys
from importlib.machinery import PathFinder

class Without(PathFinder):
    names = {"plotly", "cmaes", "optuna", "kaleido", "psutil", "psycopg", "aiohttp_cors",
             "opencensus", "flask_wtf", "boto3", "obstore"}
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        hidden = name.partition(".")[0] in cls.names
        return None if hidden else PathFinder.find_spec(name, path, target)

sys.meta_path[sys.meta_path.index(PathFinder)] = Without
"""


def requirements(extra: str) -> set[Requirement]:
    """What an extra brings, its own packages and those of the extras that it names."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    found = set(map(Requirement, project["optional-dependencies"][extra]))
    inner = {name for one in found if one.name == project["name"] for name in one.extras}
    own = {one for one in found if one.name != project["name"]}
    return own.union(*map(requirements, inner))


@pytest.fixture(scope="module")
def core(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    made = make_environment(tmp_path_factory.mktemp("core") / "venv")
    made.install([wheel])
    packages = next(made.path.glob("lib/*/site-packages"))
    (packages / "hidden.py").write_text(HIDE)
    (packages / "hidden.pth").write_text("import hidden\n")
    return made


@pytest.fixture(scope="module")
def run(core: Environment, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sweep of a new project that has been run to its end."""
    folder = tmp_path_factory.mktemp("project")
    assert core.run("sweeps", "init", ".", cwd=folder).returncode == 0
    words = ["run", "sweep.yaml", "--set", "search.trials=2", "--local", "--no-mlflow"]
    done = core.run("sweeps", *words, cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "2 of 2 trials ended" in done.stdout
    assert "test_loss" in done.stdout
    assert "There is no report: a report needs packages" in done.stdout
    return folder / "runs" / "plants"


@pytest.mark.parametrize(
    ("words", "extra", "missing"),
    [
        (["report", "runs/plants"], "report", "a report needs packages that are not installed"),
        (["suggest", "runs/plants"], "report", "a suggestion needs packages"),
        (["compare", "runs/plants", "runs/plants"], "report", "(optuna, plotly)"),
        (["submit", "sweep.yaml"], "cluster", "(aiohttp_cors, opencensus)"),
        (["cluster", "up"], "server", "(flask_wtf, psutil, psycopg)"),
        (["cluster", "down"], "server", "a cluster on this machine needs packages"),
    ],
)
def test_what_needs_an_extra_names_it(
    core: Environment, run: Path, words: list[str], extra: str, missing: str
) -> None:
    done = core.run("sweeps", *words, cwd=run.parents[1], RAY_ADDRESS="http://127.0.0.1:9")
    assert done.returncode == 2
    _, _, wanted = done.stderr.splitlines()[-1].rpartition(": pip install ")
    assert {Requirement(one) for one in shlex.split(wanted)} <= requirements(extra)
    assert missing in done.stderr
    assert "Traceback" not in done.stderr


def test_an_object_store_needs_an_extra(core: Environment, run: Path) -> None:
    done = core.run("sweeps", "list", cwd=run.parents[1], SWEEPS_STORAGE="s3://bucket/runs")
    assert done.returncode == 2
    said, _, wanted = done.stderr.rpartition(": pip install ")
    assert said == (
        "error: SWEEPS_STORAGE=s3://bucket/runs needs packages that are not installed (obstore)"
    )
    assert {Requirement(one) for one in shlex.split(wanted)} == requirements("store")


@pytest.mark.parametrize("command", ["validate", "plan", "run"])
@pytest.mark.parametrize("method", ["tpe"])
def test_a_method_that_learns_names_what_it_needs_before_anything_starts(
    core: Environment, run: Path, command: str, method: str
) -> None:
    search = f"search={{method: {method}, trials: 90}}"
    done = core.run("sweeps", command, "sweep.yaml", "--set", search, cwd=run.parents[1])
    assert done.returncode == 2
    said, _, wanted = done.stderr.splitlines()[-1].rpartition(": pip install ")
    assert said == f"error: `method: {method}` needs packages that are not installed (optuna)"
    assert {Requirement(one).name for one in shlex.split(wanted)} == {"optuna"}


@pytest.mark.parametrize("command", ["show", "status"])
def test_what_needs_none_answers(core: Environment, run: Path, command: str) -> None:
    done = core.run("sweeps", command, "runs/plants", cwd=run.parents[1])
    assert done.returncode == 0, done.stderr
