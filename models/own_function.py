"""Finding a function of the user's own, given as `package.module:function`."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from sweeps.models.errors import ModelError

__all__ = ["find_function"]


def find_function(target: str, error: type[ModelError], key: tuple[str, ...]) -> Callable[..., Any]:
    """The function that `package.module:function` names.

    Args:
        target: the module is importable from where the program runs.
        error: what is raised where there is none.
        key: where in the sweep file `target` stands.

    Raises:
        ModelError: as `error`: no such module or function.
    """
    module_name, _, name = target.partition(":")
    try:
        module = importlib.import_module(module_name)
    except Exception as err:
        rule = f"module {module_name} can be imported, and raised {err!r}"
        hint = "Put it beside the sweep file, where you type the command, or on PYTHONPATH"
        raise error(rule, key=key, value=target, hint=hint) from err
    found = getattr(module, name, None)
    if callable(found):
        return found  # type: ignore[no-any-return]
    public = {key: value for key, value in vars(module).items() if not key.startswith("_")}
    functions = [f"{module_name}:{key}" for key, value in public.items() if callable(value)]
    rule = f"{name} is a function of module {module_name}"
    raise error(rule, key=key, value=target, choices=functions)
