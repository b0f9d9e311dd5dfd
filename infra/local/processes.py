"""Processes that are started now and stopped by another command later: written down in a file."""

from __future__ import annotations

import json
import random
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any

import psutil

from sweeps.infra.whole_file import replace_file

__all__ = ["ProcessError", "Processes", "free_ports", "refuse_taken"]

_STARTED_WITHIN_S = 90.0
_STOPPED_WITHIN_S = 10.0
_PROC = Path("/proc")
# Above what Ray gives to its workers, below what Linux gives to clients (32768 to 60999): a port
# from there may be some connection's before the server that is to have it has started.
_SERVER_PORTS = range(20000, 32768)


class ProcessError(Exception):
    """A process cannot be started; the message has the end of what it said."""


class Processes:
    """The processes that a folder's state.json names, with their logs beside it.

    A number alone may be another process's by now: each is known by when it started, too.
    """

    def __init__(self, folder: Path, say: Callable[[str], None] = lambda _: None) -> None:
        """Keep them in a folder.

        Args:
            say: Is told what is being started: each may take half a minute.
        """
        self._folder = folder
        self._say = say
        self._state = folder / "state.json"
        self._children: dict[str, subprocess.Popen[bytes]] = {}

    @property
    def facts(self) -> dict[str, Any]:
        """What was written down beside the processes; empty where there is nothing."""
        return dict(self._read()["facts"])

    def begin(self, facts: Mapping[str, Any]) -> None:
        """Write down facts, and that nothing is started yet."""
        self._write({"facts": dict(facts), "processes": {}})

    def end(self) -> None:
        """Forget everything."""
        self._state.unlink(missing_ok=True)

    def pids(self) -> dict[str, int]:
        """Return the ids of what was started and not stopped, in that order."""
        return {name: pid for name, (pid, _) in self._read()["processes"].items()}

    def is_alive(self, name: str) -> bool:
        """Return whether it still runs."""
        found = self._read()["processes"].get(name)
        return found is not None and _is_alive(*found)

    def start(
        self,
        name: str,
        command: Sequence[str],
        environment: Mapping[str, str],
        is_ready: Callable[[], bool],
        user: str | None = None,
    ) -> None:
        """Start a process in a session of its own, and wait until it is ready.

        Args:
            user: Whom it runs as; None for the one who starts it.

        Raises:
            ProcessError: It ended, or was not ready in 90 s.
        """
        self._say(f"starting {name}")
        with (self._folder / f"{name}.log").open("wb") as output:
            process = subprocess.Popen(
                command, env=dict(environment), stdout=output, stderr=output, user=user,
                stdin=subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip
        self._children[name] = process
        state = self._read()
        state["processes"][name] = [process.pid, _started(process.pid)]
        self._write(state)
        until = time.monotonic() + _STARTED_WITHIN_S
        while not is_ready():
            if not self.is_alive(name) or time.monotonic() > until:
                raise ProcessError(self._why_not(name))
            time.sleep(0.2)

    def _why_not(self, name: str) -> str:
        """Return the last line of what a process said: that of a traceback is its error."""
        lines = self.log(name).strip().splitlines() or ["it printed nothing"]
        where = self._folder / f"{name}.log"
        return f"{name} did not start: {lines[-1].strip()}; its whole log is in {where}"

    def log(self, name: str) -> str:
        """Return what a process said."""
        path = self._folder / f"{name}.log"
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    def kill(self, name: str) -> None:
        """Kill a process and its children at once, as if their power had gone."""
        if self.is_alive(name):
            _kill(_tree(self.pids()[name]))
        self._forget(name)

    def stop(self, *names: str, by: signal.Signals = signal.SIGTERM) -> list[str]:
        """Ask processes to end, all at once, and kill what is left after 10 s.

        Returns:
            The names of those that still ran.
        """
        alive = [name for name in names if self.is_alive(name)]
        if alive:
            self._say(f"stopping {', '.join(alive)}")
        trees = [_tree(self.pids()[name]) for name in alive]
        for tree in filter(None, trees):
            with suppress(psutil.NoSuchProcess):
                tree[0].send_signal(by)
        _, left = psutil.wait_procs(
            [one for tree in trees for one in tree], timeout=_STOPPED_WITHIN_S
        )
        _kill(left)
        for name in names:
            self._forget(name)
        return alive

    def _read(self) -> dict[str, Any]:
        if not self._state.exists():
            return {"facts": {}, "processes": {}}
        state: dict[str, Any] = json.loads(self._state.read_bytes())
        return state

    def _write(self, state: Mapping[str, Any]) -> None:
        replace_file(self._state, json.dumps(state, indent=2).encode(), durable=False)

    def _forget(self, name: str) -> None:
        if name in self._children:
            self._children.pop(name).wait()
        state = self._read()
        state["processes"].pop(name, None)
        self._write(state)


def free_ports(count: int, besides: Collection[int] = ()) -> list[int]:
    """Return ports of the loopback interface that nobody listens on, and that no client is given.

    Args:
        count: How many; no two are the same.
        besides: Others that are to be used, although nobody listens on them yet.

    Raises:
        ProcessError: There are not that many.
    """
    numbers = random.SystemRandom().sample(_SERVER_PORTS, len(_SERVER_PORTS))
    found = [*islice(filter(_is_free, (one for one in numbers if one not in besides)), count)]
    if len(found) < count:
        wanted = "1 free port is" if count == 1 else f"{count} free ports are"
        places = f"{_SERVER_PORTS[0]} to {_SERVER_PORTS[-1]}"
        raise ProcessError(f"{wanted} needed, and too few of {places} are left")
    return found


def _is_free(port: int) -> bool:
    with socket.socket() as probe, suppress(OSError):
        probe.bind(("127.0.0.1", port))
        return True
    return False


def refuse_taken(port: int, way_out: str) -> None:
    """Raise ProcessError where nobody can listen on a port of the loopback interface."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except (OSError, OverflowError) as err:
            raise ProcessError(f"port {port} cannot be used ({err}); {way_out}") from err


def _is_alive(pid: int, started: float | None) -> bool:
    return started is not None and _started(pid) == started


def _started(pid: int) -> float | None:
    """Return when a process started, as a number that is its own; None for one that has ended.

    Linux says it in clock ticks since boot (proc(5), field 22 of `stat`); psutil's creation time
    adds the time of boot, which moves when the clock is set.
    """
    try:
        if not _PROC.exists():
            process = psutil.Process(pid)
            has_ended = process.status() == psutil.STATUS_ZOMBIE
            return None if has_ended else float(process.create_time())
        # Field 2 is the name in parentheses, which may hold anything; the third is the state.
        fields = (
            (_PROC / str(pid) / "stat")
            .read_text(encoding="utf-8", errors="replace")
            .rpartition(")")[2]
            .split()
        )
    except (psutil.NoSuchProcess, FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] in "ZX" else float(fields[22 - 3])


def _tree(pid: int) -> list[psutil.Process]:
    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    return []


def _kill(processes: Sequence[psutil.Process]) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(processes, timeout=10)
