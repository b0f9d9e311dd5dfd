"""What a program reports of its epochs: lines of JSON that it adds to a file, read as they come.

A line counts when it has its end, so that one half written is never taken for a whole.
"""

from __future__ import annotations

import json
from collections import deque
from pathlib import Path
from typing import Any

__all__ = ["ReportedRows", "read_line", "read_object", "shown"]

_LONGEST_SHOWN = 200


class ReportedRows:
    """The lines of one run of a program, and those of the runs before that were stopped.

    Attributes:
        earlier: lines of runs before, the first first.
    """

    def __init__(self, path: Path) -> None:
        """Takes up the file, and takes away what a program that was killed has half written.

        Raises:
            OSError: it cannot be written.
        """
        self._path = path
        path.touch()
        content = path.read_bytes()
        self._read = content.rfind(b"\n") + 1
        if self._read < len(content):
            with path.open("r+b") as file:
                file.truncate(self._read)
        self.earlier = [line for line in content[: self._read].splitlines() if line.strip()]
        self._lines: deque[bytes] = deque()
        self._half = b""
        self._last = b""

    def next_line(self) -> bytes | None:
        """Return the next whole line, or None where there is none yet."""
        if not self._lines:
            self._look()
        return self._lines.popleft() if self._lines else None

    @property
    def half(self) -> bytes:
        """What is written of a line that has no end yet."""
        return self._half.strip()

    def close_line(self) -> None:
        """Take a last line without an end for a whole one, if it is."""
        if self.half.endswith(b"}"):
            self._lines.append(self.half)
            self._half = b""

    @property
    def is_written_over(self) -> bool:
        """Whether what was read stands there no more: the file was not added to."""
        before = self._path.read_bytes()[: self._read]
        return len(before) < self._read or not before.endswith(self._last)

    def _look(self) -> None:
        if self._path.stat().st_size <= self._read:
            return
        with self._path.open("rb") as file:
            file.seek(self._read)
            found = file.read()
        self._read += len(found)
        self._last = found[-_LONGEST_SHOWN:]
        *lines, self._half = (self._half + found).split(b"\n")
        self._lines += (line for line in lines if line.strip())


def read_object(line: bytes) -> dict[str, Any]:
    """Return what a line says, by name.

    Raises:
        ValueError: it is no JSON object.
    """
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):  # of lists in lists without end
        row = None
    if not isinstance(row, dict):
        raise ValueError(f"must be one JSON object a line, got {shown(line)}")
    return row


def read_line(line: bytes) -> tuple[int, dict[str, Any]]:
    """Return the epoch of a line, and its metrics by name.

    Raises:
        ValueError: it is no JSON object, or has no epoch.
    """
    row = read_object(line)
    epoch = row.pop("epoch", None)
    if type(epoch) is not int or epoch < 1:
        got = "has none" if epoch is None else f"got {epoch!r}"
        raise ValueError(f"must have an `epoch`, a whole number from 1; {got}: {shown(line)}")
    return epoch, row


def shown(line: bytes) -> str:
    """Return a line for a message."""
    text = line.decode(errors="replace")
    cut = text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}..."
    return repr(cut)
