"""The append-only log of what happened in a sweep, one JSON object a line.

The ledger is the memory of a sweep: a line is in the file before anything acts on it, so that a
kill at any instant leaves at most one incomplete last line, which reading drops and opening cuts.
Each line carries a checksum that follows from the one before (sweeps.record.seals).
"""

from __future__ import annotations

import errno
import json
import math
import os
import shlex
import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from sweeps.errors import RunFolderError, StorageError
from sweeps.record.seals import SEAL_KEY, Chain, parsed
from sweeps.storage.refusals import next_step

__all__ = ["Ledger", "LedgerReader", "last_event", "read_events", "to_line"]

Event = dict[str, Any]
_FSYNC_PERIOD_S = 1.0
_NON_FINITE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
_SPELLED = (b'NaN"', b'Infinity"')


def to_line(event: Mapping[str, Any]) -> bytes:
    """Return `event` as one line of strict JSON; non-finite floats become strings."""
    try:
        text = json.dumps(event, separators=(",", ":"), allow_nan=False)
    except ValueError:
        text = json.dumps(_spell_out(event), separators=(",", ":"), allow_nan=False)
    return text.encode() + b"\n"


class LedgerReader:
    """Reads a ledger from where it last stopped, and says where it cannot be right.

    Attributes:
        line: The number of the line that was read last, from 1.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.line = 0
        self._offset = 0
        self._chain = Chain()

    def events(self) -> Iterator[Event]:
        """Yield each complete event that has not been read yet.

        An incomplete last line (no newline: the writer was killed, or is writing) ends the
        reading. A ledger without a first event is not a file yet.

        Raises:
            RunFolderError: The file cannot be read, or a line is not the one that was written.
        """
        try:
            with self.path.open("rb") as file:
                file.seek(self._offset)
                for line in file:
                    if not line.endswith(b"\n"):
                        return
                    self.line += 1
                    self._offset += len(line)
                    yield self._event(line[:-1])
        except FileNotFoundError:
            return
        except OSError as err:
            raise RunFolderError(
                f"cannot read {self.path}: {err.strerror or err}; restore it from a backup"
            ) from err

    def damage(self, why: Exception) -> RunFolderError:
        """Return the error that the line that was read last cannot be right."""
        path = shlex.quote(str(self.path))
        return RunFolderError(
            f"cannot read {self.path}, line {self.line}: {_in_words(why)}. The file was damaged or "
            f"edited: restore it from a backup; or keep the lines before it, and `resume` retrains "
            f"what came after: head -n {self.line - 1} {path} > kept && mv kept {path}"
        )

    def _event(self, line: bytes) -> Event:
        try:
            event = parsed(line)
            self._chain.check(line)
            if not isinstance(event.get("event"), str):
                raise ValueError("it must be an event")
            event.pop(SEAL_KEY, None)
            if not any(word in line for word in _SPELLED):
                return event  # as nearly all: to look at every number takes as long as to read it
            return {key: _read_back(value) for key, value in event.items()}
        except RecursionError:
            raise self.damage(ValueError("it is nested too deeply to be read")) from None
        except ValueError as err:
            raise self.damage(err) from err


def read_events(path: Path) -> Iterator[Event]:
    """Yield each complete event of a ledger; raises as `LedgerReader.events`."""
    return LedgerReader(path).events()


def last_event(path: Path, kind: str) -> Event:
    """Return the last event of a kind; empty where there is none.

    Lines of other kinds are not parsed, and none is checked: a session that goes on from here reads
    the whole ledger, and refuses what is damaged.
    """
    with suppress(OSError):  # whoever reads it next says what is wrong with it
        for line in reversed(path.read_bytes().split(b"\n")[:-1]):
            if f'"event":"{kind}"'.encode() not in line:
                continue
            with suppress(ValueError, RecursionError):
                event = parsed(line)
                if event.get("event") == kind:
                    return event
    return {}


class Ledger:
    """Appends events to one file; a thread of its own makes them durable about once a second.

    A line reaches the operating system before `append` returns, so it survives a kill of the
    process; the delayed fsync only matters when the machine itself goes down.
    """

    def __init__(self, path: Path) -> None:
        """Open `path`, cutting an incomplete last line that a killed writer left."""
        self.path = path
        try:
            self._chain = _end_of(_cut_incomplete_line(path))
            self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        except OSError as err:
            raise self._error(err) from err
        self._lock = threading.Lock()
        self._dirty = False
        self._refused: OSError | None = None
        self._closing = threading.Event()
        self._flusher = threading.Thread(target=self._flush_loop, name="ledger", daemon=True)
        self._flusher.start()

    def append(self, *events: Mapping[str, Any]) -> None:
        """Write events in order, all or (on a full disk) none.

        Raises:
            StorageError: The operating system refused the write, or to make one before durable.
        """
        with self._lock:
            if self._refused is not None:
                raise self._error(self._refused)
            before = replace(self._chain)
            lines = [self._chain.sealed(to_line(event)[:-1]) for event in events]
            data = b"".join(line + b"\n" for line in lines)
            size = os.fstat(self._file).st_size
            try:
                if os.write(self._file, data) != len(data):
                    raise OSError(errno.ENOSPC, "only a part of the line was written")
            except BaseException as err:
                self._chain = before
                with suppress(OSError):  # read-only by now: the next to open it cuts the line
                    os.ftruncate(self._file, size)
                if isinstance(err, OSError):
                    raise self._error(err) from err
                raise
            self._dirty = True

    def close(self) -> None:
        """Make everything durable and close the file; a second call does nothing.

        Raises:
            StorageError: The operating system refused to.
        """
        if self._closing.is_set():
            return
        self._closing.set()
        self._flusher.join()
        self._flush()
        os.close(self._file)
        if self._refused is not None:
            raise self._error(self._refused)

    def _error(self, error: OSError) -> StorageError:
        return StorageError(f"cannot write {self.path}: {error}; {next_step(error.errno or 0)}")

    def _flush_loop(self) -> None:
        while not self._closing.wait(_FSYNC_PERIOD_S):
            self._flush()

    def _flush(self) -> None:
        if self._dirty:
            self._dirty = False
            try:
                os.fsync(self._file)
            except OSError as err:  # a network's file system says here that it is full
                self._refused = err


def _in_words(why: Exception) -> str:
    if isinstance(why, KeyError):
        return f"it must have {why}"
    return str(why) if isinstance(why, ValueError) else f"a value has the wrong type ({why})"


def _cut_incomplete_line(path: Path) -> bytes:
    """Return the complete lines of a file, once they are all that it has."""
    if not path.exists():
        return b""
    with path.open("r+b") as file:
        data = file.read()
        end = data.rfind(b"\n") + 1
        if end != len(data):
            file.truncate(end)
    return data[:end]


def _end_of(lines: bytes) -> Chain:
    """Return the checksums up to a ledger's end; whoever opens it has read it, and them."""
    chain = Chain()
    for line in lines.split(b"\n")[:-1]:
        chain.check(line)
    return chain


def _spell_out(value: Any) -> Any:
    """Replace non-finite floats by their names, at any depth."""
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, Mapping):
        return {key: _spell_out(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_spell_out(inner) for inner in value]
    return value


def _read_back(value: Any) -> Any:
    """Undo `_spell_out` in the numbers of epoch rows and values."""
    if isinstance(value, str):
        return _NON_FINITE.get(value, value)
    if isinstance(value, list):
        return [_read_back(inner) for inner in value]
    if isinstance(value, dict):
        return {key: _read_back(inner) for key, inner in value.items()}
    return value
