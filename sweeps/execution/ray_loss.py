"""Ends a session whose Ray is lost, before Ray ends the process without a word.

Ray's calls may wait for a minute for a part that never comes back, and Ray then ends this process
from its own code, as if there were nothing to say.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from subprocess import Popen
from typing import Any

from ray._private import ray_constants
from ray._private import worker as ray_worker
from ray.exceptions import RayError

from sweeps.errors import STOPPED_EXIT_CODE, ClusterError
from sweeps.models.own_code.guards import described
from sweeps.record.recorder import Recorder
from sweeps.record.stops import Stop, StopReason

__all__ = ["Loss", "interruption", "loss_in_words", "lost_part", "watched_parts"]

_PERIOD_S = 0.5
# What ends every process of a job ends Ray's parts, too, maybe before this one hears of it.
_SIGNAL_S = 2.0
_PARTS = (ray_constants.PROCESS_TYPE_RAYLET, ray_constants.PROCESS_TYPE_GCS_SERVER)


@dataclass(frozen=True)
class Loss:
    """What is done when Ray is lost.

    Attributes:
        end_within_s: How long Ray has to let go of this process; then it is ended.
        kill: Ends what Ray would leave running then.
    """

    recorder: Recorder
    over: threading.Event
    end_within_s: float = 15.0
    kill: Callable[[], None] = lambda: None

    def end(self, error: ClusterError, detail: str) -> None:
        """Have the session end with `error`; where Ray holds it, end the process with its code.

        A session that a signal has stopped is stopped, and not lost.
        """
        stop = interruption(self.recorder)
        if stop is None:
            self.recorder.end_with(error, StopReason.CLUSTER_LOST, detail)
        if self.over.wait(self.end_within_s):
            return
        self.recorder.end(self.recorder.stop)
        stopped = f"Stopped: {stop}. What was reported is kept: `resume` the sweep"
        words = f"error: {error}" if stop is None else stopped
        print(words, file=sys.stderr, flush=True)
        self.kill()
        os._exit(error.exit_code if stop is None else STOPPED_EXIT_CODE)


def interruption(recorder: Recorder) -> Stop | None:
    """Return why a person or a manager has stopped the session; None where nobody has."""
    until = time.monotonic() + _SIGNAL_S
    while recorder.stop is None and time.monotonic() < until:
        time.sleep(0.05)
    stop = recorder.stop
    return stop if stop is not None and stop.reason is StopReason.INTERRUPTED else None


@contextmanager
def watched_parts(recorder: Recorder) -> Iterator[None]:
    """Stop what `recorder` records when a process of this machine's Ray ends."""
    over = threading.Event()
    loss = Loss(recorder, over, end_within_s=8.0, kill=_kill)

    def watch() -> None:
        while not over.wait(_PERIOD_S):
            if lost := lost_part():
                loss.end(*loss_in_words(lost))
                return

    threading.Thread(target=watch, name="ray", daemon=True).start()
    try:
        yield
    except Exception as err:  # of Ray's calls; what is lost says more than they
        if not (lost := lost_part()) and not isinstance(err, RayError):
            raise
        if interruption(recorder) is not None:
            return
        error, detail = loss_in_words(lost or described(err).splitlines()[0])
        recorder.end_with(error, StopReason.CLUSTER_LOST, detail)
    finally:
        over.set()


def _parts() -> Mapping[str, Popen[bytes]]:
    """Return the processes without which no trial is trained; none of a Ray started elsewhere."""
    node = ray_worker._global_node
    started: Mapping[str, Any] = {} if node is None else node.all_processes
    return {name: started[name][0].process for name in _PARTS if name in started}


def lost_part() -> str:
    """Return which process of this machine's Ray has ended, and how; empty while all run."""
    codes = ((name, process.poll()) for name, process in _parts().items())
    return next((f"its {name} {_how(code)}" for name, code in codes if code is not None), "")


def loss_in_words(lost: str) -> tuple[ClusterError, str]:
    """Return the error that a session ends with, and the detail for its record."""
    detail = f"Ray on this machine was lost ({lost})"
    kept = "what was reported is kept: `resume` the sweep, with --local if Ray is lost again"
    return ClusterError(f"{detail}; {kept}"), detail


def _how(code: int) -> str:
    if code >= 0:
        return f"ended with exit code {code}"
    memory = ": was there too little memory?" if code == -signal.SIGKILL else ""
    return f"was killed by {signal.Signals(-code).name}{memory}"


def _kill() -> None:
    for process in _parts().values():
        process.kill()
