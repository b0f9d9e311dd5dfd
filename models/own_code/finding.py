"""Finding and calling a user-defined function, given as `package.module:function`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sweeps.models.errors import ModelError
from sweeps.models.own_code.guards import broken_rule, described_at, guarded, is_ctrl_c
from sweeps.models.own_code.imported import import_noted

__all__ = ["call_function", "find_function"]

_COMMAND_LINE = (
    "If it reads the command line, move that under `if __name__ == '__main__':`, which is not run "
    "when it is imported"
)


def find_function(target: str, error: type[ModelError], key: tuple[str, ...]) -> Callable[..., Any]:
    """The function that `package.module:function` names.

    Args:
        target: the module is importable from where the program runs.
        error: what is raised where there is none.
        key: where in the sweep file `target` stands.

    Raises:
        ModelError: as `error`: no such module or function, or it ends the program when imported.
    """
    module_name, _, name = target.partition(":")
    try:
        with guarded():
            module = import_noted(module_name)
    except SystemExit as err:
        rule = f"module {module_name} exited when it was imported ({described_at(err)})"
        raise error(rule, key=key, value=target, hint=_COMMAND_LINE, is_permanent=True) from err
    except BaseException as err:
        if is_ctrl_c(err):
            raise
        rule = f"cannot import module {module_name}: {described_at(err)}"
        hint = "Put it beside the sweep file, in the current folder, or on PYTHONPATH"
        raise error(rule, key=key, value=target, hint=hint) from err
    found = getattr(module, name, None)
    if callable(found):
        return found  # type: ignore[no-any-return]
    public = {key: value for key, value in vars(module).items() if not key.startswith("_")}
    functions = [
        f"{module_name}:{key}"
        for key, value in public.items()
        if callable(value) and getattr(value, "__module__", module_name) == module_name
    ]
    rule = f"module {module_name} must have a function {name}"
    raise error(rule, key=key, value=target, choices=functions)


def call_function(
    function: Callable[[], Any],
    rule: str,
    error: Callable[[str], ModelError],
    named: str = "",
) -> Any:
    """What a function of the user's returns.

    Args:
        rule: what it must do; the message goes on with how it failed.
        error: makes the error from a message.
        named: what it is called where it raised by itself, and the rule is not why; else empty.

    Raises:
        ModelError: as `error`: it raised, or it ended the program.
    """
    try:
        with guarded():
            return function()
    except BaseException as err:
        if is_ctrl_c(err):
            raise
        raise error(broken_rule(rule, err, named)) from err
