"""Processes that are written down: known again after the clock was set, and never mixed up."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from sweeps.infra.local import processes as module
from sweeps.infra.local.processes import ProcessError, Processes, free_ports

SLEEP = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(300)"]


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Processes]:
    one = Processes(tmp_path)
    one.begin({})
    one.start("sleeper", SLEEP, os.environ, lambda: "up" in one.log("sleeper"))
    pid = one.pids()["sleeper"]
    yield one
    if psutil.pid_exists(pid):
        one.kill("sleeper")


def test_a_process_is_known_after_the_clock_was_set(
    processes: Processes, monkeypatch: pytest.MonkeyPatch
) -> None:
    created = psutil.Process.create_time
    monkeypatch.setattr(psutil.Process, "create_time", lambda self: created(self) + 3600)
    assert processes.is_alive("sleeper")
    assert processes.stop("sleeper") == ["sleeper"]
    assert processes.pids() == {}


def test_a_number_that_is_another_process_by_now_is_not_stopped(
    processes: Processes, tmp_path: Path
) -> None:
    path = tmp_path / "state.json"
    state = json.loads(path.read_text())
    state["processes"]["other"] = [os.getpid(), state["processes"]["sleeper"][1]]
    path.write_text(json.dumps(state))
    assert not processes.is_alive("other")
    assert not processes.stop("other")
    assert processes.stop("sleeper")


# Ends well only where it hears of the other's signal before its own time is over.
PAIRED = """
import pathlib, signal, sys, time
own, other = map(pathlib.Path, sys.argv[1:])
def end(*_):
    own.touch()
    while not other.exists():
        time.sleep(0.02)
    own.write_text("both were asked")
    sys.exit()
signal.signal(signal.SIGTERM, end)
print("up", flush=True)
time.sleep(300)
"""


def test_processes_are_asked_to_end_all_at_once(processes: Processes, tmp_path: Path) -> None:
    files = [tmp_path / "first", tmp_path / "second"]
    for own, other in (files, reversed(files)):
        name = own.name
        command = [sys.executable, "-c", PAIRED, str(own), str(other)]
        processes.start(name, command, os.environ, lambda name=name: "up" in processes.log(name))
    assert processes.stop("first", "second", "sleeper", "unknown") == ["first", "second", "sleeper"]
    assert [one.read_text() for one in files] == ["both were asked"] * 2


def test_a_process_that_does_not_end_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_STOPPED_WITHIN_S", 0.2)
    said: list[str] = []
    one = Processes(tmp_path, said.append)
    one.begin({})
    deaf = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {SLEEP[-1]}"
    command = [sys.executable, "-c", deaf]
    one.start("deaf", command, os.environ, lambda: "up" in one.log("deaf"))
    pid = one.pids()["deaf"]
    assert one.stop("deaf") == ["deaf"]
    assert not psutil.pid_exists(pid)
    assert said == ["starting deaf", "stopping deaf"]


def test_a_process_that_was_killed_is_not_alive(processes: Processes) -> None:
    os.kill(processes.pids()["sleeper"], signal.SIGKILL)
    os.waitid(os.P_PID, processes.pids()["sleeper"], os.WEXITED | os.WNOWAIT)
    assert not processes.stop("sleeper")


def test_where_there_is_no_proc_the_creation_time_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sweeps.infra.local.processes._PROC", tmp_path / "proc")
    one = Processes(tmp_path)
    one.begin({})
    one.start("sleeper", SLEEP, os.environ, lambda: "up" in one.log("sleeper"))
    assert one.is_alive("sleeper")
    assert one.stop("sleeper")


def test_what_does_not_start_is_told_by_its_last_line_and_its_log(tmp_path: Path) -> None:
    said: list[str] = []
    one = Processes(tmp_path, said.append)
    one.begin({})
    raises = [sys.executable, "-c", "raise ValueError('port 12000 is for workers')"]
    with pytest.raises(ProcessError) as caught:
        one.start("head", raises, os.environ, lambda: False)
    assert str(caught.value) == (
        f"head did not start: ValueError: port 12000 is for workers; its whole log is in "
        f"{tmp_path / 'head.log'}"
    )
    assert said == ["starting head"]
    assert not one.stop("head")


CLIENTS = Path("/proc/sys/net/ipv4/ip_local_port_range")


@pytest.mark.skipif(not CLIENTS.exists(), reason="asks Linux which ports it gives to clients")
def test_a_free_port_is_none_that_a_client_may_be_given_meanwhile() -> None:
    first, last = map(int, CLIENTS.read_text(encoding="utf-8").split())
    if first < 32768:
        pytest.skip("clients of this machine are given more ports than Linux gives by default")
    assert not {*free_ports(200)} & {*range(first, last + 1)}


def test_a_port_on_which_somebody_listens_is_not_free(monkeypatch: pytest.MonkeyPatch) -> None:
    (port,) = free_ports(1)
    monkeypatch.setattr(module, "_SERVER_PORTS", range(port, port + 1))
    assert free_ports(1) == [port]
    with (
        socket.create_server(("127.0.0.1", port)),
        pytest.raises(
            ProcessError, match=rf"1 free port is needed, and too few of {port} to {port} are left"
        ),
    ):
        free_ports(1)


def test_free_ports_are_never_the_same_nor_those_of_others(monkeypatch: pytest.MonkeyPatch) -> None:
    some = free_ports(4)
    monkeypatch.setattr(module, "_SERVER_PORTS", some)
    assert sorted(free_ports(4)) == sorted(some)
    assert sorted(free_ports(3, besides=some[:1])) == sorted(some[1:])
    with pytest.raises(ProcessError, match="2 free ports are needed"):
        free_ports(2, besides=some[:3])
