"""A real MLflow server on a free loopback port, for tests that need one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from tests.free_port import free_port

__all__ = ["MlflowServer"]

ROOT = Path(__file__).resolve().parent.parent


class MlflowServer:
    """Starts and ends `mlflow server`, again and again on one port and store."""

    def __init__(self, runs: Path) -> None:
        self.runs = runs
        self.port = free_port()
        self.uri = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the server with the project's own command and wait until it answers."""
        self.runs.mkdir(parents=True, exist_ok=True)
        (self.runs / "mlflow.db").touch()
        command = [
            sys.executable, "-m", "sweeps", "ui",
            "--runs", str(self.runs), "--port", str(self.port),
        ]  # fmt: skip
        with (self.runs / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                command, cwd=ROOT, stdout=log, stderr=log, start_new_session=True
            )
        until = time.monotonic() + 180
        while not self._answers():
            assert self._process.poll() is None, (self.runs / "server.log").read_text()
            assert time.monotonic() < until, "the server did not start in 180 s"
            time.sleep(0.2)

    def kill(self) -> None:
        """End the server and its workers at once."""
        if self._process is not None:
            if self._process.poll() is None:
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def signal(self, number: int) -> None:
        """Send a signal to the server and its workers."""
        assert self._process is not None
        os.killpg(self._process.pid, number)

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.uri}/health", timeout=5) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return False
