"""A process in which a trial goes on from its checkpoint, and that has trained nothing before.

It begins to import torch while the first process of the rehearsal trains, so that it is waited for
but shortly, and ends with it.
"""

from __future__ import annotations

import os
import pickle
import resource
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sweeps.infra.package import python_path

if TYPE_CHECKING:
    from sweeps.definition.planning import PlannedTrial
    from sweeps.models.scoring.objective import Objective
    from sweeps.models.splits.splits import TrainDev
    from sweeps.rehearsal.rehearsal import Trained

__all__ = ["LIMIT_S", "FreshProcess", "Order", "command_of", "environment_of", "limit_computing"]

LIMIT_S = 20  # of computing, whatever else the machine does


@dataclass(frozen=True)
class Order:
    """All that a process of the rehearsal needs."""

    trials: tuple[PlannedTrial, ...]
    data: tuple[TrainDev, ...]
    objective: Objective
    threads: int
    wants_gpu: bool
    import_paths: tuple[str, ...]
    changing: tuple[str, ...] = ()  # own options that become others, by dotted keys

    def take_place(self) -> None:
        """Make own code importable, and torch use as many threads as a trial's worker."""
        import torch

        from sweeps.definition.own_files import make_importable

        make_importable(*self.import_paths)
        torch.set_num_threads(self.threads)


class FreshProcess:
    """The process, from its start to its answer."""

    def __init__(self) -> None:
        # No pipe: its end would not come while a process that own code has forked holds it open.
        self._answer = tempfile.TemporaryFile()  # noqa: SIM115 - as long as the process
        self._process = subprocess.Popen(
            command_of(__name__),
            stdin=subprocess.PIPE,
            stdout=self._answer,
            stderr=subprocess.DEVNULL,  # the first one's would stay open as long as this one
            env=environment_of(),
        )

    def go_on(self, order: bytes, trial: PlannedTrial, checkpoint: bytes) -> Trained | str:
        """Return what `rehearsal.go_on` does there, or what it raised.

        Args:
            order: the rehearsal's, pickled.

        Raises:
            OSError: a file cannot be read now, or there is too little memory.
            ChildProcessError: the process ended without an answer, or has answered before.
        """
        asked = pickle.dumps((order, trial, checkpoint))
        try:
            self._process.communicate(asked)
        except ValueError as err:
            raise ChildProcessError("a process that continues one trial was asked twice") from err
        self._answer.seek(0)
        if not (said := self._answer.read()):
            raise ChildProcessError(
                f"continuing from a checkpoint in a new process {self._ended()}"
            )
        answer: Trained | str | OSError = pickle.loads(said)
        if isinstance(answer, OSError):
            raise answer
        return answer

    def _ended(self) -> str:
        code = self._process.returncode
        is_limit = code == -signal.SIGXCPU
        return f"computed for more than {LIMIT_S} s" if is_limit else f"ended it with {code}"


def command_of(module: str) -> list[str]:
    """Return the command that runs a module's `main` in a process of its own."""
    return [sys.executable, "-P", "-c", f"import {module} as one; one.main()"]


def environment_of() -> Mapping[str, str]:
    """Return the environment in which it finds this package."""
    return {**os.environ, "PYTHONPATH": python_path()}


def limit_computing() -> None:
    """Limit what this process computes."""
    resource.setrlimit(resource.RLIMIT_CPU, (LIMIT_S, LIMIT_S + 1))


def main() -> None:
    """Go on with the trial that standard input asks for, if any."""
    from sweeps.models.own_code.guards import described, guarded
    from sweeps.models.own_code.own_processes import end_with_parent
    from sweeps.rehearsal.rehearsal import go_on

    end_with_parent()
    limit_computing()
    answer = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # where own code may print
    if asked := sys.stdin.buffer.read():
        packed, trial, checkpoint = pickle.loads(asked)
        order: Order = pickle.loads(packed)
        order.take_place()
        try:
            with guarded():
                done: Trained | str | OSError = go_on(
                    trial, order.data, order.objective, checkpoint
                )
        except (OSError, MemoryError) as err:
            done = OSError(described(err))
        except (Exception, SystemExit) as err:
            done = described(err)
        answer.write(pickle.dumps(done))
        answer.flush()
    os._exit(0)  # whatever own code has left running
