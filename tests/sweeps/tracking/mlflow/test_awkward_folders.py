"""A sweep in a folder of any name keeps its MLflow store there, and nothing anywhere else."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests.free_port import free_port
from tests.sweeps.drivers import wait_for
from tests.sweeps.sweep_files import write_sweep

_COUNT = (
    "import json, sys\n"
    "from sweeps.tracking.mlflow.store import open_client\n"
    "client = open_client(sys.argv[1])\n"
    "found = client.get_experiment_by_name('blobs')\n"
    "runs = client.search_runs([found.experiment_id])\n"
    "files = [one.path for one in client.list_artifacts(runs[-1].info.run_id)]\n"
    "print(json.dumps([len(runs), files]))\n"
)


def swept(folder: Path, *command: str) -> str:
    done = subprocess.run(
        [sys.executable, "-P", "-m", "sweeps", *command],
        cwd=folder, capture_output=True, encoding="utf-8", timeout=170,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("name", ["a%20b", "q?mark", "it's 100% #1"])
def test_a_sweep_is_recorded_and_synced_where_it_is(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    folder.mkdir()
    write_sweep(folder, search="{method: random, trials: 2}")
    swept(folder, "run", "sweep.yaml", "--local", "--quiet")
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert sorted(path.name for path in folder.iterdir()) == ["runs", "sweep.yaml"]
    (folder / "runs" / "mlflow.db").unlink()
    swept(folder, "sync", "runs/blobs")
    assert [path.name for path in tmp_path.iterdir()] == [name]
    uri = swept_uri(folder)
    asked = [sys.executable, "-W", "ignore", "-c", _COUNT, uri]
    found = subprocess.run(asked, cwd=tmp_path, capture_output=True, check=True, timeout=120)
    number, files = json.loads(found.stdout)
    assert number == 3
    assert "report.html" in files or "sweep.yaml" in files


def swept_uri(folder: Path) -> str:
    script = (
        "from pathlib import Path; from sweeps.session.environment import default_tracking_uri;"
        "print(default_tracking_uri(Path('runs')))"
    )
    environment = {key: value for key, value in os.environ.items() if key != "MLFLOW_TRACKING_URI"}
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=folder, env=environment, capture_output=True, encoding="utf-8", check=True,
    )  # fmt: skip
    return done.stdout.strip()


def test_the_ui_opens_that_store(tmp_path: Path) -> None:
    folder = tmp_path / "a%20b?"
    folder.mkdir()
    write_sweep(folder, search="{method: random, trials: 1}")
    swept(folder, "run", "sweep.yaml", "--local", "--quiet")
    port = free_port()
    command = [sys.executable, "-P", "-m", "sweeps", "ui", "--port", str(port)]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL) as server:
        try:
            wait_for(lambda: answers(port), timeout_s=120)
            url = f"http://127.0.0.1:{port}/api/2.0/mlflow/experiments/get-by-name"
            with urlopen(f"{url}?experiment_name=blobs", timeout=60) as answer:
                assert json.load(answer)["experiment"]["name"] == "blobs"
        finally:
            server.terminate()
    assert [path.name for path in tmp_path.iterdir()] == [folder.name]


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
