"""Processes that the user's own code started from this one, ended when nobody needs them any more.

A net may start a simulator, a data function a server, and neither hears when a sweep is over. What
they start is known by what is a child of this process after a call and was none before.
"""

from __future__ import annotations

import ctypes
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

__all__ = ["adopt_orphans", "end_own_processes", "end_with_parent", "noted_processes"]

# From linux/prctl.h.
_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36
_GRACE_S, _LOOK_S = 3.0, 0.02
# Python's and joblib's keep what the others share, and end by themselves after all of them.
_TRACKERS = b"resource_tracker import main"
_started: set[int] = set()


@contextmanager
def noted_processes() -> Iterator[None]:
    """Note what is started from here on until the block is left."""
    before = _children_of("self")
    try:
        yield
    finally:
        _started.update(_children_of("self") - before)


def adopt_orphans() -> None:
    """Have processes whose parent ends become children of this one, where the system can."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def end_with_parent() -> None:
    """Have this process killed when the one that started it ends, where the system can."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _prctl(option: int, value: int) -> None:
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def end_own_processes() -> None:
    """End what was noted, and all that it started: SIGTERM, and after a while SIGKILL."""
    roots = {pid for pid in _started & _children_of("self") if _TRACKERS not in _command(pid)}
    _started.clear()
    for number in (signal.SIGTERM, signal.SIGKILL):
        for pid in _with_descendants(roots):
            with suppress(OSError):
                os.kill(pid, number)
        until = time.monotonic() + _GRACE_S
        while (roots := _left(roots)) and time.monotonic() < until:
            time.sleep(_LOOK_S)


def _children_of(process: int | str) -> set[int]:
    """Return the children of a process, whichever thread has them; none without Linux's /proc.

    Those that have ended and that nobody has waited for are among them.
    """
    found: set[int] = set()
    with suppress(OSError):
        for thread in Path(f"/proc/{process}/task").iterdir():
            with suppress(OSError):
                found.update(map(int, (thread / "children").read_text(encoding="utf-8").split()))
    return found


def _with_descendants(roots: set[int]) -> list[int]:
    found, left = [], list(roots)
    while left:
        found.append(left.pop())
        left += _children_of(found[-1])
    return found


def _left(pids: set[int]) -> set[int]:
    """Return which of our children still run; those that have ended are taken note of."""
    return {pid for pid in pids if not _has_ended(pid)}


def _has_ended(pid: int) -> bool:
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except OSError:
        return True


def _command(pid: int) -> bytes:
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    return b""
