"""Ends a worker process whose trial hangs.

A hung net may hold Python's lock for ever, so nothing in Python can stop it: faulthandler's own
thread, which needs no lock, writes the stack to disk and ends the process.
"""

from __future__ import annotations

import faulthandler
import math
from contextlib import suppress
from pathlib import Path
from typing import IO

from sweeps.record.hangs import timeout_stack_path

__all__ = ["Watchdog"]


class Watchdog:
    """Watches one trial at a time in this process.

    Args:
        folder: Where the stack of a hung trial goes.
        timeout_s: Seconds that a trial may take; None watches nothing.
    """

    def __init__(self, folder: Path, timeout_s: float | None) -> None:
        self._folder = folder
        self._timeout_s = timeout_s
        self._file: IO[str] | None = None

    def watch(self, index: int, trained_s: float) -> None:
        """End this process when the trial, which used `trained_s` before, goes past its limit.

        Raises:
            OSError: There is no writing where its stack would go.
        """
        self.rest()
        if self._timeout_s is None:
            return
        left_s = max(0.1, self._timeout_s - trained_s)
        self._folder.mkdir(parents=True, exist_ok=True)
        self._file = timeout_stack_path(self._folder, index).open("w", encoding="utf-8")
        # A second beyond the limit: a trial that is slow, not hung, ends itself between epochs.
        faulthandler.dump_traceback_later(math.ceil(left_s + 1), exit=True, file=self._file)

    def rest(self) -> None:
        """Stop watching."""
        if self._file is None:
            return
        faulthandler.cancel_dump_traceback_later()
        self._file.close()
        with suppress(OSError):  # read-only by now: it is empty, and tells of no hung trial
            Path(self._file.name).unlink(missing_ok=True)
        self._file = None
