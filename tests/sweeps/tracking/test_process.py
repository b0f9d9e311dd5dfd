"""The tracker is a process of its own: nothing that befalls it or its server reaches training."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

import sweeps
from sweeps.errors import RefusedRecordError
from sweeps.findings.results import Results
from sweeps.tracking import process
from sweeps.tracking.follower import Closing, follow
from sweeps.tracking.mlflow.tracker import MlflowTracker
from sweeps.tracking.process import LOG_FILE, TrackingProcess
from tests.free_port import free_port
from tests.mlflow_server import MlflowServer
from tests.sweeps.drivers import is_alive, wait_for
from tests.sweeps.sweep_files import custom_model, own_net, space, write_sweep
from tests.sweeps.tracking.mlflow.test_projection import Record, store

ROOT = Path(__file__).resolve().parents[3]
pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning"
)


def trackers_of(driver: subprocess.Popen[str]) -> list[int]:
    """The processes that a driver started to record it; others of its children are not meant."""
    found = []
    for child in psutil.Process(driver.pid).children():
        with suppress(psutil.Error):  # it ended just now
            if "sync" in child.cmdline():
                found.append(child.pid)
    return found


def command(*arguments: str, uri: str, cwd: Path = ROOT) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "sweeps", *arguments],
        cwd=cwd,
        env={**os.environ, "MLFLOW_TRACKING_URI": uri},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def status(run: Path) -> dict[str, Any]:
    try:
        return dict(json.loads((run / "tracking.json").read_bytes()))
    except FileNotFoundError:
        return {}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[MlflowServer]:
    server = MlflowServer(tmp_path / "server")
    server.start()
    yield server
    server.kill()


def test_a_tracker_killed_midway_is_completed_by_sync(tmp_path: Path) -> None:
    path = write_sweep(tmp_path, search="{method: random, trials: 12}")
    results = sweeps.run(path, runs=tmp_path / "runs", runner="local", tracking_uri="none")
    tracker = command("sync", str(results.path), uri=store(tmp_path))
    wait_for(lambda: status(results.path).get("recorded", 0) >= 3)
    tracker.kill()
    tracker.communicate()
    left = Record(store(tmp_path)).count
    sweeps.sync(results.path, tracking_uri=store(tmp_path))
    record = Record(store(tmp_path))
    assert left <= record.count == 13
    assert [len(record.curve(trial, "dev/loss")) for trial in range(12)] == [9] * 12


@pytest.mark.parametrize("kill", ["at once", "when it records"])
def test_the_tracker_of_a_killed_driver_ends_by_itself(tmp_path: Path, kill: str) -> None:
    module = f"endless_{kill.replace(' ', '_')}"
    target = own_net(tmp_path, module, "        time.sleep(0.05)\n")
    path = write_sweep(tmp_path, space=space(custom_model(target), epochs=900))
    runs = tmp_path / "runs"
    driver = command("run", str(path), "--local", "--runs", str(runs), uri=store(tmp_path))
    log = runs / "blobs" / "tracking.log"
    wait_for(lambda: log.exists() and trackers_of(driver))
    if kill == "when it records":
        wait_for(lambda: "MLflow" in log.read_text())
    [tracker] = trackers_of(driver)
    driver.kill()
    driver.communicate()
    wait_for(lambda: not is_alive(tracker))
    assert "Traceback" not in log.read_text()


def test_a_server_that_hangs_neither_slows_nor_loses_anything(
    tmp_path: Path, server: MlflowServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "PATIENCE_S", 3.0)
    path = write_sweep(tmp_path, search="{method: random, trials: 3}")
    server.signal(signal.SIGSTOP)
    results = sweeps.run(path, runs=tmp_path / "runs", runner="local", tracking_uri=server.uri)
    server.signal(signal.SIGCONT)
    assert results.missing_in_mlflow != ""

    def is_complete() -> bool:
        """Synchronise: the server may still answer what the sweep has given up."""
        sweeps.sync(results.path, tracking_uri=server.uri)
        try:
            record = Record(server.uri)
            curves = [len(record.curve(trial, "dev/loss")) for trial in range(3)]
        except (KeyError, ValueError):
            return False
        return record.count == 4 and curves == [9, 9, 9]

    wait_for(is_complete)


def test_what_makes_errors_of_warnings_keeps_mlflow_from_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_sweep(tmp_path, search="{method: random, trials: 1}", space=space(epochs=2))
    run = sweeps.run(path, runs=tmp_path / "runs", runner="local", tracking_uri="none").path
    monkeypatch.setenv("PYTHONWARNINGS", "error")
    process = command("sync", str(run), uri=f"sqlite:///{tmp_path}/mlflow.db")
    _, messages = process.communicate(timeout=120)
    assert (process.returncode, messages) == (0, "")


def test_a_password_in_the_uri_is_printed_nowhere(tmp_path: Path) -> None:
    path = write_sweep(tmp_path, search="{method: random, trials: 1}")
    results = sweeps.run(path, runs=tmp_path / "runs", runner="local", tracking_uri="none")
    tried = command("sync", str(results.path), uri="http://ann:s3cret@127.0.0.1:9")
    out, err = tried.communicate()
    assert tried.returncode != 0
    assert "http://ann:***@127.0.0.1:9" in err
    assert "s3cret" not in out + err


def test_the_log_of_the_tracker_has_json_lines_with_the_sweeps_identity(tmp_path: Path) -> None:
    path = write_sweep(tmp_path, search="{method: random, trials: 2}")
    runs, uri = tmp_path / "runs", store(tmp_path)
    results = sweeps.run(path, runs=runs, runner="local", tracking_uri=uri)
    lines = [json.loads(line) for line in (results.path / LOG_FILE).read_text().splitlines()]
    assert {line["id"] for line in lines} == {results.folder.read_description().id}
    assert [(line["level"], line["message"]) for line in lines] == [
        ("info", f"recording in MLflow at {uri}"),
        ("info", "2 ended trials are recorded"),
    ]


def test_a_server_that_is_away_is_one_line_of_the_log_without_the_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "PATIENCE_S", 6.0)
    path = write_sweep(tmp_path, search="{method: random, trials: 2}")
    uri = f"http://ann:s3cret@127.0.0.1:{free_port()}"
    results = sweeps.run(path, runs=tmp_path / "runs", runner="local", tracking_uri=uri)
    text = (results.path / LOG_FILE).read_text()
    warnings = [line for line in map(json.loads, text.splitlines()) if line["level"] == "warning"]
    assert len(warnings) == 1
    assert "connection refused" in warnings[0]["message"]
    logs = text + (results.path / "log.jsonl").read_text()
    assert "ann:***@" in logs
    assert "s3cret" not in logs


class Retrying(TrackingProcess):
    """A tracker that goes through its stages again and again, and never comes to an end."""

    def __init__(self, uri: str = "http://127.0.0.1:9") -> None:
        self._uri = uri
        self._process: Any = self
        self._moment = 0

    def poll(self) -> int | None:
        return None

    def status(self) -> dict[str, Any]:
        self._moment += 1
        stage = ("trials", "sweep", "model")[self._moment // 10 % 3]
        error = "MLflow refuses" if stage == "trials" else ""
        return {"recorded": 2, "recorded_in": {}, "stage": stage, "error": error}


class Clock:
    """The time of a process that does nothing but wait."""

    def __init__(self) -> None:
        self._now_s = 0.0

    def monotonic(self) -> float:
        return self._now_s

    def sleep(self, seconds: float) -> None:
        self._now_s += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    one = Clock()
    monkeypatch.setattr(process, "time", one)
    return one


def test_a_tracker_that_repeats_its_stages_makes_no_progress(clock: Clock) -> None:
    Retrying().finish(must_stop=lambda: clock.monotonic() > 100)
    # All of its stages come within half a minute of 0.6 s, and what it does then was done before.
    assert process.PATIENCE_S < clock.monotonic() < process.PATIENCE_S + 2


class Slow(Retrying):
    """A tracker that is done when it was looked at thirty times, and says the same until then."""

    def __init__(self, uri: str, said: dict[str, Any]) -> None:
        super().__init__(uri)
        self._said = said

    def poll(self) -> int | None:
        self._moment += 1
        return 0 if self._moment > 30 else None

    def status(self) -> dict[str, Any]:
        return self._said


@pytest.mark.parametrize(
    ("uri", "said", "is_waited_for"),
    [
        pytest.param("http://127.0.0.1:9", {}, True, id="starting"),
        pytest.param("sqlite:///mlflow.db", {"stage": "trials"}, True, id="a store in a file"),
        pytest.param("sqlite:///x.db", {"stage": "trials", "error": "locked"}, False, id="error"),
        pytest.param("http://127.0.0.1:9", {"stage": "trials"}, False, id="no answer"),
    ],
)
def test_only_a_server_that_does_not_answer_is_given_up_soon(
    uri: str, said: dict[str, Any], is_waited_for: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "PATIENCE_S", 0.0)
    tracker = Slow(uri, said)
    tracker.finish()
    assert tracker.is_complete == is_waited_for


def test_the_wait_for_a_tracker_ends_when_it_must(clock: Clock) -> None:
    Retrying().finish(must_stop=lambda: clock.monotonic() > 0.3)
    assert clock.monotonic() == pytest.approx(0.32)


@pytest.fixture(scope="module")
def on_disk(tmp_path_factory: pytest.TempPathFactory) -> Results:
    folder = tmp_path_factory.mktemp("on_disk")
    path = write_sweep(folder, search="{method: random, trials: 1}")
    return sweeps.run(path, runs=folder / "runs", runner="local", tracking_uri="none")


def test_a_tracker_ends_with_what_mlflow_refuses_for_good(
    on_disk: Results, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries = []

    def refuse(*arguments: Any) -> None:
        tries.append(arguments)
        raise RefusedRecordError("MLflow: the signature does not match")

    monkeypatch.setattr(MlflowTracker, "record_model", refuse)
    closing = Closing(lambda folder: {}, lambda folder: None)
    with pytest.raises(RefusedRecordError, match="does not match"):
        follow(on_disk.folder, store(tmp_path), lambda: True, closing)
    assert len(tries) == 2
    assert status(on_disk.path)["error"] == "MLflow: the signature does not match"
