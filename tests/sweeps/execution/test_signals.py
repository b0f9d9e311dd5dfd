"""No signal that asks a sweep to end is lost, whoever has put a handler of its own in its place."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

import pytest

import sweeps
from sweeps.execution.signals import Signals
from sweeps.record.stops import Stop, StopReason
from sweeps.terminal.progress import Display
from sweeps.tracking.process import TrackingProcess
from tests.sweeps.drivers import wait_for
from tests.sweeps.sweep_files import write_sweep


@dataclass
class Asked:
    """The part of a recorder that is told to stop."""

    stops: list[Stop] = field(default_factory=list)

    def request_stop(self, reason: StopReason, detail: str) -> None:
        self.stops.append(Stop(reason, detail))


@pytest.fixture
def signals() -> Iterator[Signals]:
    recorder: Any = Asked()
    before = {one: signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)}
    try:
        with Signals(recorder) as one:
            yield one
    finally:
        assert {one: signal.getsignal(one) for one in before} == before


def send(number: int) -> None:
    os.kill(os.getpid(), number)


def raises_exit(number: int, frame: FrameType | None) -> None:
    """As Ray's handler does while it starts."""
    sys.exit(number)


class Finalizer:
    """Python drops what is raised within `__del__`, as in a callback after a fork."""

    def __init__(self, call: Callable[[], None]) -> None:
        self._call = call

    def __del__(self) -> None:
        self._call()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_signal_is_heard_whose_exception_python_drops(signals: Signals) -> None:
    signal.signal(signal.SIGTERM, raises_exit)
    one = Finalizer(lambda: send(signal.SIGTERM))
    del one
    wait_for(lambda: signals.stopped)
    assert signals.stopped == Stop(StopReason.INTERRUPTED, "interrupted by SIGTERM")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_is_heard_where_own_code_takes_it(
    signals: Signals, number: signal.Signals
) -> None:
    taken = []
    signal.signal(number, lambda *_: taken.append(number))
    send(number)
    wait_for(lambda: signals.stopped)
    assert (taken, signals.stopped) == (
        [number],
        Stop(StopReason.INTERRUPTED, f"interrupted by {number.name}"),
    )


def test_an_alarm_that_own_code_takes_ends_nothing(signals: Signals) -> None:
    taken = []
    signal.signal(signal.SIGALRM, lambda *_: taken.append(True))
    send(signal.SIGALRM)
    send(signal.SIGUSR1)  # so that there is something to wait for
    wait_for(lambda: signals.stopped)
    assert taken == [True]
    assert signals.stopped == Stop(StopReason.INTERRUPTED, "interrupted by SIGUSR1")


def test_a_signal_to_a_forked_child_is_the_child_s_alone(signals: Signals) -> None:
    ready, heard = os.pipe()
    child = os.fork()
    if child == 0:
        with suppress(BaseException):
            send(signal.SIGTERM)
            os.write(heard, b"1")
        os._exit(0)
    assert os.read(ready, 1) == b"1"
    os.waitpid(child, 0)
    os.close(ready)
    os.close(heard)
    send(signal.SIGUSR1)
    wait_for(lambda: signals.stopped)
    assert signals.stopped == Stop(StopReason.INTERRUPTED, "interrupted by SIGUSR1")


def test_a_child_that_own_code_forks_does_not_hold_up_the_end() -> None:
    recorder: Any = Asked()
    with Signals(recorder):
        child = os.fork()
        if child == 0:
            time.sleep(30)
            os._exit(0)
    still_there = os.waitpid(child, os.WNOHANG) == (0, 0)
    os.kill(child, signal.SIGKILL)
    assert still_there
    os.waitpid(child, 0)


def test_nothing_is_left_of_the_listening() -> None:
    threads = threading.active_count()
    before = signal.set_wakeup_fd(-1)
    signal.set_wakeup_fd(before)
    recorder: Any = Asked()
    with Signals(recorder):
        pass
    now = signal.set_wakeup_fd(before)
    assert (now, threading.active_count()) == (before, threads)


def test_a_signal_as_the_sweep_ends_is_heard_by_the_wait_for_mlflow(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits = []

    def finish(self: TrackingProcess, must_stop: Callable[[], bool]) -> None:
        wait_for(must_stop)
        waits.append(self)

    monkeypatch.setattr(Display, "show_recording", lambda self: send(signal.SIGINT))
    monkeypatch.setattr(TrackingProcess, "finish", finish)
    path = write_sweep(tmp_path, search="{method: random, trials: 1}")
    sweeps.run(path, runs=tmp_path / "runs", runner="local", tracking_uri="none")
    assert len(waits) == 1
