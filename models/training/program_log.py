"""What a trial's program prints, in a file that stays small: its begin and its end."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["ProgramLog"]

_MOST_BYTES = 8_000_000
_KEPT_BYTES = 1_000_000
_TAIL_LINES, _TAIL_BYTES = 20, 4_000


class ProgramLog:
    """The file that one run of a program prints to, after those of the runs before.

    The program appends to it by itself, so that nothing of what it prints waits for this process.
    """

    def __init__(self, path: Path, command: str) -> None:
        """Writes the command down.

        Raises:
            OSError: the file cannot be written.
        """
        self.path = path
        self._cut_bytes = 0
        with path.open("a", encoding="utf-8") as log:
            log.write(f"$ {command}\n")
        self._printed_from = path.stat().st_size

    def keep_small(self) -> None:
        """Cut the middle out of one that has grown large, and say there how much that was.

        What is printed while that is done is cut out, too.
        """
        size = self.path.stat().st_size
        if size <= _MOST_BYTES:
            return
        with self.path.open("r+b") as file:
            file.seek(size - _KEPT_BYTES)
            end = file.read()
            self._cut_bytes += os.fstat(file.fileno()).st_size - _KEPT_BYTES - len(end)
            file.truncate(_KEPT_BYTES)
        said = f"\n[... {self._cut_bytes:,} bytes were cut out here ...]\n".encode()
        with self.path.open("ab") as log:  # the program may have printed meanwhile
            log.write(said + end)
        self._printed_from = min(self._printed_from, _KEPT_BYTES)

    def last_lines(self) -> str:
        """Return the last lines that this run has printed."""
        try:
            with self.path.open("rb") as file:
                end = file.seek(0, os.SEEK_END)
                file.seek(max(self._printed_from, end - _TAIL_BYTES))
                lines = file.read().decode(errors="replace").split("\n")
        except OSError:  # the program has deleted it
            return ""
        return "\n".join([line.rstrip() for line in lines if line.strip()][-_TAIL_LINES:])
