"""What answers at a Jobs address, and what does not: said in words, in time, without a password."""

from __future__ import annotations

import json
import logging
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from sweeps.infra import jobs
from sweeps.infra.jobs import Jobs, JobsError
from tests.free_port import free_port

pytestmark = [
    pytest.mark.timeout(60),
    pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning"),
]


class Server(HTTPServer):
    """Answers every question with one status and text, after `silent_after` questions with none."""

    silent_after = 1000

    def __init__(self, status: int, text: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.status, self.text, self.asked = status, text, 0

    @property
    def address(self) -> str:
        return f"http://ann:s3cr3t@127.0.0.1:{self.server_port}"

    def handle_error(self, *arguments: Any) -> None:
        return


class _Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.asked += 1
        if self.server.asked > self.server.silent_after:
            self.rfile.read(1)  # until the other side goes
            return
        self.send_response(self.server.status)
        self.end_headers()
        self.wfile.write(self.server.text.encode())

    def log_message(self, *arguments: Any) -> None:
        return


@contextmanager
def answering(status: int, text: str) -> Iterator[Server]:
    with Server(status, text) as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def mute() -> Iterator[int]:
    """Give the port of something that accepts and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture(autouse=True)
def _in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "_GREETING_S", 1.0, raising=False)
    monkeypatch.setattr(jobs, "_ANSWER_S", 1.0, raising=False)


def refusal(address: str) -> str:
    with pytest.raises(JobsError) as caught:
        Jobs(address)
    assert "s3cr3t" not in str(caught.value)
    return str(caught.value)


def test_what_never_answers_is_not_waited_for(mute: int) -> None:
    said = refusal(f"http://ann:s3cr3t@127.0.0.1:{mute}")
    assert said.startswith(f"RAY_ADDRESS=http://ann:***@127.0.0.1:{mute}: no answer in 1 s")
    assert "port 8265" in said


def test_a_cluster_that_falls_silent_later_is_not_waited_for() -> None:
    version = json.dumps({"ray_version": "2.60.0", "version": "4"})
    with answering(200, version) as server:
        server.silent_after = 2
        client = Jobs(server.address)
        with pytest.raises(JobsError, match=r"ann:\*\*\*@127.0.0.1:\d+: no answer in 1 s"):
            client.list()


def test_nobody_at_the_address() -> None:
    assert "nothing answers there" in refusal(f"http://ann:s3cr3t@127.0.0.1:{free_port()}")


@pytest.mark.parametrize(
    ("status", "text"),
    [(200, "<html>hello</html>"), (200, "[]"), (200, "{}"), (404, "no such page")],
)
def test_a_server_that_is_not_ray_is_said_plainly(status: int, text: str) -> None:
    with answering(status, text) as server:
        said = refusal(server.address)
    assert "the server there is not Ray's Jobs API" in said
    assert "port 8265" in said


def test_what_does_not_speak_http_is_not_ray() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def greet() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")

        thread = Thread(target=greet, daemon=True)
        thread.start()
        said = refusal(f"http://127.0.0.1:{server.getsockname()[1]}")
        thread.join(10)
    assert "the server there is not Ray's Jobs API" in said


def test_a_server_that_speaks_no_tls_is_not_ray_behind_https() -> None:
    with answering(200, "{}") as server:
        said = refusal(server.address.replace("http:", "https:"))
    assert "the server there is not Ray's Jobs API" in said


def test_a_server_that_fails_is_quoted_without_the_password() -> None:
    with answering(502, "bad gateway") as server:
        said = refusal(server.address)
    assert "502 Server Error: Bad Gateway" in said


@pytest.mark.parametrize("status", [401, 403])
def test_a_token_that_is_missing_is_asked_for(status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RAY_AUTH_MODE", raising=False)
    with answering(status, "Unauthorized: missing token") as server:
        said = refusal(server.address)
    assert said.endswith(
        f":{server.server_port}: the cluster requires a token, and none was sent: set "
        f"RAY_AUTH_MODE=token, and RAY_AUTH_TOKEN_PATH to the file that holds it"
    )


@pytest.mark.parametrize(
    ("token", "named"),
    [({"RAY_AUTH_TOKEN": "s3cr3t"}, "in RAY_AUTH_TOKEN"), ({}, "in {path} (RAY_AUTH_TOKEN_PATH)")],
)
def test_a_wrong_token_is_named_and_no_other_is_proposed(
    token: dict[str, str], named: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "token"
    path.write_text("s3cr3t")
    monkeypatch.delenv("RAY_AUTH_TOKEN", raising=False)
    settings = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": str(path), **token}
    for name, text in settings.items():
        monkeypatch.setenv(name, text)
    with answering(403, "Forbidden: invalid token; run `ray get-auth-token --generate`") as server:
        said = refusal(server.address)
    assert f"the cluster refuses the token {named.format(path=path)}: ask its administrator" in said
    assert said.endswith("started with `cluster up` is in .cluster/token")
    assert "generate" not in said


def test_nobody_at_the_address_names_the_way_back_to_this_machine() -> None:
    said = refusal(f"http://127.0.0.1:{free_port()}")
    assert said.endswith("or unset RAY_ADDRESS to train on this machine")


def test_ray_announces_no_uploads() -> None:
    with answering(200, json.dumps({"ray_version": "2.60.0"})) as server:
        Jobs(server.address)
    for name in ("ray", "ray.dashboard.modules.dashboard_sdk"):
        assert not logging.getLogger(name).isEnabledFor(logging.INFO)
