"""Standard output and standard error, which may be closed or full, for the time of a command.

Standard output holds the answer: where it cannot be written, the command has not done its work.
Standard error holds progress and messages: a closed terminal is no reason to end a sweep.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from sweeps.errors import StorageError, SweepError
from sweeps.infra.plain_text import shown
from sweeps.infra.whole_file import replace_file

__all__ = ["checked_messages", "checked_output", "write_answer", "write_out"]


@contextmanager
def checked_messages() -> Iterator[None]:
    """Have writes to standard error never fail, and reach nothing else where it is closed."""
    before = sys.stderr
    _fill_closed()
    sys.stderr = _Messages(before or open(2, "w", closefd=False, encoding="utf-8"))  # noqa: SIM115
    try:
        yield
    finally:
        sys.stderr = before


@contextmanager
def checked_output() -> Iterator[None]:
    """Have writes to standard output end in StorageError where they fail.

    Raises:
        StorageError: Standard output is closed, or takes no more.
    """
    before = sys.stdout
    if before is None:
        raise StorageError("standard output is closed; send it to a file, or to /dev/null")
    sys.stdout = _Answer(before)
    try:
        yield
        sys.stdout.flush()
    finally:
        sys.stdout = before


def write_answer(out: Path | None, text: str) -> int:
    """Write an answer to standard output, or to a file."""
    if out is None:
        sys.stdout.write(shown(text) if sys.stdout.isatty() else text)
        return 0
    write_out(out, text.encode())
    print(f"written to {out}", file=sys.stderr)
    return 0


def write_out(out: Path, content: bytes) -> None:
    """Write a file that was asked for, whole; raises SweepError where that fails, as it was."""
    try:
        if out.exists() and not out.is_file():  # a pipe, /dev/null
            out.write_bytes(content)
        else:
            replace_file(out.resolve(), content)
    except OSError as err:
        raise SweepError(f"cannot write {out}: {err.strerror}") from err


def _fill_closed() -> None:
    """Open what is closed of the descriptors 0 to 2, so that no file of ours gets their number.

    What C code prints would be written into it.
    """
    descriptor = os.open(os.devnull, os.O_RDWR)
    while descriptor <= 2:
        os.set_inheritable(descriptor, True)
        descriptor = os.open(os.devnull, os.O_RDWR)
    os.close(descriptor)


class _Stream:
    """A text stream that says itself what a failed write means."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class _Answer(_Stream):
    def write(self, text: str) -> int:
        with _output_errors():
            return int(self._stream.write(text))

    def flush(self) -> None:
        with _output_errors():
            self._stream.flush()


class _Messages(_Stream):
    def write(self, text: str) -> int:
        with suppress(OSError, ValueError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError, ValueError):
            self._stream.flush()


@contextmanager
def _output_errors() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:  # a reader who has seen enough
        raise
    except OSError as err:
        # Else Python would try once more at its end, and say so.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        raise StorageError(
            f"cannot write the answer to standard output: {err.strerror}; what a sweep has "
            f"recorded is in its run folder"
        ) from err
