"""The user's own modules: found, and looked into without running them or what they lie in."""

from __future__ import annotations

import ast
import importlib.util
import sys
from collections.abc import Sequence
from functools import lru_cache
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path

from sweeps.models.own_code.guards import described, guarded, is_ctrl_c
from sweeps.models.own_code.roles import OwnFunction
from sweeps.search_spaces.problems import Problem, did_you_mean

__all__ = ["function_problem", "package_problem", "source_of"]

_WHERE = "put it beside the sweep file, in the current folder, or on PYTHONPATH"


def function_problem(own: OwnFunction, folders: Sequence[Path] = ()) -> Problem | None:
    """Return why a user-defined function cannot be called, or None where it may be.

    Nothing is run, neither the module, which would take torch, nor the packages that hold it.

    Args:
        folders: Where modules are looked for before the import path.
    """
    target, place = own.target, own.role.path
    module, _, function = target.partition(":")
    spec = _spec(module, folders)
    if spec is None:
        rule = f"there is no module {module!r}, got {target!r}"
        return Problem(place, target, rule, hint=_WHERE)
    names = _names_in(spec)
    if names is None or function in names:
        return None
    rule = f"module {module!r} has no {function!r}, got {target!r}"
    return Problem(place, target, rule, names[:20], did_you_mean(function, names))


def package_problem(own: OwnFunction) -> Problem | None:
    """Return why the packages that hold a function cannot be imported, which runs them."""
    target, place = own.target, own.role.path
    module = target.partition(":")[0]
    try:
        with guarded():
            importlib.util.find_spec(module)
    except BaseException as err:
        if is_ctrl_c(err):
            raise
        return Problem(place, target, f"cannot import module {module!r}: {described(err)}")
    return None


def _spec(module: str, folders: Sequence[Path]) -> ModuleSpec | None:
    """Return where a module is, found folder by folder as Python would; nothing is imported.

    `importlib.util.find_spec` runs the packages that a module lies in to ask them for their folder.
    """
    first, *rest = module.split(".")
    spec = PathFinder.find_spec(first, [*map(str, folders), *sys.path]) if folders else None
    if spec is None or spec.origin is None:  # built in, or found by a finder of its own
        spec = _known_spec(first) or spec
    for part in rest:
        inside = None if spec is None else spec.submodule_search_locations
        spec = None if inside is None else PathFinder.find_spec(part, list(inside))
    return spec


def _known_spec(top: str) -> ModuleSpec | None:
    try:
        return importlib.util.find_spec(top)
    except ValueError:  # what is loaded already and does not say from where, as __main__
        return None


def source_of(module: str, folders: Sequence[Path] = ()) -> ast.Module | None:
    """Return a module's text as a tree; None of one that is not found, or not Python that parses.

    Nothing is run; `folders` as in `function_problem`.
    """
    spec = _spec(module, folders)
    return None if spec is None else _tree(spec)


def _tree(spec: ModuleSpec) -> ast.Module | None:
    if spec.origin is None or not spec.origin.endswith(".py"):
        return None
    try:
        return _parsed(spec.origin, Path(spec.origin).stat().st_mtime_ns)
    except (OSError, ValueError, SyntaxError):
        return None  # the trial that imports it says why


@lru_cache(maxsize=16)  # every trial of a plan asks for it
def _parsed(path: str, changed_ns: int) -> ast.Module:
    return ast.parse(Path(path).read_text(encoding="utf-8"))


def _names_in(spec: ModuleSpec) -> tuple[str, ...] | None:
    """Return the names that a module's text gives to something; None where it cannot be told."""
    tree = _tree(spec)
    if tree is None:
        return None
    names: list[str] = []
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.append(node.name)
        elif isinstance(node, ast.ImportFrom):
            names += [alias.asname or alias.name for alias in node.names]
        elif isinstance(node, ast.Assign):
            names += [target.id for target in node.targets if isinstance(target, ast.Name)]
        elif not isinstance(node, ast.Import | ast.Expr):
            return None
    return None if "*" in names else tuple(names)
