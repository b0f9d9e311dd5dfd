"""The text of the user's modules as this process imported it: that on disk may be newer.

Somebody edits a file while a sweep runs, or between two sweeps of one notebook.
"""

from __future__ import annotations

import hashlib
import importlib
import os
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

__all__ = ["code_digest", "digest_in_memory", "forget_stale", "import_noted", "module_name"]

_INSTALLED = {"site-packages", "dist-packages"}
_LIBRARY = Path(os.__file__).parent


class _Noted(NamedTuple):
    """A module as it was imported; one that is reloaded gets another spec."""

    spec: ModuleSpec
    file: Path
    digest: str


_noted: dict[str, _Noted] = {}


def code_digest(file: Path) -> str:
    """The first 16 hexadecimal digits of the SHA-256 of a file of code; raises OSError."""
    return hashlib.sha256(file.read_bytes()).hexdigest()[:16]


def module_name(path: str) -> str:
    """The name by which a file of code is imported.

    Args:
        path: relative to the folder that it is imported from.
    """
    parts = Path(path).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def import_noted(name: str) -> ModuleType:
    """The module of this name; what is imported with it is noted as it is on disk now."""
    before = set(sys.modules)
    try:
        return importlib.import_module(name)
    finally:
        _note((sys.modules.keys() - before) | {name})


def digest_in_memory(name: str, file: Path | None = None) -> str | None:
    """The digest of a module's text as it was imported; None where this process has none.

    Args:
        file: where it is from; one of the same name from elsewhere is none. None takes any.
    """
    if name in sys.modules:
        _note([name])
    noted = _noted.get(name)
    if noted is None or (file is not None and noted.file.resolve() != file.resolve()):
        return None
    return noted.digest


def forget_stale(*folders: Path) -> None:
    """Have modules imported anew that were edited, or that others of their name stand before now.

    All that were imported from the same folder go with them, as they may hold parts of them.

    Args:
        folders: where modules are looked for now, before all others, the first first.
    """
    _note([name for name in _noted if name in sys.modules])
    homes = {_home(name) for name in _noted if _is_stale(name, folders)}
    for name in [one for one in _noted if _home(one) in homes]:
        sys.modules.pop(name, None)
        del _noted[name]
    importlib.invalidate_caches()


def _note(names: Iterable[str]) -> None:
    """Note modules of the user's that are not noted, or have been reloaded since."""
    for name in names:
        spec = getattr(sys.modules.get(name), "__spec__", None)
        known = _noted.get(name)
        if spec is None or (known is not None and known.spec is spec):
            continue
        file = Path(spec.origin or "")
        if _is_of_user(name, file):
            with suppress(OSError):
                _noted[name] = _Noted(spec, file, code_digest(file))


def _is_of_user(name: str, file: Path) -> bool:
    is_ours = name.partition(".")[0] == "sweeps"
    is_installed = file.is_relative_to(_LIBRARY) or _INSTALLED & set(file.parts)
    return file.suffix == ".py" and not is_ours and not is_installed


def _is_stale(name: str, folders: Sequence[Path]) -> bool:
    noted = _noted[name]
    try:
        if code_digest(noted.file) != noted.digest:
            return True
    except OSError:
        return True
    if "." in name:
        return False
    found = PathFinder.find_spec(name, [str(folder) for folder in folders])
    if found is None or found.origin is None:
        return False
    return not os.path.samefile(found.origin, noted.file)


def _home(name: str) -> Path:
    """The folder that a module was imported from."""
    file = _noted[name].file
    depth = name.count(".") + (file.name == "__init__.py")
    return file.parents[depth]
