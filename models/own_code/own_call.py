"""Calling a function of the user's in the middle of training: what it raises, and where."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch

from sweeps.models.errors import ModelError, OwnFunctionError
from sweeps.models.own_code.finding_apart import find_apart
from sweeps.models.own_code.guards import broken_rule

__all__ = ["OwnCall", "called"]

# Another attempt, alone on the machine or on another one, may not meet them.
_PASSING = (MemoryError, OSError, torch.OutOfMemoryError)


@contextmanager
def called(rule: str, error: Callable[[str], ModelError], named: str = "") -> Iterator[None]:
    """Turn what the user's code raises into an error that says where; what may pass stays as it is.

    Args:
        rule: what the function must do; the message goes on with how it failed.
        error: makes the error from a message.
        named: what it is called where it raised by itself, and the rule is not why; else empty.

    Raises:
        ModelError: as `error`.
    """
    try:
        yield
    except (ModelError, *_PASSING):
        raise
    except Exception as err:
        raise error(broken_rule(rule, err, named)) from err


class OwnCall:
    """A function that the sweep file names, with its options.

    What is wrong with it would be wrong again, so no trial is tried a second time for it.
    """

    def __init__(self, target: str, key: tuple[str, ...], options: Mapping[str, Any]) -> None:
        """Finds the function.

        Args:
            key: where it is named.

        Raises:
            OwnFunctionError: there is no such module or function.
        """
        self._function = find_apart(target, OwnFunctionError, key)
        self._target, self._key, self._options = target, key, options

    def __call__(self, **given: Any) -> Any:
        """What the function returns.

        Args:
            given: what it takes before its options, in order, under the names for messages.

        Raises:
            OwnFunctionError: it raised.
        """
        names = ", ".join([*given, *self._options])
        with called(f"the function must take {names}", self.refused, "the function"):
            return self._function(*given.values(), **self._options)

    def refused(self, rule: str, hint: str = "") -> OwnFunctionError:
        """Return the error that the function breaks a rule."""
        return OwnFunctionError(
            rule, key=self._key, value=self._target, hint=hint, is_permanent=True
        )
