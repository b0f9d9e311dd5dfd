"""A registered model behind HTTP: MLflow's own server, on a free loopback port."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.free_port import free_port

__all__ = ["ModelServer", "served"]


class ModelServer:
    """Answers at `/invocations`."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, log: Path) -> None:
        self._process, self._log = process, log
        self._url = f"http://127.0.0.1:{port}/invocations"

    def ask(self, body: str, kind: str = "application/json") -> Any:
        """Post until the server is up and answers; returns what it says."""
        request = urllib.request.Request(self._url, body.encode(), {"Content-Type": kind})
        until = time.monotonic() + 240
        while True:
            try:
                with urllib.request.urlopen(request, timeout=30) as answer:
                    return json.loads(answer.read())
            except urllib.error.HTTPError as err:
                raise AssertionError(f"{err}: {err.read().decode()}") from err
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                assert self._process.poll() is None, self._log.read_text()
                assert time.monotonic() < until, "the server did not answer in 240 s"
                time.sleep(0.3)


@contextmanager
def served(model: str, uri: str, python: Path, folder: Path) -> Iterator[ModelServer]:
    """Serve a model, for example `models:/digits/1`, until the block is left.

    Args:
        uri: The tracking store's.
        python: Of the environment that serves.
        folder: Where the command is typed; holds the log.
    """
    port, log = free_port(), folder / "server.log"
    command = [
        str(python), "-m", "mlflow", "models", "serve", "-m", model,
        "--env-manager", "local", "--port", str(port), "--workers", "1",
    ]  # fmt: skip
    # As in an activated environment: MLflow starts uvicorn by its name.
    path = f"{python.parent}:{os.environ['PATH']}"
    environment = {**os.environ, "MLFLOW_TRACKING_URI": uri, "PATH": path}
    with log.open("wb") as file:
        process = subprocess.Popen(
            command, env=environment, cwd=folder, stdout=file, stderr=file, start_new_session=True
        )
    try:
        yield ModelServer(process, port, log)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
        process.wait()
