"""Opens the MLflow UI on the store that sweeps write: `python -m infra.mlflow_ui`.

Bound to this machine alone: the server has no password.
"""

from __future__ import annotations

import argparse
import os
import socket
import sys
from pathlib import Path

__all__ = ["main"]


def main() -> int:
    """Replace this process by the MLflow server; returns 1 with a message where it cannot run."""
    parser = argparse.ArgumentParser(prog="python -m infra.mlflow_ui", description=__doc__)
    parser.add_argument("--runs", type=Path, default=Path("runs"))
    parser.add_argument("--port", type=int, default=5000)
    parsed = parser.parse_args()
    uri = os.environ.get("MLFLOW_TRACKING_URI", "")
    if uri.startswith(("http://", "https://")):
        print(f"MLFLOW_TRACKING_URI is a server: open {uri} in a browser")
        return 0
    store = (parsed.runs / "mlflow.db").resolve()
    if not uri and not store.exists():
        print(f"nothing is recorded: there is no {store}; run `make sweep` first", file=sys.stderr)
        return 1
    if _is_taken(parsed.port):
        print(f"port {parsed.port} is taken; choose another: make ui PORT=5001", file=sys.stderr)
        return 1
    print(f"MLflow UI: http://127.0.0.1:{parsed.port}  (Ctrl-C ends it)", flush=True)
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    command = [
        sys.executable, "-m", "mlflow", "server",
        "--backend-store-uri", uri or f"sqlite:///{store}",
        "--artifacts-destination", str(parsed.runs.resolve() / "mlartifacts"),
        "--host", "127.0.0.1", "--port", str(parsed.port), "--workers", "1",
    ]  # fmt: skip
    os.execv(sys.executable, command)


def _is_taken(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


if __name__ == "__main__":
    sys.exit(main())
