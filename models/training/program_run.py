"""A trial's program in the trial's own folder: its command, its surroundings, and what it prints.

parameters.json  the trial's options
metrics.jsonl    what the program reports, of all of its runs
output.log       what it prints, of megabytes the begin and the end
test_...         the same two of the command that measures its test rows
checkpoints/     the program's own: what it saves, it finds again where the trial goes on
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from sweeps.models.own_code.program_command import named_options, placed, split_command
from sweeps.models.process.child_program import ChildProgram, ProgramEnd
from sweeps.models.program_configuration import ProgramTraining
from sweeps.models.training.program_log import ProgramLog
from sweeps.models.training.reported_rows import ReportedRows

__all__ = ["FolderError", "ProgramPlace", "ProgramRun", "StopAskedError", "how_ended"]

# Most programs take a seed of numpy's, of 32 bits; many an argument has a sign.
_SEEDS = 2**31


class StopAskedError(Exception):
    """An epoch is no longer waited for."""


class FolderError(Exception):
    """The trial's folder cannot be written, which is no fault of its program.

    Attributes:
        error: What the operating system refused.
    """

    def __init__(self, error: OSError) -> None:
        super().__init__(str(error))
        self.error = error


@dataclass(frozen=True)
class ProgramPlace:
    """Where a trial's program runs.

    Attributes:
        folder: the trial's own.
        working_dir: where the program starts.
        threads: of libraries that ask OMP_NUM_THREADS.
        timeout_s: seconds that one run of it may take.
        should_stop: asked while an epoch is waited for, which may take hours.
    """

    folder: Path
    working_dir: Path
    threads: int = 1
    timeout_s: float | None = None
    should_stop: Callable[[], bool] = lambda: False


class ProgramRun:
    """One run of a trial's program, from its start.

    Attributes:
        reported: what it reports.
        log: the file that has what it prints.
        metrics: the file that it reports to.
    """

    def __init__(
        self, training: ProgramTraining, seed: int, place: ProgramPlace, is_test: bool = False
    ) -> None:
        """Starts it.

        Args:
            is_test: run the command that measures test rows.

        Raises:
            FolderError: the trial's folder cannot be written.
            OSError: the program cannot be started, or the working directory is not there.
        """
        self._training, self._place = training, place
        self._of_test = "test_" if is_test else ""
        self._given = _given(training, seed, place.folder, f"{self._of_test}metrics.jsonl")
        self.metrics = Path(self._given["metrics"])
        try:
            words = self._take_folder()
        except OSError as err:
            raise FolderError(err) from err
        self._started_s = time.monotonic()
        self._child = ChildProgram(
            words, place.working_dir, self._environment(), self.log, training.grace_s
        )

    def _take_folder(self) -> list[str]:
        """Make the trial's folder ready for a run; returns the words of the command."""
        Path(self._given["checkpoints"]).mkdir(parents=True, exist_ok=True)
        self.reported = ReportedRows(self.metrics)
        words = self._words()
        self.log = self._place.folder / f"{self._of_test}output.log"
        self._log = ProgramLog(self.log, shlex.join(words))
        return words

    def _words(self) -> list[str]:
        """Return the command with this trial's values; writes them as JSON, too."""
        options = self._training.options
        text = json.dumps(options, indent=2) + "\n"
        Path(self._given["parameters"]).write_text(text, encoding="utf-8")
        test, train = self._training.test_command, self._training.command
        command = test if self._of_test and test is not None else train
        return placed(split_command(command), named_options(options), self._given)

    def _environment(self) -> dict[str, str]:
        """Return this process's environment, with what a program asks of its trial.

        `python` is the one that runs this, also where its environment is not activated.
        """
        path = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", "")))
        threads = {"OMP_NUM_THREADS": str(self._place.threads), "PYTHONUNBUFFERED": "1"}
        given = {f"SWEEPS_{name.upper()}": value for name, value in self._given.items()}
        return {**os.environ, **threads, "PATH": path, **given}

    @property
    def is_late(self) -> bool:
        """Whether it runs for longer than it may."""
        limit_s = self._place.timeout_s
        return limit_s is not None and time.monotonic() - self._started_s > limit_s

    def wait(self, timeout_s: float) -> ProgramEnd | None:
        """Return how it has ended, or None where it still runs after some seconds."""
        self._keep_log_small()
        return self._child.wait(timeout_s)

    def stop(self) -> None:
        """End it, and every process of its own."""
        self._child.stop()
        self._keep_log_small()

    def _keep_log_small(self) -> None:
        with suppress(OSError):  # a log that cannot be cut is no fault of the trial's
            self._log.keep_small()

    def forget_saved(self) -> None:
        """Delete what it has saved, so that its next run begins anew."""
        shutil.rmtree(self._given["checkpoints"], ignore_errors=True)

    def printed(self) -> str:
        """Return the last lines that this run has printed."""
        return self._log.last_lines()

    def printed_hint(self) -> str:
        """Return the last lines with where all are, or that there are none."""
        printed = self.printed()
        return (
            f"The end of {self.log}:\n{printed}" if printed else f"It printed nothing: {self.log}"
        )


def how_ended(code: int) -> str:
    """Return how a program failed whose exit code is not 0, a negative one by a signal."""
    if code > 0:
        return f"exit code {code}"
    names = {one.value: one.name for one in signal.Signals}  # those of real time have none
    return f"{names.get(-code, f'signal {-code}')}, which it was sent"


def _given(training: ProgramTraining, seed: int, folder: Path, metrics: str) -> dict[str, str]:
    """Return what stands for the places of a command that are no options."""
    return {
        "parameters": str(folder / "parameters.json"),
        "seed": str(seed % _SEEDS),
        "epochs": str(training.epochs),
        "checkpoints": str(folder / "checkpoints"),
        "metrics": str(folder / metrics),
    }
