"""Whether a user-defined function takes the options that it is given, read from its text.

Nothing of it is run, as that would take torch. Where the text does not tell, nothing is said.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from pathlib import Path

from sweeps.definition.own_modules import source_of
from sweeps.models.own_functions import OwnFunction
from sweeps.search_spaces.problems import Problem, did_you_mean, nearest

__all__ = ["option_problems"]


def option_problems(own: OwnFunction, folders: Sequence[Path] = ()) -> Iterator[Problem]:
    """Yield what keeps a user-defined function from being called with its options.

    Only a plain function at its module's top level tells: no class, decorator or second meaning
    of its name.

    Args:
        folders: Where modules are looked for before the import path.
    """
    target, given = own.target, own.role.given
    module, _, name = target.partition(":")
    tree = source_of(module, folders)
    function = None if tree is None else _plain_function(tree, name)
    if function is None:
        return
    takes_any = function.args.kwarg is not None
    known = _parameters(function.args)
    lacking = [one for one in given if one not in known and not takes_any]
    if lacking:
        called = f"is called with {', '.join(given)} and the options as keywords"
        rule = f"{target} {called}, and takes no {' and no '.join(lacking)}"
        yield Problem(own.role.path, target, rule)
        return
    allowed = tuple(one for one in known if one not in given)
    place = own.role.options or own.role.path
    meant = set()
    for option in own.options:
        if option not in allowed and not takes_any:
            rule = f"unknown key {option!r}, which {target} does not take"
            meant.add(nearest(option, allowed))
            hint = did_you_mean(option, allowed)
            yield Problem((*place, option), option, rule, allowed, hint, kind="unknown_key")
    for option in allowed:
        is_missing = known[option] and option not in own.options
        if is_missing and option not in meant:
            rule = f"missing key {option!r}, which {target} has no default for"
            yield Problem(place, None, rule, kind="missing_key")


def _plain_function(tree: ast.Module, name: str) -> ast.FunctionDef | None:
    """Return the function that a name certainly stands for; None where it cannot be told."""
    meanings = sum(not {name, "*"}.isdisjoint(_names_bound_by(node)) for node in ast.walk(tree))
    if meanings != 1:
        return None
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name == name:
            is_plain = not node.decorator_list and not node.args.posonlyargs
            return node if is_plain else None
    return None


def _names_bound_by(node: ast.AST) -> list[str]:
    """Return the names that a part of a program, itself, gives a meaning to; `*` is any."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return [node.name]
    if isinstance(node, ast.alias):
        return [node.asname or node.name]
    if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
        return [node.id]
    return []


def _parameters(arguments: ast.arguments) -> dict[str, bool]:
    """Return the keywords that a function takes, each with whether it has to be given."""
    without = len(arguments.args) - len(arguments.defaults)
    needed = {one.arg: at < without for at, one in enumerate(arguments.args)}
    pairs = zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    return needed | {one.arg: default is None for one, default in pairs}
