"""A program that runs beside this process, and not longer: see `supervisor`."""

from __future__ import annotations

import json
import select
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sweeps.models.process import supervisor

__all__ = ["ChildProgram", "ProgramEnd"]

# Beyond what a program is given to end in, for its supervisor to see to it.
_SLACK_S = 20.0


@dataclass(frozen=True)
class ProgramEnd:
    """How a program has ended.

    Attributes:
        code: what it returned, or minus the number of the signal that ended it; None where it was
            ended from here.
        error: why it could not be started; empty where it was.
    """

    code: int | None = None
    error: str = ""


class ChildProgram:
    """One program with its processes, from its start to its end."""

    def __init__(
        self,
        words: Sequence[str],
        folder: Path,
        environment: Mapping[str, str],
        output: Path,
        grace_s: float,
    ) -> None:
        """Starts it.

        Args:
            words: the program and its arguments; it is looked for on the environment's PATH.
            folder: where it starts.
            output: what it prints is added to this file.
            grace_s: seconds from SIGTERM to SIGKILL, where it has to end.

        Raises:
            OSError: the file or the folder cannot be used.
        """
        self._grace_s = grace_s
        self._end: ProgramEnd | None = None
        command = [sys.executable, "-I", "-S", supervisor.__file__, str(grace_s), *words]
        with output.open("ab") as file:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=file,
                cwd=folder,
                env=environment,
                start_new_session=True,
            )
        self._process.wait()  # the supervisor goes on as nobody's child

    def wait(self, timeout_s: float) -> ProgramEnd | None:
        """Return how it has ended, or None where it still runs after some seconds."""
        if self._end is None:
            assert self._process.stdout is not None
            # Unlike select.select, it takes file descriptors from 1024 on.
            waiting = select.poll()
            waiting.register(self._process.stdout, select.POLLIN)
            if waiting.poll(1000 * timeout_s):
                self._end = _read_end(self._process.stdout.read())
                self._let_go()
        return self._end

    def stop(self) -> None:
        """End it, and every process of its own: SIGTERM, and after a while SIGKILL."""
        if self._end is not None:
            return
        assert self._process.stdin is not None
        self._process.stdin.close()
        if self.wait(self._grace_s + _SLACK_S) is None:
            self._end = ProgramEnd()  # its supervisor is left to it
            self._let_go()

    def _let_go(self) -> None:
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()


def _read_end(line: bytes) -> ProgramEnd:
    if not line:
        return ProgramEnd(error="its supervisor was killed")
    return ProgramEnd(**json.loads(line))
