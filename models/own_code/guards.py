"""Guards around the user's own code, wherever it is called: what it ends, prints or raises.

It may call `sys.exit`, print by the megabyte, or raise what has no readable text. None of that may
end the command, stand in its answer, or hide what happened.
"""

from __future__ import annotations

import io
import os
import signal
import sys
import sysconfig
import traceback
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from contextvars import ContextVar
from pathlib import Path
from typing import Any, NoReturn

from sweeps.models.own_code.own_processes import noted_processes

__all__ = ["broken_rule", "described", "described_at", "guarded", "is_ctrl_c", "unheard"]

_LONGEST_MESSAGE = 2_000
_IS_HEARD: ContextVar[bool] = ContextVar("_IS_HEARD", default=True)


@contextmanager
def guarded() -> Iterator[None]:
    """Run the user's code: what it prints goes to standard error, and `os._exit` is an exception.

    Standard output is for a command's answer, and inside `unheard` so is standard error. `os._exit`
    would end it with a code of success and without a word; processes that the code itself has
    forked end by it as ever. Those that it leaves running are noted.
    """
    ours, end = os.getpid(), os._exit

    def exit_of_user(status: Any = 0) -> NoReturn:
        if os.getpid() != ours:
            end(status)
        raise SystemExit(status)

    os._exit = exit_of_user
    try:
        with _redirected(), noted_processes():
            yield
    finally:
        os._exit = end


@contextmanager
def unheard() -> Iterator[None]:
    """Have what the user's code prints in this thread shown nowhere."""
    token = _IS_HEARD.set(False)
    try:
        yield
    finally:
        _IS_HEARD.reset(token)


@contextmanager
def _redirected() -> Iterator[None]:
    with ExitStack() as stack:
        if not _IS_HEARD.get():
            stack.enter_context(redirect_stderr(_Nowhere()))
        stack.enter_context(redirect_stdout(sys.stderr))
        yield


class _Nowhere(io.TextIOBase):
    """A text stream that keeps nothing of what it is given."""

    def write(self, text: str) -> int:
        return len(text)


def is_ctrl_c(error: BaseException) -> bool:
    """Return whether Ctrl-C has raised this, and not the user's code of its own accord.

    Python's own handler leaves no trace: where it is the one in place, all are taken for Ctrl-C.
    """
    if not isinstance(error, KeyboardInterrupt):
        return False
    handler = signal.getsignal(signal.SIGINT)
    if handler is signal.default_int_handler:
        return True
    function = getattr(handler, "__func__", handler)
    code = getattr(function, "__code__", None) or type(handler).__call__.__code__
    return any(frame.f_code is code for frame, _ in traceback.walk_tb(error.__traceback__))


def described(error: BaseException) -> str:
    """Return `Type: message`, cut where it is long; for errors of which `str` itself fails, too."""
    try:
        message = str(error)
    except BaseException as err:  # its text is the user's code, too
        message = f"(its message cannot be shown: str() raised {type(err).__name__})"
    if len(message) > _LONGEST_MESSAGE:
        left = len(message) - _LONGEST_MESSAGE
        message = f"{message[:_LONGEST_MESSAGE]}... ({left:,} more characters)"
    name = type(error).__name__
    return f"{name}: {message}" if message else name


def described_at(error: BaseException) -> str:
    """Return `Type: message at file.py:7`, of the last line that is no library's, nor ours."""
    place = _last_own_line(error)
    return f"{described(error)} at {place}" if place else described(error)


def broken_rule(rule: str, error: BaseException, named: str = "") -> str:
    """What a function of the user's did instead of what it must.

    Args:
        rule: what it must do.
        named: what it is called where it raised by itself, and the rule is not why; else empty.
    """
    if isinstance(error, SystemExit):
        return f"{rule}, but ended the program ({described_at(error)})"
    # Where a line of the user's raised, the function was called as it can be.
    if named and _last_own_line(error):
        return f"{named} raised {described_at(error)}"
    return f"{rule}, but raised ({described_at(error)})"


def _last_own_line(error: BaseException) -> str:
    libraries = tuple({sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib")})
    for frame, line in [*traceback.walk_tb(error.__traceback__)][::-1]:
        path = frame.f_code.co_filename
        is_ours = frame.f_globals.get("__name__", "").partition(".")[0] == "sweeps"
        if not is_ours and not path.startswith(("<frozen ", *libraries)):
            return f"{Path(path).name}:{line}"
    return ""
