"""Trains one planned trial at a time, from one report to the next, wherever it runs.

Both runners use this class, so that a trial's numbers cannot depend on who runs it. What a worker
needs to continue a trial is on disk before the report that mentions it is sent: after a kill the
next worker repeats at most the work since the last report.
"""

from __future__ import annotations

import faulthandler
import math
import os
import sys
import time
import traceback
from pathlib import Path
from typing import IO

import torch

from models.configuration import TrialConfig
from models.training import Objective, Training
from models.weights import save_weights
from sweeps.planning import PlannedTrial
from sweeps.records import Outcome
from sweeps.trial_report import Report
from sweeps.work_order import WorkOrder

__all__ = ["TrialWorker"]

# A trial reports at least this often, so that a person sees progress and a kill costs little.
REPORT_PERIOD_S = 2.0


class TrialWorker:
    """Holds the data once and trains the trials that it is given, one after the other."""

    def __init__(self, order: WorkOrder) -> None:
        self._order = order
        self._objective = Objective(order.goal.metric, order.goal.mode)
        self._trial: PlannedTrial | None = None
        self._training: Training | None = None
        self._reported = 0
        self._attempts = 0
        self._watched: IO[str] | None = None
        for path in reversed(order.import_paths):
            if path not in sys.path:
                sys.path.insert(0, path)
        torch.set_num_threads(order.threads)

    def warm_up(self) -> None:
        """Train one epoch of the first trial and forget it.

        The first step in a process imports much of torch (1.5 to 2 s), which would otherwise
        stand in the first trial's epoch time.
        """
        first = self._order.trials[min(self._order.trials)]
        try:
            self._begin(first).train_epoch()
        except Exception:
            return  # the trial itself will meet this error and record it

    def start(self, index: int) -> None:
        """Take up trial `index`; its work begins, or continues, at the next `advance`."""
        self.stop()
        self._trial = self._order.trials[index]
        self._reported = self._order.recorded.get(index, 0)
        self._attempts = 0

    def stop(self) -> None:
        """Let go of the current trial."""
        self._unwatch()
        self._trial = self._training = None

    def advance(self) -> Report:
        """Train until the next report is due, and return it.

        An error inside the trial is retried from its last checkpoint as often as the sweep file
        allows; after that the trial's outcome is `failed`. Nothing of it is raised.
        """
        if self._trial is None:
            raise AssertionError("advance() before start()")
        late = self._was_killed_for_being_late(self._trial)
        if late:
            return Report(self._trial.index, [], Outcome.FAILED, late)
        failures: list[str] = []
        while self._attempts <= self._order.retries:
            try:
                return self._train_to_report(self._trial, tuple(failures))
            except _OutOfTimeError as err:
                return Report(self._trial.index, [], Outcome.FAILED, str(err), tuple(failures))
            except Exception as err:
                failures.append(_describe(err))
                self._attempts += 1
                self._training = None
        reason = f"failed {self._attempts} times, at last: {failures[-1].splitlines()[0]}"
        return Report(self._trial.index, [], Outcome.FAILED, reason, tuple(failures))

    def _train_to_report(self, trial: PlannedTrial, failures: tuple[str, ...]) -> Report:
        if self._training is None:
            self._training = self._continue_or_begin(trial)
        training = self._training
        self._watch(trial, training)
        due = time.monotonic() + REPORT_PERIOD_S
        # A restored checkpoint may be ahead of the ledger: a report was lost in a kill. Send it.
        lost_report = training.epoch > self._reported
        while training.outcome is None and not lost_report:
            training.train_epoch()
            self._refuse_late(training)
            is_due = self._is_milestone(training.epoch) or time.monotonic() >= due
            if is_due and training.epoch > self._reported:
                break
        self._save(trial, training)
        rows = training.history[self._reported :]
        self._reported = training.epoch
        outcome = None if training.outcome is None else Outcome(training.outcome)
        return Report(trial.index, rows, outcome, training.reason, failures)

    def _is_milestone(self, epoch: int) -> bool:
        return self._order.milestones is None or epoch in self._order.milestones

    def _begin(self, trial: PlannedTrial) -> Training:
        config = TrialConfig.model_validate(trial.configuration)
        return Training(config, self._order.data, self._objective, trial.seed)

    def _continue_or_begin(self, trial: PlannedTrial) -> Training:
        training = self._begin(trial)
        path = self._checkpoint_path(trial)
        if path.exists():
            try:
                training.restore(path.read_bytes())
            except Exception:
                # Damaged, or written by other code: the same epochs come out again from scratch.
                path.unlink()
                training = self._begin(trial)
        return training

    def _save(self, trial: PlannedTrial, training: Training) -> None:
        if training.best_epoch is not None and training.best_epoch > self._reported:
            row = training.history[training.best_epoch - 1]
            about = {"trial": trial.index, "hash": trial.hash, "seed": trial.seed, "metrics": row,
                     "configuration": trial.configuration}  # fmt: skip
            save_weights(
                self._order.weights / f"{trial.index:06d}.safetensors", training.best_weights, about
            )
        if training.outcome is None:
            path = self._checkpoint_path(trial)
            temporary = path.with_suffix(f".{os.getpid()}.tmp")
            temporary.write_bytes(training.checkpoint())
            temporary.replace(path)

    def _checkpoint_path(self, trial: PlannedTrial) -> Path:
        return self._order.checkpoints / f"{trial.index:06d}.pt"

    def _refuse_late(self, training: Training) -> None:
        limit_s = self._order.timeout_s
        if limit_s is not None and _trained_s(training) > limit_s:
            raise _OutOfTimeError(f"trained for more than trial.timeout_s = {limit_s:g} s")

    def _late_path(self, trial: PlannedTrial) -> Path:
        return self._order.checkpoints / f"{trial.index:06d}.late"

    def _watch(self, trial: PlannedTrial, training: Training) -> None:
        """Have this process end, with its stack on disk, when the trial hangs past its limit."""
        if self._order.timeout_s is None or not self._order.kill_when_late:
            return
        self._unwatch()
        left_s = max(0.1, self._order.timeout_s - _trained_s(training))
        self._watched = self._late_path(trial).open("w")
        # A second beyond the limit: a trial that is slow, not hung, ends itself between epochs.
        faulthandler.dump_traceback_later(math.ceil(left_s + 1), exit=True, file=self._watched)

    def _unwatch(self) -> None:
        if self._watched is not None:
            faulthandler.cancel_dump_traceback_later()
            self._watched.close()
            Path(self._watched.name).unlink(missing_ok=True)
            self._watched = None

    def _was_killed_for_being_late(self, trial: PlannedTrial) -> str:
        path = self._late_path(trial)
        if self._watched is not None or not path.exists() or path.stat().st_size == 0:
            return ""
        return (
            f"hung: killed after trial.timeout_s = {self._order.timeout_s:g} s, at "
            f"{_innermost(path.read_text(errors='replace'))}"
        )


class _OutOfTimeError(Exception):
    """A trial went past its time limit between two epochs."""


def _trained_s(training: Training) -> float:
    return sum(row["epoch_s"] for row in training.history)


def _describe(error: Exception) -> str:
    """Return `Type: message` and then the traceback."""
    return f"{type(error).__name__}: {error}\n" + "".join(traceback.format_exception(error))


def _innermost(stack: str) -> str:
    """Return the innermost frame of faulthandler's dump of the current thread."""
    lines = [line.strip() for line in stack.splitlines()]
    frames = [line for line in lines if line.startswith("File ")]
    return frames[0] if frames else "an unknown place"
