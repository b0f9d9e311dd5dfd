"""Gathers what other machines need to run this checkout: its files, and those of a sweep.

Ray ships a folder to every node as its working directory. What git ignores, environments and run
folders stay behind, and the size has a limit: a data set that lies in the checkout by mistake
would else be uploaded each time.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["MAX_MB", "Package", "PackageError", "stage"]

MAX_MB = 50
_LEFT_OUT = {".git", ".venv", "runs", ".cluster", "__pycache__", "node_modules", "tests"}
_MB = 2**20


class PackageError(Exception):
    """The files cannot be shipped; the message says which, how much there may be, the way out."""


@dataclass(frozen=True)
class Package:
    """A staged folder.

    Attributes:
        path: The folder that is shipped.
        sweep: Where the files beside the sweep file are, relative to `path`.
        size: In bytes.
    """

    path: Path
    sweep: str
    size: int


def stage(checkout: Path, base: Path, extra: Sequence[Path], into: Path) -> Package:
    """Copy a checkout, and what lies beside a sweep file, into the folder `into`.

    Args:
        base: The sweep file's folder. Inside the checkout nothing is added to it; else its Python
            files go to `sweep/`, as they may be the user's own nets.
        extra: Files under `base` to add, such as the sweep file and its data.

    Raises:
        PackageError: It is more than MAX_MB, or a file cannot be read.
    """
    base, checkout = base.resolve(), checkout.resolve()
    files = {path: path.relative_to(checkout) for path in _files_of(checkout)}
    inside = base.is_relative_to(checkout)
    sweep = base.relative_to(checkout) if inside else Path("sweep")
    beside = [] if inside else [path for path in _walk(base) if path.suffix == ".py"]
    for path in (*beside, *(one.resolve() for one in extra)):
        within = path.relative_to(base) if path.is_relative_to(base) else Path(path.name)
        files[path] = sweep / within
    size = _checked_size(files)
    for path, relative in files.items():
        target = into / relative
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, target)
    return Package(into, str(sweep), size)


def _files_of(checkout: Path) -> Iterable[Path]:
    """Yield the files that git knows or would take; without git, all but what never belongs."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        done = subprocess.run(command, cwd=checkout, capture_output=True, check=True, timeout=30)
    except (OSError, subprocess.SubprocessError):
        return list(_walk(checkout))
    names = [Path(os.fsdecode(name)) for name in done.stdout.split(b"\0") if name]
    wanted = (name for name in names if not _LEFT_OUT & set(name.parts))
    return [path for path in (checkout / name for name in wanted) if path.is_file()]


def _walk(folder: Path) -> Iterable[Path]:
    for root, folders, names in os.walk(folder):
        folders[:] = [
            name for name in folders if name not in _LEFT_OUT and not name.startswith(".")
        ]
        yield from (Path(root, name) for name in names if not name.startswith("."))


def _checked_size(files: Iterable[Path]) -> int:
    try:
        sizes = {path: path.stat().st_size for path in files}
    except OSError as err:
        raise PackageError(f"cannot ship {err.filename}: {err.strerror}") from err
    total = sum(sizes.values())
    if total > MAX_MB * _MB:
        largest = sorted(sizes, key=lambda path: -sizes[path])[:3]
        named = ", ".join(f"{path} ({sizes[path] / _MB:.1f} MB)" for path in largest)
        raise PackageError(
            f"the files to ship have {total / _MB:.1f} MB and may have {MAX_MB}; the largest are "
            f"{named}: let git ignore what the nodes do not need, or keep it in a folder that "
            f"every node sees"
        )
    return total
