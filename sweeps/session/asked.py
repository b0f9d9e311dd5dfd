"""Hears what a running sweep is asked from outside, and passes it on to what trains."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from sweeps.execution.signals import Signals
from sweeps.record.recorder import Recorder
from sweeps.record.requests import STOP, forget, requests_of, trial_of
from sweeps.record.run_folder import RunFolder
from sweeps.record.stops import StopReason
from sweeps.storage.files import bucket_of

__all__ = ["listening"]

_PERIOD_S = 0.5
# Each look at an object store is a request that is paid for.
_PERIOD_OF_BUCKET_S = 5.0


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
        is_near = bucket_of(self.folder.path) is None
        while not self.ending.wait(_PERIOD_S if is_near else _PERIOD_OF_BUCKET_S):
            self.look()

    def look(self) -> None:
        """Pass on what is asked now."""
        for request in self._requests():
            self._take(request)

    def tidy(self) -> None:
        """Delete what is done; what is asked of a trial that has not ended stays for the next."""
        for request in self._requests():
            if request == STOP or self._is_done(request):
                forget(self.folder, request)

    def _take(self, request: str) -> None:
        if request == STOP:
            self.signals.stop(StopReason.INTERRUPTED, "interrupted by hand: `stop`")
            forget(self.folder, STOP)
            return
        index = trial_of(request)
        if index is None or self._is_done(request):
            forget(self.folder, request)
        else:
            self.recorder.ask_to_end(index)

    def _is_done(self, request: str) -> bool:
        index, trials = trial_of(request), self.recorder.record.trials
        return index is not None and (index >= len(trials) or trials[index].outcome is not None)

    def _requests(self) -> list[str]:
        try:
            return requests_of(self.folder)
        except OSError:  # the storage may come back
            return []
