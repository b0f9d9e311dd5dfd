"""The user's own modules: found, and looked into without running them."""

from __future__ import annotations

import ast
import importlib.util
from functools import lru_cache
from importlib.machinery import ModuleSpec
from pathlib import Path

from sweeps.models.own_functions import OwnFunction
from sweeps.search_spaces.problems import Problem, did_you_mean

__all__ = ["function_problem", "source_of"]

_WHERE = "put it beside the sweep file, where you type the command, or on PYTHONPATH"


def function_problem(own: OwnFunction) -> Problem | None:
    """Return why a user-defined function cannot be called, or None where it may be.

    The module itself is not run, as that would take torch; the packages that hold it are.
    """
    target, place = own.target, own.role.path
    module, _, function = target.partition(":")
    try:
        spec = _spec(module)
    except Exception as err:  # whatever a package of the user's raises while it is imported
        return Problem(place, target, f"module {module!r} cannot be imported: {err!r}")
    if spec is None:
        rule = f"there is no module {module!r}, got {target!r}"
        return Problem(place, target, rule, hint=_WHERE)
    names = _names_in(spec)
    if names is None or function in names:
        return None
    rule = f"module {module!r} has no {function!r}, got {target!r}"
    return Problem(place, target, rule, names[:20], did_you_mean(function, names))


def _spec(module: str) -> ModuleSpec | None:
    try:
        return importlib.util.find_spec(module)
    except ModuleNotFoundError:
        return None


def source_of(module: str) -> ast.Module | None:
    """Return a module's text as a tree; None of one that is not found, or not Python that parses.

    The module itself is not run; the packages that hold it are.
    """
    try:
        spec = _spec(module)
    except Exception:  # whatever a package of the user's raises while it is imported
        return None
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
