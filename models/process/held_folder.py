"""Temporary folders that a process holds: nobody else may enter them, and they go with it.

A process that was killed leaves its folders; the next one that wants such a folder deletes them.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

__all__ = ["held_folder"]

_LOCK, _LOCK_NOT_HELD = "holder", "holder.new"
# Without its lock a folder may be one that is being made; after an hour it is not.
_MAKING_S = 3600
_GONE_WITHIN_S = 2.0


@contextmanager
def held_folder(parent: Path, prefix: str) -> Iterator[Path]:
    """Hold a folder that only its owner may enter; it is deleted afterwards.

    Those whose process was killed are deleted before.

    Args:
        parent: where it is made.
        prefix: of its name, and of those that are looked for.
    """
    _remove_abandoned(parent, prefix)
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
    with (folder / _LOCK_NOT_HELD).open("w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        # Only now: who finds a lock which nobody holds deletes the folder.
        Path(lock.name).rename(folder / _LOCK)
        try:
            yield folder
        finally:
            _remove(folder)


def _remove_abandoned(parent: Path, prefix: str) -> None:
    """Delete folders of this user whose process is gone; none that one holds."""
    for folder in parent.glob(f"{prefix}*"):
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
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # BlockingIOError: its holder lives
        _remove(folder)


def _remove(folder: Path) -> None:
    """Delete a folder into which processes that are ending may still write."""
    end = time.monotonic() + _GONE_WITHIN_S
    while folder.exists() and time.monotonic() < end:
        shutil.rmtree(folder, ignore_errors=True)
        if folder.exists():
            time.sleep(0.05)
