"""Where the process of a command begins and ends."""

from __future__ import annotations

import os
import sys
import threading
import time
from typing import NoReturn

from sweeps.cli.commands import main
from sweeps.cli.output import checked_messages
from sweeps.errors import RequestError
from sweeps.models.own_code.own_processes import end_own_processes

__all__ = ["command"]

# Longer than anything of ours takes to end.
_PATIENCE_S = 5.0


@checked_messages()
def command() -> NoReturn:
    """Run the command that was typed, and end the process with its code."""
    try:
        os.getcwd()
    except FileNotFoundError:
        print("error: the current folder is gone; change to one that exists", file=sys.stderr)
        sys.exit(RequestError.exit_code)
    try:
        code = main()
    finally:
        end_own_processes()
    # Python waits for all threads: a user's thread that never ends would keep the command.
    threading.Thread(target=_end, args=(code,), daemon=True, name="end").start()
    sys.exit(code)


def _end(code: int) -> None:
    time.sleep(_PATIENCE_S)
    print(f"exiting; {_what_runs()}", file=sys.stderr, flush=True)
    os._exit(code)


def _what_runs() -> str:
    names = ", ".join(one.name for one in threading.enumerate() if _keeps_running(one))
    # Python calls what was registered with `atexit` when all threads have ended.
    return (
        f"these threads were still running: {names}"
        if names
        else "a function registered with atexit was still running"
    )


def _keeps_running(thread: threading.Thread) -> bool:
    return not thread.daemon and thread is not threading.main_thread()
