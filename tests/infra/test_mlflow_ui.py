"""`make ui` says in one line what it cannot do; the real server is in tests/browser."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


def ui(*options: str, uri: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "infra.mlflow_ui", *options],
        cwd=ROOT,
        env={**os.environ, "MLFLOW_TRACKING_URI": uri},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_without_a_record_it_says_what_to_run_first(tmp_path: Path) -> None:
    done = ui("--runs", str(tmp_path))
    assert done.returncode == 1
    assert "run `make sweep` first" in done.stderr


def test_a_taken_port_is_named_with_another_to_try(tmp_path: Path) -> None:
    (tmp_path / "mlflow.db").touch()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = ui("--runs", str(tmp_path), "--port", str(taken.getsockname()[1]))
    assert done.returncode == 1
    assert "is taken; choose another: make ui PORT=" in done.stderr


def test_with_a_server_it_says_where_to_look() -> None:
    done = ui(uri="http://tracking:5000")
    assert done.returncode == 0
    assert "open http://tracking:5000" in done.stdout
