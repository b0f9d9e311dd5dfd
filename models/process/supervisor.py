"""Runs one program, and leaves no process of it behind, whatever ends: it, its parent, or neither.

Not imported: it is a process of its own (`supervisor.py GRACE_S WORD...`), between a worker and
the program, so that the program ends also where the worker is killed and can do nothing more. Its
standard input is the worker's hold on it: when that closes, the program is ended. What it prints is
one line of JSON, when nothing is left: {"code": ...}, null where the program was ended, or
{"error": ...}. The program's own output goes to its standard error.

Only the standard library, and little of it: every trial pays for its start.
"""

from __future__ import annotations

import ctypes
import json
import os
import select
import signal
import subprocess
import sys
import time
from contextlib import suppress

# From linux/prctl.h.
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_LOOK_S = 0.02


def main() -> None:
    """Run the program that the arguments name, to its end or to that of the worker's hold."""
    worker = os.getppid()
    if os.fork():
        os._exit(0)  # Ray kills the children of a worker that ends: be none, to end the program's
    grace_s, words = float(sys.argv[1]), sys.argv[2:]
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # of a terminal or a node that ends: see stdin
    # Whoever loses its parent, a process of the program that went its own way, is ours then.
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)
    try:
        program = subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=2,
            start_new_session=True,
            preexec_fn=_begin,
        )
    except (OSError, subprocess.SubprocessError) as err:
        print(json.dumps({"error": f"{type(err).__name__}: {err}"}), flush=True)
        return
    code = _wait(program, worker)
    _end_all(program.pid, grace_s)
    print(json.dumps({"code": code}), flush=True)


def _begin() -> None:
    """In the program's process: die with this one, and take signals as usual."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


def _wait(program: subprocess.Popen[bytes], worker: int) -> int | None:
    """Return with what code the program has ended; None where the worker is gone, or lets go."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing)
    signal.signal(signal.SIGCHLD, lambda *_: None)  # so that it wakes the select below
    while True:
        code = program.poll()
        if code is not None:
            return code
        # A second: the end of a worker whose hold on us some copy of it has kept open.
        ready, _, _ = select.select([0, reading], [], [], 1.0)
        if reading in ready:
            os.read(reading, 512)
        if 0 in ready or not _runs(worker):
            return None


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass
    return True


def _end_all(group: int, grace_s: float) -> None:
    """Ask what is left of the program to end, and end it where it does not."""
    _send(group, signal.SIGTERM)
    deadline = time.monotonic() + grace_s
    while _is_left(group) and time.monotonic() < deadline:
        time.sleep(_LOOK_S)
    while _is_left(group):
        _send(group, signal.SIGKILL)
        for pid in _descendants(os.getpid()):
            with suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(_LOOK_S)


def _send(group: int, number: signal.Signals) -> None:
    with suppress(OSError):
        os.killpg(group, number)


def _is_left(group: int) -> bool:
    """Return whether any process of the program runs; those that ended are taken note of."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    if _descendants(os.getpid()):
        return True
    try:
        os.killpg(group, 0)
    except OSError:
        return False
    return True


def _descendants(root: int) -> list[int]:
    """Return the processes below one, however far; empty where there is no /proc."""
    parents: dict[int, list[int]] = {}
    for name in os.listdir("/proc") if os.path.isdir("/proc/self") else ():
        if name.isdigit():
            with suppress(OSError, ValueError, IndexError):
                with open(f"/proc/{name}/stat", "rb") as file:
                    # pid (name, which may hold anything) state parent ...
                    parent = int(file.read().rpartition(b")")[2].split()[1])
                parents.setdefault(parent, []).append(int(name))
    found, left = [], [root]
    while left:
        children = parents.get(left.pop(), [])
        found += children
        left += children
    return found


def _prctl(option: int, value: int) -> None:
    """Set a property of this process; without one, where it is no Linux."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


if __name__ == "__main__":
    main()
