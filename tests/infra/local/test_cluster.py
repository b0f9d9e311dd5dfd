"""A cluster on this machine: only with its token, and stopped to the last process."""

from __future__ import annotations

import os
import socket
import stat
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from sweeps.infra.local.cluster import LocalCluster
from tests.free_port import free_port
from tests.sweeps.drivers import is_alive, wait_for

pytestmark = pytest.mark.cluster
ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="c", dir="/tmp") as path:
        yield Path(path) / "cluster"


def command(folder: Path, *arguments: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "sweeps", "cluster", *arguments, "--folder", str(folder)],
        cwd=ROOT, capture_output=True, text=True, timeout=400, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def status_of(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as err:
        err.close()
        return err.code


def test_up_then_down(folder: Path) -> None:
    port, dashboard = free_port(), free_port()
    options = ["--port", str(port), "--dashboard", str(dashboard), "--workers", "1"]
    options.append("--no-mlflow")
    code, said = command(folder, "up", *options)
    cluster = LocalCluster(folder)
    try:
        assert code == 0, said
        assert f". {folder}/env" in said
        assert f"RAY_ADDRESS=http://127.0.0.1:{dashboard}" in (folder / "env").read_text()
        assert stat.S_IMODE(os.stat(cluster.token).st_mode) == 0o600
        assert stat.S_IMODE(os.stat(folder).st_mode) == 0o700
        assert status_of(f"http://127.0.0.1:{dashboard}/api/jobs/") == 401
        code, said = command(folder, "up", *options)
        assert (code, "is already running" in said) == (9, True)
        assert f"-m sweeps cluster down --folder {folder}\n" in said
        nodes = [psutil.Process(pid) for pid in cluster.processes.pids().values()]
        tree = [child for node in nodes for child in [node, *node.children(recursive=True)]]
        assert len(tree) > 6
    finally:
        code, said = command(folder, "down")
    assert code == 0, said
    assert said.splitlines() == ["stopped worker-1, head", "stopping worker-1, head"]
    wait_for(lambda: not any(one.is_running() and is_alive(one.pid) for one in tree))
    assert command(folder, "down") == (0, "nothing was running\n")


def test_a_taken_port_is_named_and_nothing_is_left(folder: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        code, said = command(folder, "up", "--dashboard", str(port), "--port", str(free_port()))
    assert code == 9
    assert f"port {port} cannot be used" in said
    assert f"-m sweeps cluster up --dashboard {port + 1}\n" in said
    assert not folder.exists()
