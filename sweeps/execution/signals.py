"""Ctrl-C and what else asks a program to end: the first stops a sweep cleanly."""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from types import FrameType
from typing import Any, Self

from sweeps.record.recorder import Recorder
from sweeps.record.stops import Stop, StopReason, is_pause

__all__ = ["Signals"]

_NUMBERS = (
    signal.SIGINT,
    signal.SIGTERM,
    signal.SIGHUP,
    signal.SIGQUIT,
    signal.SIGUSR1,
    signal.SIGUSR2,
    signal.SIGXCPU,
    signal.SIGALRM,
)
# Ray, Lightning and others put a handler of their own in place of these, whose exception Python
# drops in a finalizer or after a fork. Own code may well use the others for itself.
_NEVER_LOST = {signal.SIGINT, signal.SIGTERM}

# A child has this process's handlers and the file that they write to: its signals are its own.
os.register_at_fork(after_in_child=lambda: signal.set_wakeup_fd(-1))


class Signals:
    """Has the first Ctrl-C, SIGTERM and the like stop the sweep; a second Ctrl-C interrupts.

    SIGHUP comes from a terminal that closes, SIGQUIT from its quit key, SIGUSR1, SIGUSR2 and
    SIGXCPU from cluster managers before they end a job, SIGALRM from own code that handles none.

    Attributes:
        stopped: Why all is stopped; None while nothing is.
    """

    def __init__(self, recorder: Recorder) -> None:
        self.stopped: Stop | None = None
        self._seen = 0
        self._recorder = recorder
        self._is_main = threading.current_thread() is threading.main_thread()
        self._before: dict[int, Any] = {}
        self._listening = ExitStack()

    def __enter__(self) -> Self:
        if self._is_main:
            before: dict[int, Any] = {one: signal.getsignal(one) for one in _NUMBERS}
            # Who ignores it wants the sweep to outlive the terminal: nohup.
            if before[signal.SIGHUP] is signal.SIG_IGN:
                del before[signal.SIGHUP]
            self._before = before
            self._listening.enter_context(_listening(self._request))
        self.catch()
        return self

    def __exit__(self, *error: object) -> None:
        self._listening.close()
        for number, handler in self._before.items():
            signal.signal(number, handler)

    @property
    def is_paused(self) -> bool:
        """Whether all is stopped to go on later in this process."""
        return is_pause(self.stopped)

    def switch_to(self, recorder: Recorder) -> None:
        """Stop what `recorder` records from now on; at once if a signal has come already."""
        self._recorder = recorder
        if self.stopped is not None:
            recorder.request_stop(self.stopped.reason, self.stopped.detail)

    def catch(self) -> None:
        """Take the signals over, as long as none has come."""
        for number in () if self._seen else self._before:
            signal.signal(number, self._stop)

    def watch(self) -> Callable[[], bool]:
        """Return a function that says whether a signal has come since this call."""
        before = self._seen
        return lambda: self._seen > before

    def stop(self, reason: StopReason, detail: str) -> None:
        """Stop what is trained now, search or stage; the first reason stays, unless a pause."""
        if self.stopped is None or self.is_paused:
            self.stopped = Stop(reason, detail)
        self._recorder.request_stop(self.stopped.reason, self.stopped.detail)

    @contextmanager
    def exits_as_signals(self) -> Iterator[None]:
        """Take the exit that Ray makes of a SIGTERM while it starts for the signal that it is."""
        try:
            yield
        except SystemExit:
            self._request(signal.SIGTERM)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        if number not in _NEVER_LOST:
            self._request(number)
        signal.signal(signal.SIGINT, self._before[signal.SIGINT])

    def _request(self, number: int) -> None:
        self._seen += 1
        self.stop(StopReason.INTERRUPTED, f"interrupted by {signal.Signals(number).name}")


@contextmanager
def _listening(hear: Callable[[int], None]) -> Iterator[None]:
    """Call `hear` in a thread with each SIGINT and SIGTERM, whatever the main thread is doing.

    Of a signal that has a handler, the interpreter writes the number before any handler is called.
    """
    numbers, written = socket.socketpair()
    written.setblocking(False)

    def listen() -> None:
        while heard := numbers.recv(64):
            for number in _NEVER_LOST.intersection(heard):
                hear(number)

    thread = threading.Thread(target=listen, name="signals", daemon=True)
    thread.start()
    before = signal.set_wakeup_fd(written.fileno(), warn_on_full_buffer=False)
    try:
        yield
    finally:
        signal.set_wakeup_fd(before)
        written.shutdown(socket.SHUT_WR)  # a child that own code has forked holds it open, too
        written.close()
        thread.join()
        numbers.close()
