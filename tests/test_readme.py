"""Commands and code of the README, and of docs/commands.md, run in a copy of the checkout."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from sweeps.definition.loading import check_sweep
from sweeps.infra.local.cluster import LocalCluster
from tests.free_port import free_port
from tests.sweeps.sweep_files import write_sweep

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text()
COMMANDS = (ROOT / "docs" / "commands.md").read_text()
_VARIABLE = re.compile(r'"(SWEEPS_[A-Z_]+)"')
LEFT_OUT = (".venv", ".git", "runs", ".cluster", "__pycache__", ".*_cache", ".hypothesis")


def blocks(language: str, page: str = README) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", page, flags=re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("readme") / "checkout"
    shutil.copytree(ROOT, folder, symlinks=True, ignore=shutil.ignore_patterns(*LEFT_OUT))
    environment = folder / ".venv"
    environment.symlink_to(sys.prefix)
    (environment / ".ready").touch()
    yield folder
    environment.unlink()
    shutil.rmtree(folder)


def shell(
    command: str, folder: Path, timeout_s: float = 400, **environment: str
) -> subprocess.CompletedProcess[str]:
    found = {"PATH": f"{Path(sys.prefix) / 'bin'}{os.pathsep}{os.environ['PATH']}"}
    return subprocess.run(
        ["bash", "-c", command], cwd=folder, env={**os.environ, **found, **environment},
        capture_output=True, text=True, timeout=timeout_s,
    )  # fmt: skip


@pytest.mark.ray
def test_make_sweep_ends_with_the_ranked_table_the_winner_and_the_next_command(
    checkout: Path,
) -> None:
    assert blocks("sh")[0].strip() == "make sweep"
    done = shell("make sweep", checkout)
    assert done.returncode == 0, done.stderr
    assert "40 of 40 trials ended" in done.stdout
    assert "Best of the search: trial" in done.stdout
    assert re.search(r"^Open MLflow:  \S*sweeps ui$", done.stdout, re.MULTILINE)


def test_make_ui_serves_what_was_recorded(checkout: Path) -> None:
    assert "`make ui`" in README
    if not (checkout / "runs" / "mlflow.db").exists():
        pytest.skip("needs the test of make sweep, which records something")
    port = free_port()
    server = subprocess.Popen(["make", "ui", f"PORT={port}"], cwd=checkout)
    try:
        assert "MLflow" in page(f"http://127.0.0.1:{port}/", server)
    finally:
        server.terminate()
        server.wait()


def page(url: str, server: subprocess.Popen[bytes]) -> str:
    """Return what a server answers once it is up."""
    until = time.monotonic() + 180
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                return str(answer.read().decode())
        except (urllib.error.URLError, ConnectionError):
            assert server.poll() is None
            assert time.monotonic() < until
            time.sleep(0.2)


@pytest.mark.ray
@pytest.mark.parametrize("command", blocks("sh", COMMANDS)[0].strip().splitlines())
def test_each_command_by_hand_succeeds(checkout: Path, command: str) -> None:
    done = shell(command, checkout)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


@pytest.mark.cluster
@pytest.mark.timeout(900)
def test_the_cluster_block_sends_a_sweep_and_shows_it(checkout: Path, tmp_path: Path) -> None:
    block = blocks("sh")[2]
    assert block.splitlines()[0] == "make cluster"
    if not (shutil.which("initdb") or list(Path("/usr/lib/postgresql").glob("*/bin/initdb"))):
        pytest.skip("PostgreSQL's server is not installed")
    names = ("RAY_PORT", "DASHBOARD_PORT", "MLFLOW_PORT", "POSTGRES_PORT")
    environment = {name: str(free_port()) for name in names} | {"SPEC": str(write_sweep(tmp_path))}
    try:
        done = shell(f"set -e\n{block}", checkout, timeout_s=800, **environment)
    finally:
        shell("make cluster-down", checkout)
        shutil.rmtree(LocalCluster(checkout / ".cluster").database, ignore_errors=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "6 of 6 trials ended" in done.stdout
    assert "stopped worker-2, worker-1, head, mlflow, postgres" in done.stdout


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project of a user's own, as the block of shell commands starts it."""
    folder = tmp_path_factory.mktemp("own")
    start, enter, *_ = blocks("sh")[1].splitlines()
    assert shell(start, folder).returncode == 0
    return folder / enter.removeprefix("cd ")


@pytest.mark.ray
def test_the_first_minute_of_a_project_of_ones_own(project: Path) -> None:
    *_, run, ui = blocks("sh")[1].splitlines()
    done = shell(run, project)
    assert done.returncode == 0, done.stderr
    assert "test rows that no trial had seen (used once)" in done.stdout
    assert ui == "sweeps ui"


@pytest.mark.ray
def test_the_python_block_runs_in_that_project(project: Path) -> None:
    done = shell(f"python -c '{blocks('python')[0]}'", project)
    assert done.returncode == 0, done.stderr
    assert "optimizer" in done.stdout


def test_every_command_is_described() -> None:
    described = set(re.findall(r"`([a-z]+)(?: [A-Za-z\[-][^`]*)?`", COMMANDS))
    assert {name for name in command_names() if name not in described} == set()


def test_every_variable_of_the_environment_is_described() -> None:
    pages = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "docs").glob("*.md"))
    files = [path for name in ("sweeps", "models", "infra") for path in (ROOT / name).rglob("*.py")]
    named = {name for path in files for name in _VARIABLE.findall(path.read_text(encoding="utf-8"))}
    assert "SWEEPS_STORAGE" in named
    assert {name for name in named if f"`{name}`" not in pages} == set()


def command_names() -> set[str]:
    done = shell("sweeps --help", ROOT)
    return set(re.findall(r"^    ([a-z]+) ", done.stdout, flags=re.MULTILINE))


def test_the_sweep_file_of_the_readme_is_the_example(tmp_path: Path) -> None:
    path = tmp_path / "readme.yaml"
    path.write_text(blocks("yaml")[0])
    written, _ = check_sweep(path)
    example, _ = check_sweep(ROOT / "search_spaces" / "examples" / "digits.yaml")
    assert written.file == example.file


def test_the_own_net_of_the_readme_trains(checkout: Path, tmp_path: Path) -> None:
    (tmp_path / "own_net.py").write_text(blocks("python")[1])
    space = blocks("yaml")[1].strip()
    (tmp_path / "own.yaml").write_text(
        "name: own\ndata: {source: iris}\nsearch: {method: random, trials: 1}\n"
        f"space:\n  {space}\n  optimizer: {{kind: adam}}\n  training: {{epochs: 1}}\n"
    )
    command = f"sweeps run {tmp_path}/own.yaml --local --no-mlflow"
    done = shell(command, checkout)
    assert done.returncode == 0, done.stderr
    assert "1 completed" in done.stdout


@pytest.mark.parametrize("link", sorted(set(re.findall(r"\]\(([^)#:]+)\)", README))))
def test_every_file_that_the_readme_points_to_exists(link: str) -> None:
    assert (ROOT / link).exists()
