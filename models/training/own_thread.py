"""A training that another library runs from its first epoch to its last, an epoch at a time.

It runs in a thread of its own, which waits at the end of each epoch until the next is asked for.
One of the two threads works at a time, so that the global random generators are the trial's.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable

__all__ = ["OwnThread"]


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
