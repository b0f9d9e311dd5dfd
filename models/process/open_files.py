"""Files that a trial left open until the process may open no more, closed after it.

What a module keeps open for all of its trials, and leaves room for others, stays as it is.
"""

from __future__ import annotations

import gc
import io
import os
import resource
import socket
from contextlib import suppress
from typing import Any

__all__ = ["OpenFiles"]

# What a process of ours opens at once, several times over: files, pipes to programs, libraries.
_ROOM = 64
# The outer ones first, which write what they hold back to those within.
_KINDS: tuple[type, ...] = (io.TextIOBase, io.BufferedIOBase, io.RawIOBase, socket.socket)


class OpenFiles:
    """The files that were open when this was made."""

    def __init__(self) -> None:
        self._before = _descriptors()

    def make_room(self) -> bool:
        """Close what was opened since if there is no room for more; returns whether it was."""
        if self._before is None or _has_room():
            return False
        found: list[Any] = [one for one in gc.get_objects() if issubclass(type(one), _KINDS)]
        for kind in _KINDS:
            for one in found:
                if issubclass(type(one), kind) and _number(one) not in self._before | {None}:
                    with suppress(Exception):  # of a class of the user's own, too
                        one.close()
        return True


def _descriptors() -> frozenset[int] | None:
    """Return the numbers of what is open; None where it cannot be told."""
    try:
        listed = map(int, os.listdir("/dev/fd"))
    except OSError:
        return None
    return frozenset(filter(_is_open, listed))  # without that of the list itself


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True


def _has_room() -> bool:
    """Return whether the process may open some more files; the lowest number that is free tells."""
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if limit == resource.RLIM_INFINITY:
        return True
    try:
        lowest = os.open(os.devnull, os.O_RDONLY)
    except OSError:
        return False
    os.close(lowest)
    return lowest + _ROOM < limit


def _number(file: Any) -> int | None:
    """Return the descriptor of a file or socket; None of one that is closed or has none."""
    with suppress(Exception):
        number = file.fileno()
        return number if isinstance(number, int) and number >= 0 else None
    return None
