"""Gathers what other machines and processes need: our own code, and the files beside a sweep file.

Ray ships a folder to every node as its working directory. Environments, run folders, hidden files
and known secrets stay behind, by name, and the size has a limit: a data set that lies in the folder
by mistake would else be uploaded each time. A .gitignore is not asked: it often names the very data
that a sweep reads.
"""

from __future__ import annotations

import json
import os
import shutil
import sysconfig
from collections.abc import Iterable, Mapping
from importlib.metadata import PackageNotFoundError, distribution
from itertools import chain
from pathlib import Path
from urllib.parse import unquote, urlsplit

__all__ = [
    "MAX_MB",
    "PackageError",
    "code_files",
    "files_beside",
    "import_paths",
    "python_path",
    "stage",
]

MAX_MB = 50
# Not resolved: in a checkout this folder is a link inside the package.
_PACKAGE = Path(__file__).absolute().parents[1]
_ROOT = _PACKAGE.parent
_DISTRIBUTION = "torch-sweeps"
_PARTS = ("search_spaces", "models", "sweeps", "infra")
_LEFT_OUT = {".git", ".gitignore", ".rayignore", ".venv", "runs", ".cluster", "__pycache__"}
_LEFT_OUT |= {"node_modules", "tests"}
# Secrets where infra/README.md has them kept.
_LEFT_OUT |= {".env", "auth_token"}
_MB = 2**20


class PackageError(Exception):
    """The files cannot be shipped; the message says which, how much there may be, the next step."""


def code_files(parts: Iterable[str] = ()) -> dict[Path, Path]:
    """Return the files of the package `sweeps`, each with its path below a folder to import from.

    Args:
        parts: Subpackages and modules (`lightning.py`) to take alone, beside the package's own
            `__init__.py`; none takes all.
    """
    found: Iterable[Path] = _walk(_PACKAGE)
    if parts:
        every = [_PACKAGE / part for part in parts]
        inside = ([one] if one.is_file() else _walk(one) for one in every)
        found = chain([_PACKAGE / "__init__.py"], *inside)
    return {path: path.relative_to(_ROOT) for path in found}


def import_paths() -> list[str]:
    """Return what a process of ours needs on PYTHONPATH: nothing where the package is installed.

    A checkout on the path would hide a `models/` of the user's that has no `__init__.py`: a folder
    without one gives way to any package of its name, wherever that stands on the path.
    """
    installed = {Path(sysconfig.get_path(kind)) for kind in ("purelib", "platlib")}
    return [] if _ROOT in installed or _is_editable() else [str(_ROOT)]


def python_path() -> str:
    """Return PYTHONPATH for a process of ours: what it needs, then what is there already."""
    there = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    return os.pathsep.join(dict.fromkeys([*import_paths(), *filter(None, there)]))


def _is_editable() -> bool:
    """Return whether this checkout is what an editable install of it points to (PEP 610)."""
    try:
        about = distribution(_DISTRIBUTION).read_text("direct_url.json")
    except PackageNotFoundError:
        return False
    url = json.loads(about or "{}").get("url", "")
    return Path(unquote(urlsplit(url).path)).resolve() == _ROOT.resolve()


def files_beside(base: Path, *, only_modules: bool) -> dict[Path, Path]:
    """Return the files in and below a folder, each with its path relative to it.

    Args:
        only_modules: Python files alone: what a net needs. A function that loads data reads others.
    """
    found = (path for path in _walk(base) if path.suffix == ".py" or not only_modules)
    own = {path: path.relative_to(base) for path in found}
    if base.resolve() != _ROOT.resolve():
        return own
    # The checkout itself: its parts are there anyway.
    return {path: name for path, name in own.items() if name.parts[0] not in _PARTS}


def stage(files: Mapping[Path, Path], into: Path, limit_mb: int | None = MAX_MB) -> int:
    """Copy files to their relative places in the folder `into`; returns their size in bytes.

    Raises:
        PackageError: They are more than `limit_mb`, or one cannot be read.
    """
    size = _checked_size(files, limit_mb)
    try:
        for path, relative in files.items():
            target = into / relative
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, target)
    except OSError as err:
        raise PackageError(f"cannot copy {err.filename}: {err.strerror}") from err
    return size


def _walk(folder: Path) -> Iterable[Path]:
    for root, folders, names in os.walk(folder, followlinks=folder == _PACKAGE):
        folders[:] = [
            name for name in folders if name not in _LEFT_OUT and not name.startswith(".")
        ]
        yield from (
            Path(root, name) for name in names if not name.startswith(".") and name not in _LEFT_OUT
        )


def _checked_size(files: Iterable[Path], limit_mb: int | None) -> int:
    try:
        sizes = {path: path.stat().st_size for path in files}
    except OSError as err:
        raise PackageError(f"cannot ship {err.filename}: {err.strerror}") from err
    total = sum(sizes.values())
    if limit_mb is not None and total > limit_mb * _MB:
        largest = sorted(sizes, key=lambda path: -sizes[path])[:3]
        named = ", ".join(f"{path} ({sizes[path] / _MB:.1f} MB)" for path in largest)
        raise PackageError(
            f"the files to upload have {total / _MB:.1f} MB; the limit is {limit_mb} MB; the "
            f"largest are {named}: move what the nodes do not need out of the folder, or "
            f"keep it in one that every node sees and name it by its absolute path"
        )
    return total
