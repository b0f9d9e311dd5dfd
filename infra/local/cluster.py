"""A real Ray cluster on this machine, to try and test with.

A head and worker nodes, each its own `ray start`, bound by a token that is made here, and an
MLflow server on PostgreSQL. `down` stops exactly what was started.
"""

from __future__ import annotations

import os
import secrets
import shlex
import shutil
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from sweeps.infra.command_line import command
from sweeps.infra.local.folder import down_command
from sweeps.infra.local.processes import ProcessError, Processes, free_ports, refuse_taken
from sweeps.infra.local.tracking_server import SERVERS, LocalMlflow
from sweeps.infra.strict_warnings import lenient_environment

__all__ = ["LocalCluster"]

# From which Ray gives ports to its workers; it refuses a server's own among them.
_WORKER_PORTS = range(10002, 20000)


class LocalCluster:
    """The cluster that a folder describes: its token, state, logs and storage are in there.

    Args:
        folder: Made where it is missing; only its owner may read it.
        say: Is told what is being started.
    """

    def __init__(self, folder: Path, say: Callable[[str], None] = lambda _: None) -> None:
        self.folder = folder.absolute()
        self.processes = Processes(self.folder, say)
        self._mlflow = LocalMlflow(self.folder, self.processes)

    @property
    def token(self) -> Path:
        """The file with the token that every node and client must show."""
        return self.folder / "token"

    @property
    def storage(self) -> Path:
        """The folder of run folders."""
        return self.folder / "storage"

    @property
    def database(self) -> Path:
        """Where PostgreSQL keeps what MLflow knows; it stays when all is stopped."""
        return self._mlflow.data

    @property
    def _variables_file(self) -> Path:
        return self.folder / "env"

    @property
    def stop_command(self) -> str:
        """The command that stops it."""
        return down_command(self.folder)

    @property
    def port(self) -> int:
        """The port of Ray: a driver joins `127.0.0.1:port`."""
        return int(self.processes.facts["port"])

    def up(
        self,
        *,
        port: int,
        dashboard: int,
        workers: int,
        cpus: int,
        mlflow: int | None = None,
        postgres: int | None = None,
    ) -> None:
        """Start everything, and wait until it answers.

        Args:
            port: Of Ray; the head listens there on all interfaces, and asks for the token.
            dashboard: Of the dashboard and the Jobs API, on the loopback interface.
            cpus: CPU cores that each node offers.
            mlflow, postgres: Of these servers, on the loopback interface; None for none.

        Raises:
            ProcessError: It runs already, a port is taken, or something does not start.
        """
        if any(map(self.processes.is_alive, self.processes.pids())):
            raise ProcessError(
                f"the cluster of {self.folder} is already running; stop it first: "
                f"{self.stop_command}"
            )
        _refuse_ports(
            {"port": port, "dashboard": dashboard, "mlflow": mlflow, "postgres": postgres}
        )
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.folder.chmod(0o700)
        self._variables_file.unlink(missing_ok=True)  # it names the ports of the cluster before
        self.storage.mkdir(exist_ok=True)
        self._make_token()
        # Sockets are files in it, and their paths may have 107 characters.
        temporary = tempfile.mkdtemp(prefix="sc", dir="/tmp")
        facts = {"temporary": temporary, "port": port, "dashboard": dashboard, "mlflow": mlflow}
        self.processes.begin(facts)
        try:
            if mlflow is not None and postgres is not None:
                self._mlflow.up(port=mlflow, database_port=postgres)
            self.start_head(cpus)
            for number in range(1, workers + 1):
                self.add_worker(f"worker-{number}", cpus)
        except ProcessError:
            self.down()
            raise

    def start_head(self, cpus: int) -> None:
        """Start the head, which knows nothing of one that was killed before."""
        dashboard = int(self.processes.facts["dashboard"])
        options = ["--head", "--port", str(self.port), "--dashboard-port", str(dashboard)]
        options += ["--include-dashboard=true"]
        self._start("head", options, cpus, dashboard)

    def add_worker(self, name: str, cpus: int) -> None:
        """Start one more node, and wait until it has joined."""
        self._start(name, ["--address", f"127.0.0.1:{self.port}"], cpus)

    def kill(self, name: str) -> None:
        """Kill a node and all that runs on it at once, as if its power had gone."""
        self.processes.kill(name)

    def down(self) -> list[str]:
        """Stop what was started; returns the names of what still ran.

        All nodes at once, as each with work on it would take its full time; then MLflow, and last
        the database that it writes to: half a minute at most.
        """
        started = [*reversed(self.processes.pids())]
        stopped = self.processes.stop(*(one for one in started if one not in SERVERS))
        for name, by in SERVERS.items():
            stopped += self.processes.stop(name, by=by)
        temporary = self.processes.facts.get("temporary")
        if temporary is not None:
            shutil.rmtree(temporary, ignore_errors=True)
        self._variables_file.unlink(missing_ok=True)
        self.processes.end()
        return stopped

    def purge(self) -> list[Path]:
        """Delete what MLflow recorded, and its passwords; returns what there was. Runs stay."""
        return self._mlflow.purge()

    def names_in_shell(self) -> list[str]:
        """Return the variables by which this process's shell names the cluster, before `down`."""
        dashboard = self.processes.facts.get("dashboard")
        if os.environ.get("RAY_ADDRESS") != f"http://127.0.0.1:{dashboard}":
            return []
        return [name for name in self.variables() if os.environ.get(name)]

    def variables(self) -> dict[str, str]:
        """Return the environment of those who use the cluster through its Jobs address."""
        facts = self.processes.facts
        found = {
            "RAY_ADDRESS": f"http://127.0.0.1:{facts['dashboard']}",
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN_PATH": str(self.token),
            "SWEEPS_STORAGE": str(self.storage),
        }
        return found if facts["mlflow"] is None else found | self._mlflow.variables(facts["mlflow"])

    def write_variables(self) -> Path:
        """Write the environment as a file for shells, which holds secrets; returns it."""
        lines = [f"export {name}={shlex.quote(text)}" for name, text in self.variables().items()]
        lines.append("unset RAY_AUTH_TOKEN")
        path = self._variables_file
        path.unlink(missing_ok=True)
        with os.fdopen(
            os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="utf-8"
        ) as file:
            file.write("\n".join([*lines, ""]))
        return path

    def _start(
        self, name: str, options: Sequence[str], cpus: int, dashboard: int | None = None
    ) -> None:
        temporary = Path(self.processes.facts["temporary"]) / name
        # All at once: Ray refuses a node of which two parts have the same port.
        client, http, grpc, metrics = free_ports(4, besides=self._ports())
        if dashboard is not None:
            options = [*options, "--ray-client-server-port", str(client)]
        command = [
            sys.executable, "-m", "ray.scripts.scripts", "start", "--block", *options,
            "--node-name", name, "--num-cpus", str(cpus),
            "--temp-dir", str(temporary), "--disable-usage-stats",
            "--dashboard-agent-listen-port", str(http),
            "--dashboard-agent-grpc-port", str(grpc),
            "--metrics-export-port", str(metrics),
        ]  # fmt: skip

        def is_ready() -> bool:
            has_started = "Ray runtime started" in self.processes.log(name)
            return has_started and (dashboard is None or self._answers(dashboard))

        self.processes.start(name, command, self._environment(), is_ready)

    def _ports(self) -> set[int]:
        """Return the ports that the cluster was given, whether they are in use yet or not."""
        facts = self.processes.facts
        return {facts[name] for name in ("port", "dashboard", "mlflow") if facts[name] is not None}

    def _environment(self) -> dict[str, str]:
        """Return what a node runs in: its jobs' `python` is the first one in the PATH."""
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
        # A token in the shell would count before the file with the cluster's own.
        others = {"RAY_ADDRESS", "RAY_AUTH_TOKEN"}
        own = {key: text for key, text in lenient_environment().items() if key not in others}
        variables = self.variables()
        del variables["RAY_ADDRESS"]
        return own | variables | {"PATH": path, "PYTHONUNBUFFERED": "1"}

    def _answers(self, dashboard: int) -> bool:
        request = urllib.request.Request(
            f"http://127.0.0.1:{dashboard}/api/jobs/",
            headers={"Authorization": f"Bearer {self.token.read_text(encoding='utf-8').strip()}"},
        )
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return False

    def _make_token(self) -> None:
        if self.token.exists():
            return
        with os.fdopen(
            os.open(self.token, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="utf-8"
        ) as file:
            file.write(secrets.token_hex(32))


def _refuse_ports(ports: Mapping[str, int | None]) -> None:
    """Raise ProcessError for a port that is taken, or that cannot be that server's."""
    seen: dict[int, str] = {}
    for name, number in ports.items():
        if number is None:
            continue
        is_rays = number in _WORKER_PORTS
        other = _WORKER_PORTS.stop if is_rays else number + (1 if number < 65535 else -1)
        way_out = f"choose another: {command('cluster', 'up', f'--{name}', str(other))}"
        if number in seen:
            raise ProcessError(
                f"port {number} cannot be used (both --{seen[number]} and --{name} use it); "
                f"{way_out}"
            )
        if is_rays:
            raise ProcessError(
                f"port {number} cannot be used (Ray reserves {_WORKER_PORTS[0]} to "
                f"{_WORKER_PORTS[-1]} for its workers); {way_out}"
            )
        refuse_taken(number, way_out)
        seen[number] = name
