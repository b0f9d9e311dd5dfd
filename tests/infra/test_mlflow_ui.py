"""`sweeps ui` says in one line what it cannot do; the real server is in tests/browser."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from sweeps.infra import mlflow_ui
from sweeps.infra.settings import read_settings
from tests.free_port import free_port
from tests.mlflow_server import MlflowServer

LIST = "/#/experiments?workflowType=machine_learning"
ROOT = Path(__file__).resolve().parent.parent.parent


def ui(*options: str, uri: str = "", storage: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "sweeps", "ui", *options],
        cwd=ROOT,
        env={**os.environ, "MLFLOW_TRACKING_URI": uri, "SWEEPS_STORAGE": storage},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_without_a_record_it_says_what_to_run_first(tmp_path: Path) -> None:
    done = ui("--runs", str(tmp_path))
    assert done.returncode == 1
    assert done.stderr.endswith("python -m sweeps run FILE\n")


def test_a_taken_port_is_named_with_another_to_try(tmp_path: Path) -> None:
    (tmp_path / "mlflow.db").touch()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = ui("--runs", str(tmp_path), "--port", str(port))
    assert done.returncode == 1
    assert f"port {port} is taken; choose another: " in done.stderr
    assert done.stderr.endswith(f"python -m sweeps ui --port {port + 1}\n")


def test_with_a_server_it_says_where_to_look() -> None:
    done = ui(uri="http://ann:s3cr3t@tracking:5000/")
    assert done.returncode == 0
    assert f"open http://ann:***@tracking:5000{LIST} in" in done.stdout
    assert "s3cr3t" not in done.stdout + done.stderr


def test_of_a_server_with_accounts_it_says_where_user_and_password_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "ann")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "s3cr3t")
    done = ui(uri="http://tracking:5000/")
    assert "log in with MLFLOW_TRACKING_USERNAME (ann) and MLFLOW_TRACKING_PASSWORD" in done.stdout
    assert "s3cr3t" not in done.stdout


def test_it_looks_where_sweeps_are_kept(tmp_path: Path) -> None:
    done = ui(storage=str(tmp_path))
    assert done.returncode == 1
    assert f"nothing is recorded yet: there is no {tmp_path}/mlflow.db" in done.stderr


def test_a_setting_that_cannot_be_used_is_named() -> None:
    done = ui(storage="ftp://bucket/sweeps")
    assert done.returncode == 2
    assert done.stderr.startswith("error: SWEEPS_STORAGE=ftp://bucket/sweeps: must be a folder or ")


def test_without_mlflow_it_says_so() -> None:
    done = ui(uri="none")
    assert done.returncode == 1
    assert "recorded on disk only" in done.stderr


def test_the_servers_command_line_has_no_password(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    started: list[tuple[list[str], dict[str, str]]] = []

    def execve(program: str, command: list[str], environment: dict[str, str]) -> None:
        started.append((command, environment))

    uri = "postgresql+psycopg://ann:s3cr3t@host/mlflow"
    monkeypatch.setattr(os, "execve", execve)
    monkeypatch.setenv("SWEEPS_STORAGE", str(tmp_path))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    mlflow_ui.open_ui(read_settings(), None, free_port())
    [(command, environment)] = started
    assert environment["MLFLOW_BACKEND_STORE_URI"] == uri
    assert (tmp_path / "mlartifacts").as_uri() in command
    assert "s3cr3t" not in " ".join(command) + capfd.readouterr().out


def test_the_start_shows_the_address_and_no_warnings(tmp_path: Path) -> None:
    server = MlflowServer(tmp_path / "runs")
    server.start()
    try:
        said = (tmp_path / "runs" / "server.log").read_text().splitlines()
    finally:
        server.kill()
    assert said[0] == f"MLflow UI starting at {server.uri}{LIST}  (Ctrl-C to stop)"
    assert "'Model training'" in said[1]
    assert [line for line in said[2:] if not line.startswith("[MLflow] Security middleware")] == []
