"""A real Ray cluster on this machine, to try and test with: `python -m infra.local_cluster up`.

A head and worker nodes, each its own `ray start`, bound by a token that is made here. What was
started is written down with its process ids, and `down` stops exactly that.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

__all__ = ["LocalCluster", "LocalClusterError", "main"]

_STARTED_WITHIN_S = 90.0
_STOPPED_WITHIN_S = 20.0
_VARIABLES = {"port": "RAY_PORT", "dashboard": "DASHBOARD_PORT"}


class LocalClusterError(Exception):
    """The cluster cannot be started; the message says what is in the way."""


class LocalCluster:
    """The cluster that a folder describes: its token, state, logs and storage are in there.

    Args:
        folder: Made where it is missing; only its owner may read it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()
        self._state = self.folder / "state.json"
        self._children: dict[str, subprocess.Popen[bytes]] = {}

    @property
    def token(self) -> Path:
        """The file with the token that every node and client must show."""
        return self.folder / "token"

    @property
    def storage(self) -> Path:
        """The folder of run folders."""
        return self.folder / "storage"

    @property
    def port(self) -> int:
        """The port of Ray: a driver joins `127.0.0.1:port`."""
        return int(self._read()["port"])

    @property
    def processes(self) -> dict[str, tuple[int, float]]:
        """What was started: the process id and the creation time of each node's `ray start`."""
        nodes = self._read()["nodes"] if self._state.exists() else {}
        return {name: (pid, created) for name, (pid, created) in nodes.items()}

    def up(self, *, port: int, dashboard: int, workers: int, cpus: int) -> None:
        """Start the head and its workers, and wait until the Jobs API answers.

        Args:
            port: Of Ray; the head listens there on all interfaces, and asks for the token.
            dashboard: Of the dashboard and the Jobs API, on the loopback interface.
            cpus: CPU cores that each node offers.

        Raises:
            LocalClusterError: It runs already, a port is taken, or a node does not start.
        """
        if any(_is_alive(*process) for process in self.processes.values()):
            raise LocalClusterError(
                f"the cluster of {self.folder} runs already; stop it first: make cluster-down"
            )
        for name, number in {"port": port, "dashboard": dashboard}.items():
            _refuse_taken(name, number)
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.storage.mkdir(exist_ok=True)
        self._make_token()
        # Sockets are files in it, and their paths may have 107 characters.
        state = {"temporary": tempfile.mkdtemp(prefix="sc", dir="/tmp"), "port": port}
        self._write(state | {"dashboard": dashboard, "nodes": {}})
        try:
            self._start_head(port, dashboard, cpus)
            for number in range(1, workers + 1):
                self.add_worker(f"worker-{number}", cpus)
        except LocalClusterError:
            self.down()
            raise

    def add_worker(self, name: str, cpus: int) -> None:
        """Start one more node, and wait until it has joined."""
        options = ["--address", f"127.0.0.1:{self._read()['port']}"]
        self._start(name, options, cpus, f"{name}.log")

    def restart_head(self, cpus: int) -> None:
        """Start a head on the old ports, after the old one is gone; workers must join it anew."""
        state = self._read()
        self._start_head(state["port"], state["dashboard"], cpus)

    def kill(self, name: str) -> None:
        """Kill a node and all that runs on it at once, as if its power had gone."""
        pid, created = self.processes[name]
        if _is_alive(pid, created):
            _kill(_tree(pid))
        self._forget(name)

    def down(self) -> list[str]:
        """Stop what was started, workers first; returns the names of what still ran."""
        stopped = []
        for name, (pid, created) in reversed(self.processes.items()):
            if _is_alive(pid, created):
                _stop(pid)
                stopped.append(name)
            self._forget(name)
        if self._state.exists():
            shutil.rmtree(self._read()["temporary"], ignore_errors=True)
            self._state.unlink()
        return stopped

    def variables(self) -> dict[str, str]:
        """Return the environment of those who use the cluster through its Jobs address."""
        return {
            "RAY_ADDRESS": f"http://127.0.0.1:{self._read()['dashboard']}",
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN_PATH": str(self.token),
            "SWEEPS_STORAGE": str(self.storage),
        }

    def _start_head(self, port: int, dashboard: int, cpus: int) -> None:
        options = ["--head", "--port", str(port), "--dashboard-port", str(dashboard)]
        options += ["--include-dashboard=true", "--ray-client-server-port", str(_free_port())]
        self._start("head", options, cpus, "head.log")
        self._wait("head", lambda: self._answers(dashboard))

    def _start(self, name: str, options: Sequence[str], cpus: int, log: str) -> None:
        temporary = Path(self._read()["temporary"]) / name
        command = [
            sys.executable, "-m", "ray.scripts.scripts", "start", "--block", *options,
            "--num-cpus", str(cpus), "--temp-dir", str(temporary), "--disable-usage-stats",
            "--dashboard-agent-listen-port", str(_free_port()),
            "--dashboard-agent-grpc-port", str(_free_port()),
            "--metrics-export-port", str(_free_port()),
        ]  # fmt: skip
        with (self.folder / log).open("wb") as output:
            process = subprocess.Popen(
                command, env=self._environment(), stdout=output, stderr=output,
                stdin=subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip
        self._children[name] = process
        state = self._read()
        state["nodes"][name] = [process.pid, psutil.Process(process.pid).create_time()]
        self._write(state)
        self._wait(name, lambda: "Ray runtime started" in self._log(log))

    def _environment(self) -> dict[str, str]:
        """Return what a node runs in: its jobs' `python` is the first one in the PATH."""
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
        own = {key: text for key, text in os.environ.items() if key != "RAY_ADDRESS"}
        variables = self.variables()
        del variables["RAY_ADDRESS"]
        return own | variables | {"PATH": path, "PYTHONUNBUFFERED": "1"}

    def _wait(self, name: str, is_ready: Callable[[], bool]) -> None:
        until = time.monotonic() + _STARTED_WITHIN_S
        while not is_ready():
            dead = not _is_alive(*self.processes[name])
            if dead or time.monotonic() > until:
                raise LocalClusterError(
                    f"node {name} did not start: {self._log(f'{name}.log')[-1500:].strip()}"
                )
            time.sleep(0.2)

    def _answers(self, dashboard: int) -> bool:
        request = urllib.request.Request(
            f"http://127.0.0.1:{dashboard}/api/jobs/",
            headers={"Authorization": f"Bearer {self.token.read_text().strip()}"},
        )
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return False

    def _log(self, name: str) -> str:
        path = self.folder / name
        return path.read_text(errors="replace") if path.exists() else ""

    def _make_token(self) -> None:
        if self.token.exists():
            return
        with os.fdopen(os.open(self.token, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
            file.write(secrets.token_hex(32))

    def _read(self) -> dict[str, Any]:
        try:
            state: dict[str, Any] = json.loads(self._state.read_bytes())
        except FileNotFoundError as err:
            raise LocalClusterError(f"no cluster of {self.folder} runs: make cluster") from err
        return state

    def _write(self, state: Mapping[str, Any]) -> None:
        temporary = self._state.with_suffix(".tmp")
        temporary.write_text(json.dumps(state, indent=2))
        temporary.replace(self._state)

    def _forget(self, name: str) -> None:
        if name in self._children:
            self._children.pop(name).wait()
        state = self._read()
        state["nodes"].pop(name, None)
        self._write(state)


def main() -> int:
    """Run `up` or `down`; returns 1 with a message where that is not possible."""
    parser = argparse.ArgumentParser(prog="python -m infra.local_cluster", description=__doc__)
    parser.add_argument("action", choices=["up", "down"])
    parser.add_argument("--folder", type=Path, default=Path(".cluster"))
    parser.add_argument("--port", type=int, default=6379, help="of Ray")
    parser.add_argument("--dashboard", type=int, default=8265, help="of the Jobs API")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--cpus", type=int, default=1, help="CPU cores that each node offers")
    parsed = parser.parse_args()
    cluster = LocalCluster(parsed.folder)
    try:
        if parsed.action == "down":
            stopped = cluster.down()
            print(f"stopped {', '.join(stopped)}" if stopped else "nothing was running")
            return 0
        print(f"starting a head and {parsed.workers} workers", file=sys.stderr, flush=True)
        cluster.up(
            port=parsed.port,
            dashboard=parsed.dashboard,
            workers=parsed.workers,
            cpus=parsed.cpus,
        )
    except LocalClusterError as err:
        print(f"error: {err}", file=sys.stderr)
        return 1
    lines = [f"export {name}={shlex.quote(text)}" for name, text in cluster.variables().items()]
    (cluster.folder / "env").write_text("\n".join([*lines, ""]))
    print(f"The cluster is up. Use it from this shell:  . {parsed.folder}/env")
    print("Then:  make sweep       (and make cluster-down, when you are done)")
    return 0


def _refuse_taken(name: str, port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except (OSError, OverflowError) as err:
            raise LocalClusterError(
                f"port {port} cannot be used ({err}); choose another: "
                f"make cluster {_VARIABLES[name]}={port + 1}"
            ) from err


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _is_alive(pid: int, created: float) -> bool:
    """Return whether this very process runs: its number may be another's by now."""
    try:
        process = psutil.Process(pid)
        return bool(process.create_time() == created and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _tree(pid: int) -> list[psutil.Process]:
    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    return []


def _stop(pid: int) -> None:
    """Ask a node to end, and kill what of it is left after a while."""
    tree = _tree(pid)
    with suppress(psutil.NoSuchProcess):
        tree[0].terminate()
    _, left = psutil.wait_procs(tree, timeout=_STOPPED_WITHIN_S)
    _kill(left)


def _kill(processes: Sequence[psutil.Process]) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(processes, timeout=10)


if __name__ == "__main__":
    sys.exit(main())
