"""Makes the folder of a new sweep, where there is room for it."""

from __future__ import annotations

import itertools
import os
from pathlib import Path

from sweeps.errors import StorageError
from sweeps.storage.files import BucketFiles, bucket_of

__all__ = ["PLACES_OF_WORKERS", "make_folder", "make_named_folder"]

# Where running trials save what they need to continue, and their best weights.
PLACES_OF_WORKERS = ("checkpoints", "weights")
_SMALLEST_FREE_MB = 64


def make_folder(runs: Path, name: str) -> Path:
    """Make `runs/name`, or `name-2`, `name-3` where that exists, in an object store too.

    Raises:
        StorageError: The folder cannot be made, its path is not UTF-8, or the disk is almost full.
    """
    try:
        _refuse_other_bytes(runs)
        runs.mkdir(parents=True, exist_ok=True)
        return make_named_folder(runs, _first_free(runs, name).name)
    except OSError as err:
        raise StorageError(_not_made(bucket_of(runs / name) or runs, err)) from err


def make_named_folder(runs: Path, name: str) -> Path:
    """Make `runs/name`, or take it as it is; raises as make_folder."""
    try:
        _refuse_other_bytes(runs)
        runs.mkdir(parents=True, exist_ok=True)
        _refuse_full_disk(runs)
        folder = (runs / name).resolve()
        for place in PLACES_OF_WORKERS:
            (folder / place).mkdir(parents=True, exist_ok=True)
    except OSError as err:
        raise StorageError(_not_made(runs, err)) from err
    return folder


def _first_free(runs: Path, name: str) -> Path:
    for number in itertools.count(1):
        path = runs / (name if number == 1 else f"{name}-{number}")
        try:
            path.mkdir()
        except FileExistsError:
            continue
        bucket = bucket_of(path)
        if bucket is None or not bucket.names():
            return path.resolve()
        path.rmdir()
    raise AssertionError("a count has no end")


def _not_made(runs: Path | BucketFiles, error: OSError) -> str:
    return (
        f"cannot make a run folder in {runs}: {error.strerror or error}; choose a writable folder "
        f"with --runs or SWEEPS_STORAGE"
    )


def _refuse_other_bytes(runs: Path) -> None:
    """Raise where a name cannot stand in a report or in the address of MLflow's database."""
    path = str(runs.absolute())
    try:
        path.encode()
    except UnicodeEncodeError as err:
        raise StorageError(
            f"the path of a run folder must be text in UTF-8, got {path!r}; rename that folder, or "
            f"choose another with --runs"
        ) from err


def _refuse_full_disk(runs: Path) -> None:
    stat = os.statvfs(runs)
    free_mb = stat.f_bavail * stat.f_frsize / 2**20
    if free_mb < _SMALLEST_FREE_MB:
        raise StorageError(
            f"{runs} has {free_mb:.0f} MB free; a sweep needs {_SMALLEST_FREE_MB}; free some space "
            f"or choose another folder with --runs"
        )
