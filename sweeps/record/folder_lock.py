"""The lock of a run folder: one process writes into it; the lock goes with the process."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from sweeps.errors import RunFolderError, StorageError

__all__ = ["is_locked", "locked"]

# Who only looks holds the lock, too, for less than a millisecond: no reason not to start.
_GLANCE_S = 0.5
_POLL_S = 0.02


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a run folder for writing; the lock goes with the process, however that ends.

    Raises:
        RunFolderError: Another process runs this sweep now.
        StorageError: The folder cannot be written to, or its file system has no locks.
    """
    with _opened(folder) as file:
        if not _takes(file):
            file.seek(0)
            raise RunFolderError(
                f"{folder} is in use by process {file.read().strip() or 'unknown'}; "
                f"wait for it or stop it first"
            )
        _say_who(file.fileno())
        yield


def is_locked(folder: Path) -> bool:
    """Return whether a process of this machine runs this sweep now; writes nothing."""
    try:
        with (folder / ".lock").open(encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # never locked
        return False
    return False


def _opened(folder: Path) -> IO[str]:
    try:
        return (folder / ".lock").open("a+", encoding="utf-8")
    except OSError as err:
        raise StorageError(
            f"cannot write to {folder}: {err.strerror}; training a sweep writes to its folder: "
            f"give yourself permission, or use a copy"
        ) from err


def _takes(file: IO[str]) -> bool:
    """Take the lock; returns whether this process has it now."""
    until = time.monotonic() + _GLANCE_S
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > until:
                return False
            time.sleep(_POLL_S)
        except OSError as err:
            raise StorageError(
                f"cannot lock {file.name}: {err.strerror}; a sweep's folder must be on a file "
                f"system with locks, or two processes could run it at once: use a local disk "
                f"or an object store (SWEEPS_STORAGE)"
            ) from err
        else:
            return True


def _say_who(lock: int) -> None:
    """Write this process's id into the lock, for the message of the next one to try."""
    try:
        os.ftruncate(lock, 0)
        os.write(lock, str(os.getpid()).encode())
    except OSError:
        return  # a full disk: the lock holds without it
