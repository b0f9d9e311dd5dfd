"""Sweeps in processes of their own, for tests that kill them."""

from __future__ import annotations

import ctypes
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil

from tests.sweeps.sweep_files import custom_model, own_net, space, write_sweep

__all__ = [
    "EVERY_EPOCH",
    "PROJECT",
    "Driver",
    "counted_sweep",
    "driver",
    "epochs_trained",
    "events",
    "run_command",
    "wait_for",
]

PROJECT = Path(__file__).resolve().parents[2]
# Reports after every epoch, and never prunes: no sweep has so many trials.
EVERY_EPOCH = "{scheduler: median, min_samples: 1000}"
# From linux/prctl.h and linux/capability.h.
_PR_CAPBSET_DROP, _CAP_DAC_OVERRIDE = 24, 1
_LIBC = ctypes.CDLL(None)
_MARK = "SWEEPS_TEST_DRIVER"
_COUNT = """        if self.training:
            with (HERE / 'epochs.log').open('a') as log: log.write(f'{self.number}\\n')
            time.sleep(EPOCH_S)
"""
_WAIT = """            while len((HERE / 'epochs.log').read_text().split()) >= WAITS_AT:
                if (HERE / 'go').exists(): break
                time.sleep(0.01)
"""


def counted_sweep(
    folder: Path,
    module: str,
    body: str = "",
    *,
    trials: int = 6,
    epochs: int = 9,
    epoch_s: float = 0.03,
    waits_at: int | None = None,
    **sections: str,
) -> Path:
    """Write a sweep whose nets write a line in epochs.log for each epoch that they train.

    Args:
        module: A name of its own for each test.
        body: More lines of the net, as in `own_net`.
        epoch_s: Seconds that an epoch takes at least.
        waits_at: When the nets have begun so many epochs, each waits in its own until there is a
            file `go` beside the sweep file: what the test does then, it does within that epoch,
            however slow the machine is. None never waits.
    """
    wait = "" if waits_at is None else _WAIT.replace("WAITS_AT", str(waits_at))
    target = own_net(folder, module, _COUNT.replace("EPOCH_S", str(epoch_s)) + wait + body)
    models = ", ".join(custom_model(target, number) for number in range(trials))
    text = space(f"{{choice: [{models}]}}", "{kind: adam, lr: 0.05}", epochs=epochs)
    defaults = {
        "search": "{method: grid}",
        "stopping": EVERY_EPOCH,
        "space": text.replace("batch_size: 32", "batch_size: full"),
    }
    return write_sweep(folder, **{**defaults, **sections})


def epochs_trained(folder: Path) -> list[int]:
    """Return the number of the net of each epoch that was trained, in order."""
    log = folder / "epochs.log"
    return [int(line) for line in log.read_text().split()] if log.exists() else []


def events(run: Path, kind: str) -> list[dict[str, Any]]:
    """Return the ledger's events of one kind."""
    if not (run / "ledger.jsonl").exists():
        return []
    lines = (run / "ledger.jsonl").read_text().splitlines(keepends=True)
    found = [json.loads(line) for line in lines if line.endswith("\n")]
    return [event for event in found if event["event"] == kind]


def is_alive(pid: int) -> bool:
    """Whether the process is there, and more than an entry that nobody has fetched."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def wait_for(condition: Callable[[], Any], timeout_s: float = 180) -> None:
    """Wait until `condition` is true."""
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end, f"not within {timeout_s} s"
        time.sleep(0.005)


class Driver:
    """One `python -m sweeps` in a session of its own, like a terminal's foreground job.

    MLflow is left out, unless `environment` says where it is.
    """

    def __init__(
        self,
        *arguments: str | Path,
        cwd: Path = PROJECT,
        ignored: int | None = None,
        **environment: str,
    ) -> None:
        self._name = f"{os.getpid()}-{time.monotonic_ns()}"
        self.process = subprocess.Popen(
            [sys.executable, "-m", "sweeps", *map(str, arguments)],
            cwd=cwd,
            env={**os.environ, "MLFLOW_TRACKING_URI": "none", _MARK: self._name, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            # As in a terminal: what runs in the background of a script ignores Ctrl-C.
            preexec_fn=lambda: _as_a_user(ignored),
        )

    def signal(self, number: int) -> None:
        """Send a signal to the driver alone."""
        self.process.send_signal(number)

    def signal_group(self, number: int) -> None:
        """Send a signal to all of the foreground job, as Ctrl-C does."""
        os.killpg(self.process.pid, number)

    def wait_for_line(self, words: str) -> None:
        """Wait until it prints a line with these words; `wait` tells some of what comes after."""
        assert self.process.stdout is not None
        said = []
        for line in self.process.stdout:
            said.append(line)
            if words in line:
                return
        raise AssertionError(f"it never said {words!r}: {''.join(said)}")

    def wait(self, timeout_s: float = 300) -> tuple[int, str]:
        """Return the exit code and all that was printed."""
        output, _ = self.process.communicate(timeout=timeout_s)
        return self.process.returncode, output

    def left_running(self) -> list[str]:
        """Return the command lines of processes that this driver started and that still run."""
        found = []
        for process in self._started():
            with suppress(psutil.Error):  # it ended just now
                found.append(" ".join(process.cmdline()))
        return found

    def _started(self) -> Iterator[psutil.Process]:
        for process in psutil.process_iter():
            try:
                is_ours = process.environ().get(_MARK) == self._name
                if is_ours and process.status() != psutil.STATUS_ZOMBIE:
                    yield process
            except psutil.Error:
                continue

    def end(self) -> None:
        """Kill what is left of it."""
        for process in self._started():
            with suppress(psutil.Error):
                process.send_signal(signal.SIGKILL)
        self.process.wait()
        if self.process.stdout:
            self.process.stdout.close()


def _as_a_user(ignored: int | None) -> None:
    """Hear Ctrl-C, and be held to the modes of files, also where the tests are run by root."""
    _LIBC.prctl(_PR_CAPBSET_DROP, _CAP_DAC_OVERRIDE, 0, 0, 0)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    if ignored is not None:
        signal.signal(ignored, signal.SIG_IGN)


@contextmanager
def driver(
    *arguments: str | Path, cwd: Path = PROJECT, ignored: int | None = None, **environment: str
) -> Iterator[Driver]:
    """Start a driver, which ignores one signal if asked; nothing of it runs after the block."""
    one = Driver(*arguments, cwd=cwd, ignored=ignored, **environment)
    try:
        yield one
    finally:
        one.end()


def run_command(*arguments: str | Path, cwd: Path = PROJECT, **environment: str) -> tuple[int, str]:
    """Run one command to its end; returns its exit code and output."""
    with driver(*arguments, cwd=cwd, **environment) as one:
        return one.wait()
