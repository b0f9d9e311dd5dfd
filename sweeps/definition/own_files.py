"""The files behind the user's own functions, told from their imports without running them."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

__all__ = [
    "distributions_of",
    "files_of",
    "files_of_all",
    "folders_of",
    "import_from_here",
    "looked_in",
    "make_importable",
]

_TARGET = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*")
_LIBRARY = Path(ast.__file__).parent
_INSTALLED = {"site-packages", "dist-packages"}


def make_importable(*folders: Path | str) -> None:
    """Let modules in `folders`, the first first, be imported before all others."""
    first = [str(folder) for folder in folders]
    if sys.path[: len(first)] != first:
        sys.path[:0] = first


def looked_in(base_dir: Path) -> tuple[Path, ...]:
    """Return the folders where the user's modules are looked for, before the import path.

    A look at a file puts none of them on that path: a `numpy.py` beside the file would be run.
    """
    return (base_dir,) if sys.flags.safe_path else (base_dir, Path.cwd())


def import_from_here() -> None:
    """Let modules be imported from where the command is typed, as `python -m` does.

    A console script has its own folder on the import path in that place.
    """
    here = str(Path.cwd())
    if not sys.flags.safe_path and not {here, ""} & set(sys.path):
        sys.path.insert(0, here)


def folders_of(values: Mapping[str, Any], base_dir: Path) -> tuple[Path, ...]:
    """Return the folders that a sweep's own functions are imported from.

    Args:
        values: The sweep file's values; each text that reads `package.module:function` counts.
        base_dir: The sweep file's folder.

    Returns:
        `base_dir`, then those on the import path that hold a file which one of the functions needs:
        where the command is typed, where a script lies, what PYTHONPATH names. None of what is
        installed.
    """
    targets = set(_targets_in(values))
    folders = [base_dir, *_import_path()] if targets else []
    needed = (files_of(target, folders) for target in targets)
    homes = {file.parents[len(name.parts) - 1] for files in needed for file, name in files.items()}
    return tuple(dict.fromkeys([base_dir, *(folder for folder in folders if folder in homes)]))


def _targets_in(value: Any) -> Iterator[str]:
    if isinstance(value, str) and _TARGET.fullmatch(value):
        yield value
    elif isinstance(value, Mapping):
        yield from _targets_in(list(value.values()))
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _targets_in(one)


def _import_path() -> list[Path]:
    """Return the folders on the import path that hold neither Python's nor installed modules."""
    folders = [Path(entry).absolute() for entry in sys.path]
    return [
        folder
        for folder in folders
        if not folder.is_relative_to(_LIBRARY) and not _INSTALLED & set(folder.parts)
    ]


def files_of_all(values: Mapping[str, Any], folders: Sequence[Path]) -> dict[Path, Path]:
    """Return the Python files in `folders` that the own functions of a sweep need, as `files_of`.

    Args:
        values: The sweep file's values; each text that reads `package.module:function` counts.
    """
    found: dict[Path, Path] = {}
    for target in sorted(set(_targets_in(values))):
        found |= files_of(target, folders)
    return found


def files_of(target: str, folders: Sequence[Path]) -> dict[Path, Path]:
    """Return the Python files in `folders` that a function of the user's needs.

    Args:
        target: `package.module:function`; nothing of it is run.
        folders: Where modules are looked for, the first first.

    Returns:
        The module's file and those of the modules that it imports, however far, each with its path
        below the folder that it is imported from. None of a module that is installed elsewhere.
    """
    found: dict[Path, Path] = {}
    modules = [target.partition(":")[0]]
    while modules:
        for name, file in _files_named(modules.pop(), folders):
            if file not in found:
                found[file] = _below(name, file)
                modules += _imported_by(file, name)
    return found


def distributions_of(files: Iterable[Path]) -> list[str]:
    """Return the names of the installed distributions that Python files import, sorted."""
    imported = {name for file in files for name in _imported_by(file, file.stem)}
    known = packages_distributions()
    found = {one for name in imported for one in known.get(name.partition(".")[0], ())}
    return sorted(found)


def _files_named(module: str, folders: Sequence[Path]) -> Iterator[tuple[str, Path]]:
    """Yield a module, and before it the packages that it lies in, each with its file."""
    parts = module.split(".")
    homes = _homes(parts[0], folders)
    for depth in range(1, len(parts) + 1):
        files = (_file(home.joinpath(*parts[:depth])) for home in homes)
        yield from ((".".join(parts[:depth]), file) for file in files if file is not None)


def _homes(top: str, folders: Sequence[Path]) -> list[Path]:
    """Return where Python takes a top-level module from: of packages without `__init__`, all."""
    whole = next((folder for folder in folders if _file(folder / top) is not None), None)
    return list(folders) if whole is None else [whole]


def _file(module: Path) -> Path | None:
    files = (module / "__init__.py", module.with_name(f"{module.name}.py"))
    return next((file for file in files if file.is_file()), None)


def _below(module: str, file: Path) -> Path:
    depth = module.count(".") + (2 if file.name == "__init__.py" else 1)
    return Path(*file.parts[-depth:])


def _imported_by(file: Path, module: str) -> Iterator[str]:
    """Yield what a file imports, `from a import b` as `a` and `a.b`; of this package nothing."""
    try:
        tree = ast.parse(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, SyntaxError):
        return  # the trial that imports it says why
    package = module.split(".") if file.name == "__init__.py" else module.split(".")[:-1]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*above, *filter(None, [node.module])])
            names = [base, *(f"{base}.{alias.name}" for alias in node.names)]
        else:
            continue
        yield from (name for name in names if name.partition(".")[0] not in ("", "sweeps"))
