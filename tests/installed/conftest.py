"""The wheel that is built from the checkout, in an environment of its own, and a user's project.

The environment borrows the packages of the one that runs the tests, so that it is there in seconds;
what is installed in it as `sweeps` is the wheel alone.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LEFT_OUT = (".venv", ".git", "runs", ".cluster", "__pycache__", ".*_cache", "build", "*.egg-info")


@dataclass(frozen=True)
class Environment:
    """A virtual environment; commands run in a folder that is not the checkout."""

    path: Path

    @property
    def python(self) -> Path:
        return self.path / "bin" / "python"

    def run(
        self, *command: str | Path, cwd: Path, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a command of the environment, as from an activated shell."""
        path = os.pathsep.join([str(self.path / "bin"), os.environ["PATH"]])
        environment = {**without_paths(), "PATH": path, **variables}
        return subprocess.run(
            [str(word) for word in command], cwd=cwd, env=environment,
            capture_output=True, text=True, timeout=500,
        )  # fmt: skip

    def install(self, what: Sequence[str | Path]) -> None:
        pip = [sys.executable, "-m", "pip", "--python", str(self.python), "install", "--quiet"]
        words = [*pip, "--no-deps", "--no-index", "--no-build-isolation", *map(str, what)]
        subprocess.run(words, check=True, capture_output=True, text=True, env=without_paths())


def without_paths() -> dict[str, str]:
    """Return the environment without a PYTHONPATH, by which pip sees the checkout."""
    return {key: text for key, text in os.environ.items() if key != "PYTHONPATH"}


def make_environment(path: Path) -> Environment:
    """Make an environment that borrows every package but the editable install of the checkout."""
    venv.create(path, symlinks=True)
    made = Environment(path)
    here = sysconfig.get_paths(vars={"base": str(path), "platbase": str(path)})["purelib"]
    # The .pth files of a folder that is named by one are not read: the editable install is one.
    Path(here, "borrowed.pth").write_text(f"{sysconfig.get_path('purelib')}\n", encoding="utf-8")
    # Scripts are not borrowed: they would start the other environment. MLflow serves with this one.
    uvicorn = path / "bin" / "uvicorn"
    uvicorn.write_text(f"#!{made.python}\nfrom uvicorn.main import main\n\nmain()\n")
    uvicorn.chmod(0o755)
    return made


@pytest.fixture(scope="session")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the checkout, as builds leave files behind."""
    folder = tmp_path_factory.mktemp("sources") / "checkout"
    ignore = shutil.ignore_patterns(*LEFT_OUT)
    return Path(shutil.copytree(ROOT, folder, symlinks=True, ignore=ignore))


def build_wheel(source: Path, into: Path) -> Path:
    """Build a wheel from a checkout or an sdist, with the setuptools that is here."""
    command = ["-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w"]
    words = [sys.executable, *command, str(into), str(source)]
    subprocess.run(words, check=True, capture_output=True, text=True, env=without_paths())
    return next(into.glob("torch_sweeps-*.whl"))


@pytest.fixture(scope="session")
def wheel(sources: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_wheel(sources, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="session")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """An environment with the wheel."""
    made = make_environment(tmp_path_factory.mktemp("environment") / "venv")
    made.install([wheel])
    return made


NET = """
import torch

from models.width import WIDTH

def build(input_shape, outputs):
    return torch.nn.Sequential(
        torch.nn.Linear(input_shape[0], WIDTH), torch.nn.ReLU(), torch.nn.Linear(WIDTH, outputs)
    )
"""
SWEEP = """
name: mine
seed: 1
data: {source: iris}
search: {method: random, trials: 2}
stopping: {scheduler: none}
final: {top_k: 1, seeds: 2}
space:
  model: {kind: custom, target: "models.tabnet:build"}
  optimizer: {kind: adam, lr: {float: [1.0e-3, 1.0e-1], log: true}}
  training: {epochs: 2, batch_size: 32, device: cpu}
"""


def write_project(folder: Path, sweep_file: str = "s.yaml") -> Path:
    """Write a project with packages of its own that are called as the folders of ours."""
    packages: Mapping[str, str] = {
        "models/tabnet": NET, "models/width": "WIDTH = 7\n", "search_spaces/mine": "",
        "infra/settings": "1 / 0", "tests/test_mine": "",
    }  # fmt: skip
    for name, text in packages.items():
        path = folder / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.with_name("__init__.py").write_text("")
        path.write_text(text)
    path = folder / sweep_file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(SWEEP)
    return folder


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return write_project(tmp_path / "project")
