"""Holds a file to one state while it is read, which takes several passes: never half of each."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sweeps.models.errors import DataError

__all__ = ["unchanged"]


@contextmanager
def unchanged(path: Path) -> Iterator[None]:
    """Read a file within the block.

    Raises:
        DataError: Somebody wrote to the file, or put another in its place, meanwhile. What could
            not be read of it may be of that, too.
    """
    before = _state(path)
    try:
        yield
    except Exception as error:
        _refuse_other(path, before, error)
        raise
    _refuse_other(path, before)


def _refuse_other(path: Path, before: object, cause: Exception | None = None) -> None:
    if _state(path) != before:
        rule = f"{path.name} must not change while it is read, and it did"
        hint = "Wait until whatever writes it is done, or give a copy of it"
        raise DataError(rule, key=("source",), value=str(path), hint=hint) from cause


def _state(path: Path) -> tuple[int, ...] | None:
    """What tells one state of a file from another; None where there is none."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns
