"""Notices reach a receiver and a command, and never show the address, which may be a secret."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

import sweeps
from sweeps.errors import RunFolderError
from sweeps.infra.notify import notify
from sweeps.infra.settings import read_settings
from sweeps.record.run_log import LOG_FILE
from sweeps.terminal.progress import Display
from tests.free_port import free_port
from tests.sweeps.drivers import driver, events, wait_for
from tests.sweeps.sweep_files import custom_model, own_net, space, write_sweep


class Receiver(HTTPServer):
    """Keeps what is posted to it, and answers with `status`."""

    status = 200

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.received: list[dict[str, Any]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/hooks/s3cret"


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        assert self.headers["Content-Type"] == "application/json"
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.received.append(json.loads(body))
        self.send_response(self.server.status)
        self.send_header("Location", f"{self.server.url}/elsewhere")
        self.end_headers()

    def log_message(self, *arguments: Any) -> None:
        return


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    with Receiver() as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        monkeypatch.setenv("SWEEPS_NOTIFY_URL", server.url)
        yield server
        server.shutdown()
        thread.join()


def run(path: Path, **options: Any) -> sweeps.Results:
    runs = path.parent / "runs"
    return sweeps.run(path, runs=runs, runner="local", tracking_uri="none", **options)


def test_the_end_of_a_sweep_is_told_once(receiver: Receiver, tmp_path: Path) -> None:
    results = run(write_sweep(tmp_path))
    [notice] = receiver.received
    assert (notice["event"], notice["sweep"]) == ("ended", "blobs")
    assert notice["outcomes"] == {"completed": 6}
    best = results.record.ranked()[0]
    assert notice["best"] == {"trial": best.trial.index, "value": results.record.value(best)}
    assert notice["text"].startswith("blobs: ended; 6/6 trials (6 completed) | best dev_loss")
    sweeps.resume(results.path, runner="local", tracking_uri="none")
    assert len(receiver.received) == 1


def test_a_target_that_is_reached_is_told(receiver: Receiver, tmp_path: Path) -> None:
    run(write_sweep(tmp_path, budget="{target: 100.0}"))
    [notice] = receiver.received
    assert notice["event"] == "target"
    assert notice["reason"] == "budget.target = 100 is reached"


def test_a_session_that_cannot_be_held_is_told(receiver: Receiver, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("a,kind\n" + "1,x\n2,y\n" * 30)
    results = run(write_sweep(tmp_path, data="{source: rows.csv, target: kind}"))
    (tmp_path / "rows.csv").write_text("a,kind\n" + "1,x\n3,y\n" * 30)
    with pytest.raises(RunFolderError):
        sweeps.extend(results.path, 1, runner="local", tracking_uri="none")
    assert [notice["event"] for notice in receiver.received] == ["ended", "failed"]
    assert "the data rows.csv changed" in receiver.received[1]["reason"]


def test_a_receiver_that_refuses_costs_no_sweep_and_stays_unnamed(
    receiver: Receiver, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    receiver.status = 500
    results = run(write_sweep(tmp_path), display=Display("plain"))
    assert results.is_finished
    said = capsys.readouterr().err
    assert "the notification was not sent: SWEEPS_NOTIFY_URL answered 500" in said
    assert "s3cret" not in said


@pytest.mark.parametrize(
    ("status", "level", "message"),
    [
        (200, "info", "the notification was sent: ended"),
        (500, "warning", "the notification was not sent: SWEEPS_NOTIFY_URL answered 500"),
    ],
)
def test_the_log_says_what_became_of_the_notice(
    receiver: Receiver, tmp_path: Path, status: int, level: str, message: str
) -> None:
    receiver.status = status
    text = (run(write_sweep(tmp_path)).path / LOG_FILE).read_text()
    last = json.loads(text.splitlines()[-1])
    assert (last["level"], last["message"]) == (level, message)
    assert "s3cret" not in text


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_notice_follows_no_redirect(receiver: Receiver, status: int) -> None:
    receiver.status = status
    [problem] = notify(read_settings(), {"event": "end"})
    assert (
        problem
        == f"SWEEPS_NOTIFY_URL answered {status}: set it to the address that it redirects to"
    )
    assert receiver.received == [{"event": "end"}]


def test_nobody_at_the_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWEEPS_NOTIFY_URL", f"http://127.0.0.1:{free_port()}/s3cret")
    [problem] = notify(read_settings(), {})
    assert problem.startswith("SWEEPS_NOTIFY_URL could not be reached")
    assert "s3cret" not in problem


@pytest.fixture
def babbler() -> Iterator[int]:
    """Give the port of a server that answers what is not HTTP."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b"220 mail.example.org ready\r\n\r\n")

        thread = Thread(target=answer, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        thread.join(10)


def test_a_receiver_that_does_not_speak_http_costs_no_sweep(
    babbler: int,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("SWEEPS_NOTIFY_URL", f"http://127.0.0.1:{babbler}/s3cret")
    assert run(write_sweep(tmp_path), display=Display("plain")).is_finished
    said = capsys.readouterr().err
    assert "was not sent: SWEEPS_NOTIFY_URL could not be reached: BadStatusLine" in said
    assert "s3cret" not in said


def test_an_address_that_cannot_be_asked_is_a_problem_without_its_secret(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SWEEPS_NOTIFY_URL", "http://127.0.0.1/hooks/s3cret with a space")
    [problem] = notify(read_settings(), {})
    assert problem == "SWEEPS_NOTIFY_URL could not be reached: InvalidURL"


def test_a_command_gets_the_notice_and_its_failure_is_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SWEEPS_NOTIFY_COMMAND", f"cat > {tmp_path}/notice.json")
    assert notify(read_settings(), {"event": "ended"}) == []
    assert json.loads((tmp_path / "notice.json").read_text()) == {"event": "ended"}
    monkeypatch.setenv("SWEEPS_NOTIFY_COMMAND", "echo no such room >&2; exit 3")
    assert notify(read_settings(), {}) == ["SWEEPS_NOTIFY_COMMAND exited with code 3: no such room"]


def test_a_sweep_of_failures_is_told_with_its_reason(receiver: Receiver, tmp_path: Path) -> None:
    body = "        if self.calls > 1: raise RuntimeError('broken on purpose')"
    target = own_net(tmp_path, "told_broken", body)
    models = ", ".join(custom_model(target, number) for number in range(4))
    path = write_sweep(
        tmp_path,
        search="{method: grid}",
        trial="{retries: 0}",
        budget="{max_failures: 1}",
        space=space(f"{{choice: [{models}]}}", "{kind: adam}"),
    )
    run(path)
    [notice] = receiver.received
    assert notice["best"] is None
    assert notice["event"] == "failed"
    assert "2 trials failed; budget.max_failures = 1" in notice["text"]


def test_a_driver_that_is_killed_is_told_of_by_its_tracker(
    receiver: Receiver, tmp_path: Path
) -> None:
    target = own_net(tmp_path, "net_of_killed_driver", "        time.sleep(0.05)\n")
    path = write_sweep(tmp_path, space=space(custom_model(target), epochs=900))
    store = {"MLFLOW_TRACKING_URI": f"sqlite:///{tmp_path / 'mlflow.db'}"}
    runs = tmp_path / "runs"
    with driver("run", path, "--local", "--runs", runs, **store) as one:
        wait_for(lambda: events(runs / "blobs", "started"))
        one.process.kill()
        wait_for(lambda: receiver.received)
    [notice] = receiver.received
    assert notice["event"] == "failed"
    assert "its driver is gone; resume the sweep" in notice["text"]
