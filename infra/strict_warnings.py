"""`-W error` and PYTHONWARNINGS=error are for the user's own code, not for Ray and MLflow.

Both warn of what they themselves will change, now and then where they start: as an error that ends
Ray before a sweep begins, and MLflow's record for ever.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["lenient_children", "lenient_environment", "lenient_warnings"]

_VARIABLE = "PYTHONWARNINGS"


def lenient_environment() -> dict[str, str]:
    """Return this process's environment for a program of others: no warning is an error in it."""
    environment = dict(os.environ)
    if kept := _without_errors(environment.pop(_VARIABLE, "")):
        environment[_VARIABLE] = kept
    return environment


@contextmanager
def lenient_children() -> Iterator[None]:
    """Have the processes that are started meanwhile take no warning for an error."""
    before = os.environ.get(_VARIABLE)
    os.environ[_VARIABLE] = _without_errors(before or "")
    try:
        yield
    finally:
        if before is None:
            del os.environ[_VARIABLE]
        else:
            os.environ[_VARIABLE] = before


@contextmanager
def lenient_warnings() -> Iterator[None]:
    """Have this process, too, take no warning for an error meanwhile."""
    with lenient_children(), warnings.catch_warnings():
        warnings.filters[:] = [one for one in warnings.filters if one[0] != "error"]  # type: ignore[index]
        yield


def _without_errors(filters: str) -> str:
    """Return the filters of PYTHONWARNINGS without those that make an error (`e`, `error::...`)."""
    entries = [one.strip() for one in filters.split(",")]
    actions = [one.partition(":")[0] for one in entries]
    pairs = zip(entries, actions, strict=True)
    return ",".join(one for one, action in pairs if one and not "error".startswith(action or "-"))
