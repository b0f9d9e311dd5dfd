"""Opens the MLflow UI on the store that sweeps write.

Bound to this machine alone: the server has no password.
"""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path
from typing import NoReturn

from sweeps.infra.command_line import command
from sweeps.infra.settings import InfraSettings, without_password
from sweeps.infra.sqlite_uri import absolute_uri, file_of, uri_of
from sweeps.infra.strict_warnings import lenient_environment

__all__ = ["UI_PORT", "open_ui"]

UI_PORT = 5000


# Classic views for model training; MLflow's own default is the one for language models.
_LIST = "/#/experiments?workflowType=machine_learning"
_HINT = "On a sweep's page choose 'Model training' above the menu, once: the browser remembers it."
# What the server says about itself while it starts; errors are shown.
_QUIET = {
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    "MLFLOW_UVICORN_OPTS": "--log-level warning",
    "PYTHONWARNINGS": "ignore:starlette.middleware.wsgi is deprecated",
    # Jobs judge language models: processes that a sweep has no use for.
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
}


def open_ui(settings: InfraSettings, runs: Path | None, port: int) -> int:
    """Replace this process by the MLflow server; returns 1 with a message where it cannot run.

    Args:
        runs: The folder of run folders; None takes that of the settings, or `runs`.
    """
    runs = (runs or settings.storage or Path("runs")).resolve()
    uri = settings.tracking_uri or ""
    if uri.startswith(("http://", "https://")):
        shown = without_password(uri).rstrip("/")
        print(f"MLFLOW_TRACKING_URI is a server: open {shown}{_LIST} in a browser")
        if user := os.environ.get("MLFLOW_TRACKING_USERNAME"):
            print(f"log in with MLFLOW_TRACKING_USERNAME ({user}) and MLFLOW_TRACKING_PASSWORD")
        return 0
    problem = _problem(uri, runs, port)
    if problem:
        print(problem, file=sys.stderr)
        return 1
    print(f"MLflow UI starting at http://127.0.0.1:{port}{_LIST}  (Ctrl-C to stop)")
    print(_HINT, flush=True)
    _become_server(absolute_uri(uri or uri_of(runs / "mlflow.db")), runs, port)


def _problem(uri: str, runs: Path, port: int) -> str:
    """Return why no server can be started, with the next step; empty where one can."""
    store = runs / "mlflow.db"
    if uri == "none":
        return "MLFLOW_TRACKING_URI=none: sweeps are recorded on disk only; unset it to use MLflow"
    if not uri and not store.exists():
        return f"nothing is recorded yet: there is no {store}; first run {command('run', 'FILE')}"
    if _is_taken(port):
        return f"port {port} is taken; choose another: {command('ui', '--port', str(port + 1))}"
    return ""


def _become_server(store: str, runs: Path, port: int) -> NoReturn:
    """Replace this process by the server; the store's password is in no command line.

    It starts in the folder of a SQLite store and names that file alone: MLflow makes the folder of
    an address as it is written, so that of `a%20b` would be another one.
    """
    file = file_of(store)
    if file is not None:
        os.chdir(file.parent)
        store = uri_of(Path(file.name))
    stores = dict.fromkeys(("MLFLOW_BACKEND_STORE_URI", "MLFLOW_REGISTRY_STORE_URI"), store)
    environment = {**_QUIET, **lenient_environment(), **stores}
    environment.pop("MLFLOW_TRACKING_URI", None)
    command = [
        sys.executable, "-P", "-m", "mlflow", "server",
        "--artifacts-destination", (runs / "mlartifacts").as_uri(),
        "--host", "127.0.0.1", "--port", str(port), "--workers", "1",
    ]  # fmt: skip
    os.execve(sys.executable, command, environment)


def _is_taken(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False
