"""An MLflow server with passwords on PostgreSQL, on this machine, for a cluster to try.

Its data stays when it is stopped: the database beside the folder's other files, and artifacts,
which clients reach through the server alone.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path

from sweeps.infra.command_line import command
from sweeps.infra.local.folder import down_command
from sweeps.infra.local.processes import ProcessError, Processes
from sweeps.infra.sqlite_uri import uri_of
from sweeps.infra.strict_warnings import lenient_environment

__all__ = ["SERVERS", "LocalMlflow", "account_settings"]

# The order in which they end, and how each is asked to: PostgreSQL waits for clients after SIGTERM.
SERVERS = {"mlflow": signal.SIGTERM, "postgres": signal.SIGINT}

_DATABASE = "mlflow"
_ADMIN = "admin"
_RECORDER = "sweeps"  # whom trials record as: they run anybody's code
_API = "api/2.0/mlflow/users"


class LocalMlflow:
    """PostgreSQL and MLflow's server, bound to the loopback interface.

    Args:
        folder: For passwords, logs and artifacts.
        processes: Starts them as `postgres` and `mlflow`.
    """

    def __init__(self, folder: Path, processes: Processes) -> None:
        self._folder = folder / "mlflow"
        self._secrets = folder / "secrets.json"
        self._processes = processes

    def up(self, *, port: int, database_port: int) -> None:
        """Start both, and wait until they answer.

        Raises:
            ProcessError: PostgreSQL is not installed, or one of them does not start.
        """
        self.start_database(database_port)
        self.start_server(port=port, database_port=database_port)

    def variables(self, port: int) -> dict[str, str]:
        """Return the environment of those who record in it."""
        return {
            "MLFLOW_TRACKING_URI": f"http://127.0.0.1:{port}",
            "MLFLOW_TRACKING_USERNAME": _RECORDER,
            "MLFLOW_TRACKING_PASSWORD": self._passwords()[_RECORDER],
        }

    def start_database(self, port: int) -> None:
        """Start PostgreSQL alone; raises ProcessError as `up`."""
        programs = _postgres_programs()
        self._folder.mkdir(exist_ok=True)
        user, data = _postgres_user(), self.data
        if not (data / "PG_VERSION").exists():
            self._make_database(programs, data, user)
        elif not self._secrets.exists():
            raise ProcessError(
                f"{data} holds a database whose password was in {self._secrets}, which is missing: "
                f"restore that file, or delete the database with all that was recorded: "
                f"{down_command(self._folder.parent, '--purge')}"
            )
        command = [str(programs / "postgres"), "-D", str(data), "-p", str(port)]
        command += ["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="]
        self._processes.start(
            "postgres", command, {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C"},
            lambda: self._has_database(port), user,
        )  # fmt: skip

    @property
    def data(self) -> Path:
        """The database's folder; outside of the other where root's folders are shut to its user."""
        if _postgres_user() is None:
            return self._folder / "postgres"
        name = hashlib.sha256(str(self._folder).encode()).hexdigest()[:12]
        return Path("/var/tmp") / f"sweeps-postgres-{name}"

    def purge(self) -> list[Path]:
        """Delete database, artifacts, accounts and passwords; returns what there was."""
        found = [path for path in (self.data, self._folder, self._secrets) if path.exists()]
        for path in found:
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
        return found

    def _make_database(self, programs: Path, data: Path, user: str | None) -> None:
        shutil.rmtree(data, ignore_errors=True)
        data.mkdir(mode=0o700)
        password = data.with_name(f"{data.name}.password")
        password.unlink(missing_ok=True)
        with os.fdopen(
            os.open(password, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8"
        ) as file:
            file.write(self._passwords()["database"])
        if user is not None:
            shutil.chown(data, user)
            shutil.chown(password, user)
        command = [str(programs / "initdb"), "-D", str(data), "-U", _DATABASE, "-A"]
        command += ["scram-sha-256", f"--pwfile={password}", "-E", "UTF8"]
        environment = {"LC_ALL": "C", "PATH": "/usr/bin:/bin"}
        done = subprocess.run(command, capture_output=True, user=user, cwd="/", env=environment)
        password.unlink()
        if done.returncode:
            shutil.rmtree(data, ignore_errors=True)
            raise ProcessError(f"initdb failed: {done.stderr.decode(errors='replace').strip()}")

    def _has_database(self, port: int) -> bool:
        import psycopg

        try:
            with psycopg.connect(
                host="127.0.0.1", port=port, user=_DATABASE, dbname="postgres", autocommit=True,
                password=self._passwords()["database"], connect_timeout=5,
            ) as connection:  # fmt: skip
                found = connection.execute(
                    "select 1 from pg_database where datname = %s", [_DATABASE]
                ).fetchone()
                if found is None:
                    connection.execute(f"create database {_DATABASE}")
        except psycopg.OperationalError:
            return False
        return True

    def start_server(self, *, port: int, database_port: int) -> None:
        """Start MLflow alone, on a database that runs; raises ProcessError as `up`."""
        passwords = self._passwords()
        accounts = self._folder / "accounts.ini"
        accounts.write_text(account_settings(self._folder / "accounts.db"), encoding="utf-8")
        store = f"postgresql+psycopg://{_DATABASE}:{passwords['database']}"
        environment = {
            **lenient_environment(),
            # Not on the command line, which all users of a machine may read.
            "MLFLOW_BACKEND_STORE_URI": f"{store}@127.0.0.1:{database_port}/{_DATABASE}",
            "MLFLOW_AUTH_CONFIG_PATH": str(accounts),
            "MLFLOW_AUTH_ADMIN_PASSWORD": passwords["admin"],
            "MLFLOW_FLASK_SERVER_SECRET_KEY": passwords["cookies"],
            "MLFLOW_DISABLE_TELEMETRY": "true",
        }
        environment.pop("MLFLOW_TRACKING_URI", None)
        command = [
            sys.executable, "-m", "mlflow", "server", "--app-name", "basic-auth",
            "--artifacts-destination", str(self._folder / "artifacts"), "--serve-artifacts",
            "--host", "127.0.0.1", "--port", str(port), "--workers", "1",
        ]  # fmt: skip
        self._processes.start("mlflow", command, environment, lambda: _answers(port))
        self._make_recorder(port)

    def _make_recorder(self, port: int) -> None:
        """Make the account that trials record as, or give it the password that is written here."""
        account = {"username": _RECORDER, "password": self._passwords()[_RECORDER]}
        try:
            self._ask("POST", f"http://127.0.0.1:{port}/{_API}/create", account)
        except urllib.error.HTTPError as err:
            with err:
                said = err.read().decode(errors="replace")
            if "RESOURCE_ALREADY_EXISTS" not in said:
                raise ProcessError(
                    f"MLflow did not create the account {_RECORDER!r} ({err.code}): its "
                    f"administrator's password must be that in {self._secrets}. Restore that file "
                    f"from a backup"
                ) from err
            self._ask("PATCH", f"http://127.0.0.1:{port}/{_API}/update-password", account)

    def _ask(self, method: str, url: str, account: Mapping[str, str]) -> None:
        pair = base64.b64encode(f"{_ADMIN}:{self._passwords()['admin']}".encode()).decode()
        headers = {"Authorization": f"Basic {pair}", "Content-Type": "application/json"}
        request = urllib.request.Request(url, json.dumps(account).encode(), headers, method=method)
        with urllib.request.urlopen(request, timeout=60):
            pass

    def _passwords(self) -> Mapping[str, str]:
        """Return the passwords, each made once; only their owner may read the file."""
        found: dict[str, str] = {}
        if self._secrets.exists():
            found = json.loads(self._secrets.read_bytes())
        missing = {"database", "admin", "cookies", _RECORDER} - found.keys()
        if missing:
            found |= {name: secrets.token_urlsafe(24) for name in missing}
            new = self._secrets.with_suffix(".new")
            new.unlink(missing_ok=True)
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
            with os.fdopen(os.open(new, flags, 0o600), "w", encoding="utf-8") as file:
                json.dump(found, file)
            new.replace(self._secrets)
        return found


def account_settings(database: Path) -> str:
    """Return the text of the file by which MLflow finds its accounts in a SQLite database.

    MLflow reads it with configparser, which takes `%` for the begin of a reference: it is doubled.
    """
    uri = uri_of(database).replace("%", "%%")
    return (
        "[mlflow]\n"
        "default_permission = READ\n"
        f"database_uri = {uri}\n"
        f"admin_username = {_ADMIN}\n"
        "auth_cache_ttl_seconds = 60\n"
        "authorization_function = mlflow.server.auth:authenticate_request_basic_auth\n"
    )


def _postgres_user() -> str | None:
    """Return whom PostgreSQL, which refuses root, runs as; None for the one who starts it."""
    return "postgres" if os.geteuid() == 0 else None


def _postgres_programs() -> Path:
    """Return the folder of PostgreSQL's programs: Debian keeps them out of the PATH."""
    found = shutil.which("initdb")
    if found is not None:
        return Path(found).resolve().parent
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not versions:
        raise ProcessError(
            "PostgreSQL's server is not installed (Debian: apt install postgresql); install it, "
            f"or start the cluster without MLflow: {command('cluster', 'up', '--no-mlflow')}"
        )
    return versions[-1].parent


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False
