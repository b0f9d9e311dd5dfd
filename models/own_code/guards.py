"""Guards around the user's own code, wherever it is called: what it ends, prints or raises.

It may call `sys.exit`, print by the megabyte, or raise what has no readable text. None of that may
end the command, stand in its answer, or hide what happened.
"""

from __future__ import annotations

import os
import sys
import sysconfig
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any, NoReturn

from sweeps.models.own_code.own_processes import noted_processes

__all__ = ["described", "described_at", "guarded"]

_LONGEST_MESSAGE = 2_000


@contextmanager
def guarded() -> Iterator[None]:
    """Run the user's code: what it prints goes to standard error, and `os._exit` is an exception.

    Standard output is for a command's answer. `os._exit` would end it with a code of success and
    without a word; processes that the code itself has forked end by it as ever. Those that
    it leaves running are noted.
    """
    ours, end = os.getpid(), os._exit

    def exit_of_user(status: Any = 0) -> NoReturn:
        if os.getpid() != ours:
            end(status)
        raise SystemExit(status)

    os._exit = exit_of_user
    try:
        with redirect_stdout(sys.stderr), noted_processes():
            yield
    finally:
        os._exit = end


def described(error: BaseException) -> str:
    """Return `Type: message`, cut where it is long; for errors of which `str` itself fails, too."""
    try:
        message = str(error)
    except BaseException as err:  # its text is the user's code, too
        message = f"(its text cannot be read: str() raised {type(err).__name__})"
    if len(message) > _LONGEST_MESSAGE:
        left = len(message) - _LONGEST_MESSAGE
        message = f"{message[:_LONGEST_MESSAGE]}... ({left:,} more characters)"
    name = type(error).__name__
    return f"{name}: {message}" if message else name


def described_at(error: BaseException) -> str:
    """Return `Type: message at file.py:7`, of the last line that is no library's, nor ours."""
    libraries = tuple({sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib")})
    for frame, line in [*traceback.walk_tb(error.__traceback__)][::-1]:
        path = frame.f_code.co_filename
        is_ours = frame.f_globals.get("__name__", "").partition(".")[0] == "sweeps"
        if not is_ours and not path.startswith(("<frozen ", *libraries)):
            return f"{described(error)} at {Path(path).name}:{line}"
    return described(error)
