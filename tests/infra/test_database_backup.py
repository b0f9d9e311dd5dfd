"""The lines of docs/cluster.md bring a database back: an empty one, and one that went on."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.free_port import free_port

ROOT = Path(__file__).resolve().parents[2]
SECTION = (ROOT / "docs" / "cluster.md").read_text(encoding="utf-8").partition("## Backups")[2]
DUMP, RESTORE = re.findall(r"^pg_.*$", SECTION, re.MULTILINE)
USER = "postgres" if os.geteuid() == 0 else None


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """A PostgreSQL server with the databases `mlflow` and `empty`, open to this machine."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not programs:
        pytest.skip("Debian's postgresql is not installed")
    data = Path(tempfile.mkdtemp(prefix="backup-", dir="/var/tmp"))
    if USER is not None:
        shutil.chown(data, USER)
    made, found = programs[-1], free_port()
    plain = {"LC_ALL": "C", "PATH": "/usr/bin:/bin"}
    init = [made, "-D", data, "-U", "mlflow", "-A", "trust", "-E", "UTF8"]
    subprocess.run(init, user=USER, cwd="/", env=plain, check=True, capture_output=True)
    control = [made.with_name("pg_ctl"), "-D", data, "-w", "-m", "fast"]
    log = data / "log"
    options = f"-p {found} -c listen_addresses=127.0.0.1 -c unix_socket_directories="
    start = [*control, "-l", log, "-o", options, "start"]
    subprocess.run(start, user=USER, cwd="/", env=plain, check=True, stdout=subprocess.DEVNULL)
    for name in ("mlflow", "empty"):
        ask(found, "postgres", f"create database {name}")
    yield found
    subprocess.run([*control, "stop"], user=USER, cwd="/", env=plain, stdout=subprocess.DEVNULL)
    shutil.rmtree(data)


def address(port: int, name: str) -> str:
    return f"postgresql://mlflow@127.0.0.1:{port}/{name}"


def ask(port: int, name: str, statement: str) -> str:
    command = ["psql", "--no-psqlrc", "-v", "ON_ERROR_STOP=1", "-Atc", statement]
    done = subprocess.run([*command, address(port, name)], capture_output=True, check=True)
    return done.stdout.decode().strip()


def typed(line: str, port: int, name: str, folder: Path) -> None:
    environment = {**os.environ, "DATABASE": address(port, name)}
    subprocess.run(line, shell=True, check=True, env=environment, cwd=folder)


def test_the_lines_bring_back_what_was_there_and_nothing_else(port: int, tmp_path: Path) -> None:
    ask(port, "mlflow", "create table runs(id int primary key, note text)")
    ask(port, "mlflow", "insert into runs values (1, 'the good one')")
    typed(DUMP, port, "mlflow", tmp_path)
    ask(port, "mlflow", "update runs set note = 'spoilt'")
    ask(port, "mlflow", "insert into runs values (2, 'later')")
    for name in ("empty", "mlflow"):
        typed(RESTORE, port, name, tmp_path)
        assert ask(port, name, "select id || ' ' || note from runs") == "1 the good one"
