"""Folders for what Ray needs on this machine: nobody else may enter them, and they go with a sweep.

Ray gives all that it makes to everyone (mode 0777, sockets included), so that it is put inside a
folder of mode 0700. A driver that was killed leaves its folders; the next one deletes them.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sweeps.errors import PlacementError

__all__ = ["held_folder", "room_for_sockets"]

_PREFIX = "swr-"
_LOCK, _LOCK_NOT_HELD = "driver", "driver.new"
# Without its lock a folder may be one that is being made; after an hour it is not.
_MAKING_S = 3600
# Of the kernel: a socket's address holds so many bytes (sys/un.h), less its last zero.
_LONGEST_SOCKET = 103 if sys.platform == "darwin" else 107
_DEEPEST = "ray/session_2026-01-01_00-00-00_000000_4194304/sockets/plasma_store"
_GONE_WITHIN_S = 2.0


@contextmanager
def held_folder(parent: Path) -> Iterator[Path]:
    """Hold a folder that only its owner may enter; it is deleted afterwards.

    Those whose driver was killed are deleted before.
    """
    _remove_abandoned(parent)
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))
    with (folder / _LOCK_NOT_HELD).open("w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        # Only now: a driver that finds a lock which nobody holds deletes the folder.
        Path(lock.name).rename(folder / _LOCK)
        try:
            yield folder
        finally:
            _remove(folder)


def room_for_sockets() -> Path:
    """Return a folder for temporary files in which the paths of Ray's sockets are not too long.

    RAY_TMPDIR, TMPDIR and what else Python looks at come first, then /tmp and /var/tmp.

    Raises:
        PlacementError: There is none.
    """
    asked = [os.environ.get("RAY_TMPDIR", ""), _default()]
    for place in filter(None, [*asked, "/tmp", "/var/tmp"]):
        folder = Path(place).absolute()
        if _spare_bytes(folder) >= 0 and os.access(folder, os.W_OK | os.X_OK):
            return folder
    raise PlacementError(
        f"Ray keeps sockets in TMPDIR, and the system's limit of {_LONGEST_SOCKET} bytes leaves "
        f"{_spare_bytes(Path('/')) + 1} for the path of that folder: set TMPDIR to a shorter one "
        f"that can be written to, or train without Ray: --local"
    )


def _default() -> str:
    try:
        return tempfile.gettempdir()
    except FileNotFoundError:  # it found none that can be written to
        return ""


def _spare_bytes(folder: Path) -> int:
    """Return how much longer the path of `folder` could be; negative where it is too long."""
    deepest = folder / f"{_PREFIX}{'x' * 8}" / _DEEPEST
    return _LONGEST_SOCKET - len(os.fsencode(deepest))


def _remove_abandoned(parent: Path) -> None:
    """Delete folders of this user whose driver is gone; none that a driver holds."""
    for folder in parent.glob(f"{_PREFIX}*"):
        with suppress(OSError):
            about = folder.lstat()
            if about.st_uid != os.geteuid() or folder.is_symlink():
                continue
            if (folder / _LOCK).exists():
                _remove_unless_held(folder)
            elif time.time() - about.st_mtime > _MAKING_S:
                _remove(folder)


def _remove_unless_held(folder: Path) -> None:
    with (folder / _LOCK).open(encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # BlockingIOError: its driver lives
        _remove(folder)


def _remove(folder: Path) -> None:
    """Delete a folder into which processes that are ending may still write."""
    end = time.monotonic() + _GONE_WITHIN_S
    while folder.exists() and time.monotonic() < end:
        shutil.rmtree(folder, ignore_errors=True)
        if folder.exists():
            time.sleep(0.05)
