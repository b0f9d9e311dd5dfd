"""Reads sweep.json: once for as long as it stays the file that it is, whoever asks for it."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from sweeps.errors import RunFolderError
from sweeps.record.description import Description
from sweeps.record.description_checks import check_description
from sweeps.record.seals import DAMAGES, parsed

__all__ = ["read_description", "read_description_values"]

Read = TypeVar("Read")
# A session asks for those of a sweep and its stages, a list for each once.
_KEPT = 16


def read_description(path: Path) -> Description:
    """Return what the file says, typed.

    Whoever writes it replaces it whole, so that another file has another stamp.

    Raises:
        RunFolderError: It is missing, or was damaged or edited.
    """
    try:
        stat = path.stat()
    except OSError:
        return _read(path, Description.of)  # whose error says what is wrong
    return _read_once(path, (stat.st_ino, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_size))


def read_description_values(path: Path) -> dict[str, Any]:
    """Return what the file says as plain values, to be changed; raises as read_description."""
    return _read(path, dict)


@lru_cache(maxsize=_KEPT)
def _read_once(path: Path, stamp: tuple[int, ...]) -> Description:
    return _read(path, Description.of)


def _read(path: Path, read: Callable[[dict[str, Any]], Read]) -> Read:
    try:
        values = parsed(path.read_bytes())
        check_description(values)
        return read(values)
    except (OSError, *DAMAGES) as err:
        why = f"{err} is missing" if isinstance(err, KeyError) else err
        raise RunFolderError(
            f"cannot read {path}: {why}. The file was damaged or edited: restore it from a backup"
        ) from err
