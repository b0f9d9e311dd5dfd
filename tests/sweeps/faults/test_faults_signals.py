"""Ctrl-C and SIGTERM end a sweep cleanly, say how to resume, and leave nothing running."""

from __future__ import annotations

import os
import signal
import socket
from pathlib import Path

import psutil
import pytest

import sweeps
from sweeps.cli.commands import main
from tests.sweeps.drivers import Driver, counted_sweep, driver, epochs_trained, events, wait_for

# Hangs until the test goes on; the second file says that the first Ctrl-C was taken.
UNTIL_INTERRUPTED = """
        while self.training and not (HERE / 'go_on').exists():
            (HERE / 'waiting').touch()
            time.sleep(0.01)
            if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
                (HERE / 'first').touch()
"""


def ray_processes(one: Driver) -> list[psutil.Process]:
    try:
        children = psutil.Process(one.process.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []
    return [child for child in children if "gcs_server" in child.name()]


# Ctrl-C, a manager's end, a terminal that closes, a cluster manager's warning before its end.
ENDS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1]
# Ctrl-\, an alarm of a net's code, other warnings of cluster managers.
RARE_ENDS = [signal.SIGQUIT, signal.SIGALRM, signal.SIGUSR2, signal.SIGXCPU]


@pytest.mark.parametrize("number", [*ENDS, *RARE_ENDS])
def test_a_local_sweep_ends_cleanly_at_the_first_signal_and_can_be_resumed(
    tmp_path: Path, number: signal.Signals
) -> None:
    path = counted_sweep(tmp_path, f"interrupted_local_{int(number)}", waits_at=12)
    with driver("run", path, "--runs", tmp_path / "runs", "--local") as one:
        wait_for(lambda: len(epochs_trained(tmp_path)) == 12)
        one.signal_group(number)
        (tmp_path / "go").touch()
        code, output = one.wait()
    assert code == 7, output
    assert f"Stopped: interrupted by {number.name}." in output
    assert "python -m sweeps resume" in output
    resumed = sweeps.resume(tmp_path / "runs" / "blobs", runner="local", tracking_uri="none")
    assert resumed.record.outcomes == {"completed": 6}
    assert len(epochs_trained(tmp_path)) == 6 * 9


@pytest.mark.parametrize(
    "how", ["terminated", "all_terminated", "interrupted", "hung_up", "warned"]
)
def test_a_signal_ends_ray_and_its_workers_with_the_sweep(tmp_path: Path, how: str) -> None:
    path = counted_sweep(tmp_path, f"{how}_ray", trials=8, waits_at=12)
    send = {
        "terminated": lambda one: one.signal(signal.SIGTERM),
        "all_terminated": lambda one: one.signal_group(signal.SIGTERM),
        "interrupted": lambda one: one.signal_group(signal.SIGINT),
        "hung_up": lambda one: one.signal_group(signal.SIGHUP),
        "warned": lambda one: one.signal_group(signal.SIGUSR1),
    }
    with driver("run", path, "--runs", tmp_path / "runs") as one:
        wait_for(lambda: events(tmp_path / "runs" / "blobs", "report"))
        send[how](one)
        (tmp_path / "go").touch()
        code, output = one.wait()
        # Ray's processes end on their own, some moments after the one that started them.
        wait_for(lambda: not one.left_running())
    assert code == 7, output
    assert "Stopped: interrupted by SIG" in output
    assert "was lost" not in output
    assert "resume" in output


@pytest.mark.parametrize("number", ENDS)
def test_a_signal_while_ray_starts_ends_it_as_well(tmp_path: Path, number: int) -> None:
    path = counted_sweep(tmp_path, f"early_{int(number)}")
    with driver("run", path, "--runs", tmp_path / "runs") as one:
        wait_for(lambda: ray_processes(one))
        one.signal_group(number)
        code, output = one.wait()
        wait_for(lambda: not one.left_running())
    assert code == 7, output
    assert "python -m sweeps resume" in output
    assert epochs_trained(tmp_path) == []


def test_what_a_terminal_sends_to_its_job_reaches_the_driver_and_not_ray(tmp_path: Path) -> None:
    path = counted_sweep(tmp_path, "grouped", waits_at=12)
    with driver("run", path, "--runs", tmp_path / "runs") as one:
        wait_for(lambda: events(tmp_path / "runs" / "blobs", "report"))
        children = psutil.Process(one.process.pid).children()
        parts = [child for child in children if "sync" not in child.cmdline()]
        groups = {os.getpgid(part.pid) for part in parts}
    assert parts
    assert one.process.pid not in groups


def test_a_sweep_that_ignores_its_terminal_outlives_it(tmp_path: Path) -> None:
    path = counted_sweep(tmp_path, "nohup", waits_at=12)
    arguments = ("run", path, "--runs", tmp_path / "runs", "--local")
    with driver(*arguments, ignored=signal.SIGHUP) as one:
        wait_for(lambda: len(epochs_trained(tmp_path)) == 12)
        one.signal_group(signal.SIGHUP)
        (tmp_path / "go").touch()
        code, output = one.wait()
    assert code == 0, output


def test_a_runner_that_ends_too_early_ends_no_sweep(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sweeps.execution.local_runner.run_in_process", lambda job: None)
    path = counted_sweep(tmp_path, "early_end")
    code = main(["run", str(path), "--runs", str(tmp_path / "runs"), "--local", "--no-mlflow"])
    assert code == 7
    (end,) = events(tmp_path / "runs" / "blobs", "end")
    assert end["reason"]


def test_a_second_ctrl_c_ends_at_once_and_the_sweep_can_be_resumed(tmp_path: Path) -> None:
    path = counted_sweep(tmp_path, "twice", UNTIL_INTERRUPTED)
    with driver("run", path, "--runs", tmp_path / "runs", "--local") as one:
        wait_for((tmp_path / "waiting").exists)
        one.signal(signal.SIGINT)
        wait_for((tmp_path / "first").exists)
        one.signal(signal.SIGINT)
        code, output = one.wait()
        left = one.left_running()
    assert (code, left) == (130, []), output
    (tmp_path / "go_on").touch()
    resumed = sweeps.resume(tmp_path / "runs" / "blobs", runner="local", tracking_uri="none")
    assert resumed.record.outcomes == {"completed": 6}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_wait_for_a_server_that_does_not_answer(
    tmp_path: Path, number: int
) -> None:
    path = counted_sweep(tmp_path, f"waiting_{int(number)}", trials=1)
    run = tmp_path / "runs" / "blobs"
    # For an hour: it is the signal that ends the wait.
    patient = "from sweeps.tracking import process\nprocess.PATIENCE_S = 3600.0\n"
    (tmp_path / "sitecustomize.py").write_text(patient)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        uri = f"http://127.0.0.1:{silent.getsockname()[1]}"
        arguments = ("run", path, "--runs", tmp_path / "runs", "--local")
        where = {"MLFLOW_TRACKING_URI": uri, "PYTHONPATH": str(tmp_path)}
        with driver(*arguments, **where) as one:
            wait_for(lambda: events(run, "end"))
            one.signal(number)
            code, output = one.wait()
    assert code == 0, output
    assert "MLflow" in output
