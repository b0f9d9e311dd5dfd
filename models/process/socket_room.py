"""Folders in which the paths of sockets are not too long for the system."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

__all__ = ["LONGEST_SOCKET", "room_for", "spare_bytes"]

# Of the kernel: a socket's address holds so many bytes (sys/un.h), less its last zero.
LONGEST_SOCKET = 103 if sys.platform == "darwin" else 107


def room_for(deepest: str, asked: Iterable[str] = ()) -> Path | None:
    """Return a folder for temporary files that has room for sockets; None where there is none.

    What is asked for comes first, then TMPDIR and what else Python looks at, /tmp and /var/tmp.

    Args:
        deepest: The longest path of a socket below the folder.
    """
    for place in filter(None, [*asked, _default(), "/tmp", "/var/tmp"]):
        folder = Path(place).absolute()
        if spare_bytes(folder, deepest) >= 0 and os.access(folder, os.W_OK | os.X_OK):
            return folder
    return None


def spare_bytes(folder: Path, deepest: str) -> int:
    """Return how much longer the path of `folder` could be; negative where it is too long."""
    return LONGEST_SOCKET - len(os.fsencode(folder / deepest))


def _default() -> str:
    try:
        return tempfile.gettempdir()
    except FileNotFoundError:  # it found none that can be written to
        return ""
