"""Starts a project: a sweep file with a net and data of its own that run as they are."""

from __future__ import annotations

import shlex
import sys
from importlib.resources import files
from pathlib import Path

from sweeps.errors import RequestError, StorageError
from sweeps.infra.command_line import command

__all__ = ["write_project"]

_EXAMPLES = files("sweeps.search_spaces") / "examples"
_TEMPLATE = _EXAMPLES / "project"
# Files that a project may have already: its own do as well.
_SHARED = (".gitignore", "models/__init__.py")


def write_project(folder: Path) -> list[Path]:
    """Write the files of a small project into `folder`, and return them.

    Raises:
        RequestError: One of them is there already; nothing is written.
        StorageError: They cannot be written; none is left.
    """
    texts = _texts()
    there = [name for name in texts if (folder / name).exists()]
    if refused := [name for name in there if name not in _SHARED]:
        raise RequestError(
            f"{folder.absolute()} already has {', '.join(refused)}; nothing was written: "
            f"name another folder, for example {command('init', 'demo')}"
        )
    wanted = {folder / name: text for name, text in texts.items() if name not in there}
    written: list[Path] = []
    try:
        for path, text in wanted.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            written.append(path)
            path.write_text(text, encoding="utf-8")
    except OSError as err:
        for path in written:
            path.unlink(missing_ok=True)
        raise StorageError(f"cannot write {err.filename}: {err.strerror}") from err
    return written


def _texts() -> dict[str, str]:
    """Return the files of the project by their names in it."""
    names = ("sweep.yaml", "models/__init__.py", "models/gated.py", "Makefile")
    texts = {name: (_TEMPLATE / name).read_text(encoding="utf-8") for name in names}
    texts["data/plants.csv"] = (_EXAMPLES / "plants.csv").read_text(encoding="utf-8")
    # Under its own name git would apply it to the template.
    texts[".gitignore"] = (_TEMPLATE / "gitignore").read_text(encoding="utf-8")
    texts["Makefile"] = texts["Makefile"].replace("SWEEPS ?= sweeps", _for_make())
    return texts


def _for_make() -> str:
    """Return the line in which a Makefile says how the command is called, from whatever folder.

    Where it is not on the PATH, this machine's Python is what make falls back on: the Makefile may
    be a repository's, and be used on others.
    """
    if command() == "sweeps":
        return "SWEEPS ?= sweeps"
    here = f"{shlex.quote(sys.executable)} -m sweeps".replace("$", "$$").replace(",", "$(comma)")
    comma = "comma := ,\n" if "$(comma)" in here else ""
    return f"{comma}SWEEPS ?= $(or $(shell command -v sweeps 2>/dev/null),{here})"
