"""Hears what a running sweep is asked from outside, and passes it on to what trains."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from sweeps.execution.signals import Signals
from sweeps.record.recorder import Recorder
from sweeps.record.requests import (
    GO_ON,
    OF_PROCESS,
    PAUSE,
    STOP,
    forget,
    requests_of,
    trial_of,
    trials_of,
)
from sweeps.record.run_folder import RunFolder
from sweeps.record.stops import StopReason
from sweeps.storage.files import bucket_of

__all__ = ["asked_now", "asks_for_trials", "listening", "look_every_s"]

_PERIOD_S = 0.5
# Each look at an object store is a request that is paid for.
_PERIOD_OF_BUCKET_S = 5.0
_STOPS = {
    STOP: (StopReason.INTERRUPTED, "interrupted by hand: `stop`"),
    PAUSE: (StopReason.PAUSED, "paused by hand"),
}


def look_every_s(folder: RunFolder) -> float:
    """Return how often what is asked of a sweep is looked for."""
    return _PERIOD_S if bucket_of(folder.path) is None else _PERIOD_OF_BUCKET_S


def asked_now(folder: RunFolder) -> list[str]:
    """Return what is asked of a sweep; nothing while its storage cannot be read."""
    try:
        return requests_of(folder)
    except OSError:  # it may come back
        return []


def asks_for_trials(folder: RunFolder) -> bool:
    """Return whether more trials are asked of a sweep."""
    return any(trials_of(request) is not None for request in asked_now(folder))


@contextmanager
def listening(folder: RunFolder, recorder: Recorder, signals: Signals) -> Iterator[None]:
    """Do what the files in `requests/` ask for until the block is left, in a thread.

    Args:
        recorder: That of the search: trials of a stage are nobody's to stop.
        signals: What stops search and stages alike.
    """
    listener = _Listener(folder, recorder, signals)
    listener.look()  # what was asked while nothing ran
    thread = threading.Thread(target=listener.loop, name="requests", daemon=True)
    thread.start()
    try:
        yield
    finally:
        listener.ending.set()
        thread.join()
        listener.tidy()


@dataclass(frozen=True)
class _Listener:
    folder: RunFolder
    recorder: Recorder
    signals: Signals
    ending: threading.Event = field(default_factory=threading.Event)

    def loop(self) -> None:
        while not self.ending.wait(look_every_s(self.folder)):
            self.look()

    def look(self) -> None:
        """Pass on what is asked now."""
        for request in asked_now(self.folder):
            self._take(request)

    def tidy(self) -> None:
        """Delete what is done.

        What is asked of a trial that has not ended stays for the next session, and what is asked of
        a process that waits now is for `goes_on`.
        """
        for request in asked_now(self.folder):
            is_late = request in OF_PROCESS and not self.signals.is_paused
            if is_late or self._is_done(request):
                forget(self.folder, request)

    def _take(self, request: str) -> None:
        if request in _STOPS:
            self.signals.stop(*_STOPS[request])
            forget(self.folder, request)
            return
        if request == GO_ON and self.signals.is_paused:
            return  # it is heard when the session has ended
        if trials_of(request) is not None:
            return  # so is this
        index = trial_of(request)
        if index is None or self._is_done(request):
            forget(self.folder, request)
        else:
            self.recorder.ask_to_end(index)

    def _is_done(self, request: str) -> bool:
        index, trials = trial_of(request), self.recorder.record.trials
        return index is not None and (index >= len(trials) or trials[index].outcome is not None)
