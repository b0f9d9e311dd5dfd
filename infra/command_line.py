"""How a command is typed here: what is printed for people to type next works as it stands."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from pathlib import Path

from sweeps.infra.settings import IN_JOB

__all__ = ["command", "is_read_elsewhere", "shown_path"]

_NAME = "sweeps"


def command(*words: str | Path) -> str:
    """Return a command of ours as a line for a shell; a path below this folder is shortened."""
    texts = [shown_path(word) if isinstance(word, Path) else word for word in words]
    return shlex.join([*_way_in(), *texts])


def shown_path(path: Path) -> str:
    """Return `path` relative to the current folder where it is below it.

    In a job it is read on another machine, where a sweep goes by its name in the storage.
    """
    storage = Path(os.environ.get("SWEEPS_STORAGE", ""))
    here = storage if is_read_elsewhere() and storage.is_absolute() else Path.cwd()
    try:
        return str(path.relative_to(here))
    except ValueError:
        return str(path)


def is_read_elsewhere() -> bool:
    """Return whether this process is a job of a cluster, whose answers another machine shows."""
    return IN_JOB in os.environ


def _way_in() -> list[str]:
    """Return how the command line is reached: as it was this time, where a person typed that."""
    if is_read_elsewhere():
        return [_NAME]  # read, and typed, on another machine
    started = Path(sys.argv[0])
    beside = Path(sys.executable).with_name(_NAME)
    script = beside if beside.is_file() else started
    # The tracker, which nobody typed, is started with a safe path.
    is_module = started.parts[-2:] == (_NAME, "__main__.py") and not sys.flags.safe_path
    if is_module or script.name != _NAME:
        return [_as_typed(Path(sys.executable), "python", "python3"), "-m", _NAME]
    return [_as_typed(script, _NAME)]


def _as_typed(program: Path, *names: str) -> str:
    """Return a name under which the shell finds the program, or else its path."""
    path = program.absolute()
    named = (name for name in names if (found := shutil.which(name)) and Path(found) == path)
    return next(named, shown_path(path))
