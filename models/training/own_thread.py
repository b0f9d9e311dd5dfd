"""A training that another library runs from its first epoch to its last, an epoch at a time.

It runs in a thread of its own, which waits at the end of each epoch until the next is asked for.
One of the two threads works at a time, so that the global random generators are the trial's.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

from sweeps.models.training.kept_state import refused
from sweeps.models.training.own_trial import Predict, Rows, Trial

__all__ = ["Fitting", "OwnThread", "epoch_by_epoch", "refuse_decided"]


class _Ended(BaseException):
    """The trial is over: nobody asks for another epoch. No error, and not to be handled as one."""


class OwnThread:
    """Runs a function up to each place where it calls `pause()`."""

    def __init__(self, run: Callable[[], object]) -> None:
        self._run = run
        self._process = os.getpid()
        self._thread = threading.Thread(target=self._body, daemon=True)
        self._turn, self._back = threading.Semaphore(0), threading.Semaphore(0)
        self._is_over = False
        self._ends = False
        self._error: BaseException | None = None

    def go_on(self) -> bool:
        """Run it up to its next pause; returns False where it came to its end instead.

        Raises:
            BaseException: whatever it raised.
        """
        if self._is_over:
            return False
        if self._thread.ident is None:
            self._thread.start()
        else:
            self._turn.release()
        self._back.acquire()
        if self._error is not None:
            raise self._error
        return not self._is_over

    def pause(self) -> None:
        """Wait, inside the function, until it is to go on."""
        self._end_a_copy()
        self._back.release()
        self._turn.acquire()
        self.check()

    def check(self) -> None:
        """End the function here, from inside, where the trial is over."""
        if self._ends:
            raise _Ended

    def end(self) -> None:
        """Have it unwound from where it waits; one that works ends at its next `check()`."""
        self._ends = True
        if self._thread.ident is not None and not self._is_over:
            self._turn.release()
            self._thread.join(1.0)

    def _body(self) -> None:
        try:
            self._run()
        except _Ended:
            pass
        except BaseException as err:  # told to whoever asked for the epoch
            self._error = err
        self._end_a_copy()
        self._is_over = True
        self._back.release()

    def _end_a_copy(self) -> None:
        """End a process that was forked inside and came back: it must not train the trial, too."""
        if os.getpid() != self._process:
            os._exit(0)


class Fitting(Protocol):
    """Another library's training of a trial, held between two epochs."""

    thread: OwnThread

    @property
    def predict(self) -> Predict | None:
        """What answers rows; None where nothing does."""

    def train_epoch(self) -> bool:
        """Train an epoch, or at first all that comes before one; returns whether it was trained."""

    @property
    def trained(self) -> Mapping[str, float]:
        """What training measured of itself in the epoch."""

    def evaluate(self, rows: Rows) -> Mapping[str, float]:
        """Return what is measured on some rows."""

    def state_dict(self) -> dict[str, Any]:
        """Return all that it knows besides the weights."""

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Put that in place before its first epoch."""


def epoch_by_epoch(trial: Trial, fitting: Fitting) -> Iterator[Mapping[str, float]]:
    """Have it train as a trial, which keeps its weights already: what own training yields."""
    try:
        if not trial.is_only_evaluated:
            fitting.train_epoch()
            trial.keep(trainer=fitting)
        for _ in trial.epochs(fitting.evaluate, fitting.predict):
            if not fitting.train_epoch():
                return  # a callback has ended it: the trial says that it may not
            yield fitting.trained
    finally:
        fitting.thread.end()


def refuse_decided(whose: str, options: Mapping[str, object], decided: Mapping[str, str]) -> None:
    """Raise OwnTrainingError for an option that is the trial's to decide.

    Args:
        whose: the library's object that would take it, as a message calls it.
        decided: by whom or what instead, by name.
    """
    for name in decided.keys() & options.keys():
        raise refused(f"{whose} {name} must be left out: {decided[name]}")
