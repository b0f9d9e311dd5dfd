"""Whether a user-defined function or class takes the options that it is given, by its text.

Nothing of it is run, as that would take torch. Where the text does not tell, nothing is said.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from pathlib import Path

from sweeps.definition.own_modules import source_of
from sweeps.models.own_code.options_model import MODELLED
from sweeps.models.own_code.roles import OwnFunction
from sweeps.search_spaces.problems import Problem, did_you_mean, nearest

__all__ = ["may_take_model", "option_problems"]

# An option of one of these is no model.
_PLAIN_TYPES = {"int", "float", "str", "bool", "list", "tuple", "dict", "object", "Any"}


def option_problems(own: OwnFunction, folders: Sequence[Path] = ()) -> Iterator[Problem]:
    """Yield what keeps a user-defined function from being called with its options.

    Only a plain function, or a class with a plain `__init__`, at its module's top level tells: no
    decorator, metaclass or second meaning of its name.

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
    is_method = function.name == "__init__"  # of the class that is named: `self` comes first
    known = _parameters(function.args, len(own.role.positional) + is_method)
    lacking = [one for one in given if one not in known and not takes_any]
    if lacking:
        called = f"is called with {', '.join(given)} and the options as keywords"
        rule = f"{target} {called}, but does not accept {' and '.join(lacking)}"
        yield Problem(own.role.path, target, rule)
        return
    if may_take_model(own, folders):
        return  # their names are those of the model's fields
    allowed = tuple(one for one in known if one not in given)
    first = [one.arg for one in function.args.args[: len(own.role.positional) + is_method]]
    place = own.role.options or own.role.path
    meant = set()
    for option in own.options:
        if option in first:
            yield _too_early(own, option)
        elif option not in allowed and not takes_any:
            rule = f"unknown key {option!r}, which {target} does not take"
            meant.add(nearest(option, allowed))
            hint = did_you_mean(option, allowed)
            yield Problem((*place, option), option, rule, allowed, hint, kind="unknown_key")
    for option in allowed:
        is_missing = known[option] and option not in own.options
        if is_missing and option not in meant:
            rule = f"missing key {option!r}, which {target} has no default for"
            yield Problem(place, None, rule, kind="missing_key")


def _too_early(own: OwnFunction, option: str) -> Problem:
    """Return that an option stands where a function gets what it is called with."""
    called = ", ".join(own.role.positional)
    rule = f"{own.target} is called with ({called}) and the options as keywords"
    hint = f"give it these {len(own.role.positional)} parameters before {option!r}"
    return Problem(own.role.path, own.target, rule, hint=hint)


def may_take_model(own: OwnFunction, folders: Sequence[Path] = ()) -> bool:
    """Return whether a function may take its options as one Pydantic model, by its text.

    Then it has one parameter for them, annotated with a class that is imported, or has a base; and
    none of the options is called as it is.
    """
    module, _, name = own.target.partition(":")
    tree = source_of(module, folders) if own.kind in MODELLED else None
    function = None if tree is None else _plain_function(tree, name)
    if tree is None or function is None or function.args.kwarg or function.args.vararg:
        return False
    before = len(own.role.positional) + (function.name == "__init__")
    every = [*function.args.args[before:], *function.args.kwonlyargs]
    taken = [one for one in every if one.arg not in own.role.given]
    if len(taken) != 1 or taken[0].arg in own.options or taken[0].annotation is None:
        return False
    annotation = ast.unparse(taken[0].annotation).strip("'\"")
    if annotation in _PLAIN_TYPES or not annotation.replace(".", "").isidentifier():
        return False
    here = next((one for one in tree.body if getattr(one, "name", "") == annotation), None)
    return here is None or bool(isinstance(here, ast.ClassDef) and here.bases)


def _plain_function(tree: ast.Module, name: str) -> ast.FunctionDef | None:
    """Return the function that a name certainly stands for, of a class its `__init__`.

    None where it cannot be told.
    """
    meanings = sum(not {name, "*"}.isdisjoint(_names_bound_by(node)) for node in ast.walk(tree))
    if meanings != 1:
        return None
    node = next((one for one in tree.body if getattr(one, "name", "") == name), None)
    if isinstance(node, ast.ClassDef):
        node = _plain_init(node)
    if not isinstance(node, ast.FunctionDef) or node.decorator_list or node.args.posonlyargs:
        return None
    return node


def _plain_init(node: ast.ClassDef) -> ast.FunctionDef | None:
    methods = {one.name: one for one in node.body if isinstance(one, ast.FunctionDef)}
    is_plain = not node.decorator_list and not node.keywords and "__new__" not in methods
    return methods.get("__init__") if is_plain else None


def _names_bound_by(node: ast.AST) -> list[str]:
    """Return the names that a part of a program, itself, gives a meaning to; `*` is any."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return [node.name]
    if isinstance(node, ast.alias):
        return [node.asname or node.name]
    if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
        return [node.id]
    return []


def _parameters(arguments: ast.arguments, positional: int) -> dict[str, bool]:
    """Return the keywords that a callable takes, each with whether it has to be given.

    Args:
        positional: How many arguments it is called with before them.
    """
    without = len(arguments.args) - len(arguments.defaults)
    needed = {one.arg: at < without for at, one in enumerate(arguments.args) if at >= positional}
    pairs = zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    return needed | {one.arg: default is None for one, default in pairs}
