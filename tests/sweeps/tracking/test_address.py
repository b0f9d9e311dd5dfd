"""What can be known of MLflow's address is told before the first trial, and no more than that."""

from __future__ import annotations

import http.server
import socket
import threading
from base64 import b64encode
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

import sweeps
from sweeps.terminal.progress import Display
from sweeps.tracking import address, process
from sweeps.tracking.address import trouble_at
from tests.free_port import free_port
from tests.sweeps.sweep_files import write_sweep


class Server(http.server.ThreadingHTTPServer):
    """Answers everything alike, and keeps who asked."""

    answer = (200, b'{"experiments": []}')

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.authorizations: list[str | None] = []

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.server_address[1]}"


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.authorizations.append(self.headers["Authorization"])
        status, text = self.server.answer
        self.send_response(status)
        if status == 302:
            self.send_header("Location", f"http://localhost:{self.server.server_address[1]}/other")
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *said: Any) -> None:
        """Print nothing."""


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(address, "_PATIENCE_S", 60.0)  # nothing here depends on the machine


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Server]:
    monkeypatch.setenv("HOME", str(tmp_path))  # no account of whoever tests
    for name in ("USERNAME", "PASSWORD", "TOKEN", "AUTH", "AWS_SIGV4"):
        monkeypatch.delenv(f"MLFLOW_TRACKING_{name}", raising=False)
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((401, b"who?"), "MLFLOW_TRACKING_TOKEN"),
        ((403, b"no"), "lacks permission"),
        ((404, b"what?"), "not an MLflow server (404)"),
        ((500, b"ouch"), "answers 500"),
        ((503, b""), "answers 503"),
        ((200, b"<html>nginx</html>"), "not an MLflow server"),
        ((200, b'{"experiments": []}'), ""),
        ((200, b"{}"), ""),
        ((429, b"later"), ""),
        ((302, b""), ""),
    ],
)
def test_what_a_server_answers_is_told_where_it_is_certain(
    server: Server, answer: tuple[int, bytes], said: str
) -> None:
    server.answer = answer
    found = trouble_at(f"http://{server.host}")
    assert said in found
    assert bool(said) == bool(found)
    assert len(server.authorizations) == 1


def test_who_asks_signs_in_as_mlflow_does(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    def basic(account: str) -> str:
        return f"Basic {b64encode(account.encode()).decode()}"

    trouble_at(f"http://{server.host}")
    trouble_at(f"http://me:p%40ss@{server.host}/")
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "abc")
    trouble_at(f"http://{server.host}")
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "sweeps")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "secret")
    trouble_at(f"http://{server.host}")
    expected = [None, basic("me:p@ss"), "Bearer abc", basic("sweeps:secret")]
    assert server.authorizations == expected


def test_a_refusal_is_not_told_where_mlflow_signs_in_by_other_means(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.answer = (401, b"who?")
    monkeypatch.setenv("MLFLOW_TRACKING_AUTH", "kerberos")
    assert trouble_at(f"http://{server.host}") == ""


@pytest.mark.parametrize(
    ("uri", "said"),
    [
        ("ftp://host/path", "ftp:// is not an address for MLflow"),
        ("htttp://host:5000", "htttp:// is not an"),
        ("http://", "names no host"),
        ("http://[host", "not an address"),
        ("http://host:port", "not an address"),
        ("./mlruns", "plain folders"),
        ("file:///tmp/mlruns", "plain folders"),
        ("postgresql+psycopg2://me:secret@127.0.0.1:{port}/mlflow", "connection refused"),
        ("http://127.0.0.1:{port}", "connection refused"),
        ("databricks", ""),
        ("databricks://profile", ""),
        ("sqlite://", ""),
    ],
)
def test_an_address_that_cannot_be_used_is_told(uri: str, said: str) -> None:
    found = trouble_at(uri.format(port=free_port()))
    assert said in found
    assert bool(said) == bool(found)
    assert "secret" not in found


def test_a_host_that_nobody_knows_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def look_up(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    assert "unknown host" in trouble_at("http://mlflow.invalid:5000")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, ""),
        (b"", ""),
        (b"SQLite format 3\0....", ""),
        (b"index,x\n", "not a SQLite database"),
    ],
)
def test_a_file_that_is_no_database_is_told(
    tmp_path: Path, content: bytes | None, said: str
) -> None:
    if content is not None:
        (tmp_path / "mlflow.db").write_bytes(content)
    found = trouble_at(f"sqlite:///{tmp_path}/mlflow.db")
    assert said in found
    assert bool(said) == bool(found)


def test_a_server_that_takes_no_part_costs_a_bounded_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(address, "_PATIENCE_S", 0.1)
    with closing(socket.create_server(("127.0.0.1", 0))) as mute:
        assert "in time" in trouble_at(f"http://127.0.0.1:{mute.getsockname()[1]}")


def test_it_is_told_before_the_first_trial_and_once_as_it_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(process, "PATIENCE_S", 1.0)
    uri = f"http://127.0.0.1:{free_port()}"
    results = sweeps.run(
        write_sweep(tmp_path, search="{method: random, trials: 3}"),
        runs=tmp_path / "runs",
        runner="local",
        tracking_uri=uri,
        display=Display("plain"),
    )
    lines = [one for one in capsys.readouterr().err.splitlines() if "trials" in one or uri in one]
    assert lines[0].startswith(f"note: MLflow at {uri}: connection refused. The sweep is recorded")
    assert f"sync {results.path}" in lines[0]
    assert sum("connection refused" in one for one in lines[1:]) <= 1
    assert results.record.outcomes.total() == 3
