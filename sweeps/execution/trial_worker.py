"""Trains one planned trial at a time, from one report to the next, wherever it runs.

Both runners use this class, so that a trial's numbers cannot depend on who runs it. Weights, and
a checkpoint where one is due, are on disk before the report that mentions them is sent: after a
kill the next worker repeats at most the work since, and the same numbers come out again.
"""

from __future__ import annotations

import errno
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

import torch

from sweeps.definition.own_files import make_importable
from sweeps.definition.planning import PlannedTrial
from sweeps.execution.held_code import HeldCode
from sweeps.execution.requirements import unmet
from sweeps.execution.watchdog import Watchdog
from sweeps.execution.work_order import WorkOrder
from sweeps.models.configuration import TrialConfig
from sweeps.models.errors import ModelError
from sweeps.models.own_code.finding_apart import find_apart
from sweeps.models.own_code.guards import described, guarded, is_ctrl_c
from sweeps.models.own_code.own_processes import adopt_orphans
from sweeps.models.own_code.roles import OwnFunction, metric_functions, trial_functions
from sweeps.models.process.process_state import ProcessState
from sweeps.models.splits.splits import TrainDev
from sweeps.models.training.file_header import checked, with_checksum
from sweeps.models.training.program_run import FolderError, ProgramPlace, StopAskedError
from sweeps.models.training.training import Training
from sweeps.models.training.weights import pack
from sweeps.models.trial_kinds import AnyTrialConfig, is_own_training, is_program, read_trial
from sweeps.record.kept_weights import checkpoint_name, weights_name
from sweeps.record.seals import text_seal
from sweeps.record.sweep_record import Outcome
from sweeps.record.trial_report import TrialReport
from sweeps.storage.files import BucketFiles

__all__ = ["TrialWorker"]

# A trial reports at least this often, so that a person sees progress and a kill costs little.
REPORT_PERIOD_S = 2.0
_WARM_UP_BATCHES = 3
_LONGEST_TRACE = 20_000
_OF_CODE = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    NameError,
    RuntimeError,
    TypeError,
    ValueError,
)
# An object store's ledger is this much behind, at most.
_STORE_LAG_S = 10.0


class TrialWorker:
    """Holds the data once and trains the trials that it is given, one after the other."""

    def __init__(
        self, order: WorkOrder, should_stop: Callable[[int], bool] = lambda _: False
    ) -> None:
        """Take up no trial yet.

        Args:
            should_stop: Asked of a trial while its program is waited for; in the driver's own
                process alone, as others are ended from outside.
        """
        self._order = order
        self._should_stop = should_stop
        self._code = HeldCode(order.code, order.import_paths)
        self._objective = replace(order.objective, recorded=order.metrics)
        self._trial: PlannedTrial | None = None
        self._training: Training | None = None
        self._reported = self._saved = self._kept_from = 0
        self._reports: deque[tuple[float, int]] = deque()
        self._process: ProcessState | None = None
        self._notice = ""
        self._watchdog = Watchdog(order.stacks, order.timeout_s if order.kill_when_late else None)
        if order.inputs is not None:
            first = order.trials[min(order.trials)].configuration
            suffix = "" if is_program(first) else ".py"  # a program may read any file beside it
            order.inputs.copy_to(Path(order.import_paths[0]), suffix)
        if not is_program(order.trials[min(order.trials)].configuration):
            adopt_orphans()  # those of a program end with it
        make_importable(*order.import_paths)
        torch.set_num_threads(order.threads)

    def warm_up(self) -> None:
        """Train a few batches of a linear net and forget it.

        The first step in a process imports much of torch (1.5 to 2 s), which would otherwise
        stand in the first trial's epoch time. The user's own net may hang or kill the process,
        so it is not what this is done with.
        """
        first = self._order.trials[min(self._order.trials)]
        if is_own_training(first.configuration):
            return  # and what it imports of torch is its own affair
        try:
            config = _without_own_code(first)
            few = _first_batches(self._order.data[0], config.training.batch_size)
            Training(config, few, self._objective, first.seed).train_epoch()
        except Exception:
            return  # the trial itself will meet this error and record it

    def start(self, index: int, planned: PlannedTrial | None = None) -> None:
        """Take up trial `index`; its work begins, or continues, at the next `advance`.

        Args:
            planned: The trial, where the order does not have it.
        """
        self.stop()
        self._trial = planned or self._order.trials[index]
        self._reported = self._order.recorded.get(index, 0)
        self._kept_from = 0
        self._reports.clear()

    def stop(self) -> None:
        """Let go of the current trial, and put back what it changed in this process."""
        self._close()
        self._put_back()
        self._trial = None

    def advance(self) -> TrialReport:
        """Train until the next report is due, and return it; nothing of the trial is raised.

        An error inside the trial is reported as a failure, and the next call continues from the
        last checkpoint: whether there is a next call is for the driver to say.
        """
        if self._trial is None:
            raise AssertionError("advance() before start()")
        report = self._of_held_code(self._trial)
        if report.outcome is not None or report.failure:
            self._close()
            self._put_back()
        notice, self._notice = self._notice, ""
        is_spoilt = self._process is not None and self._process.is_spoilt
        return replace(report, notice=notice, is_spoilt=is_spoilt)

    def _of_held_code(self, trial: PlannedTrial) -> TrialReport:
        """Advance the trial; nothing of code that is not what the session began with counts."""
        is_new = self._training is None and is_program(trial.configuration)
        others = self._code.changed() if is_new else ""
        if not others:
            report = self._attempt(trial)
            has_failed = bool(report.failure) or report.outcome is Outcome.FAILED
            others = self._code.run_otherwise(has_failed=has_failed)
        return TrialReport(trial.index, [], other_code=others) if others else report

    def _attempt(self, trial: PlannedTrial) -> TrialReport:
        index = trial.index
        try:
            with guarded():
                return self._train_to_report(trial)
        except _OutOfTimeError as err:
            return TrialReport(index, [], Outcome.FAILED, str(err))
        except StopAskedError:
            return TrialReport(index, [])
        except _UnsavedError as err:
            return TrialReport(index, [], unsaved=str(err), errno=err.number)
        except FolderError as err:
            return TrialReport(index, [], unsaved=str(err), errno=err.error.errno or 0)
        except BaseException as err:  # what is no Exception, and `sys.exit`, too
            if is_ctrl_c(err):
                raise
            self._close()
            if isinstance(err, ModelError) and err.is_permanent:
                return TrialReport(index, [], Outcome.FAILED, described(err))
            return TrialReport(index, [], failure=_describe(err), is_code_error=_is_of_code(err))
        finally:
            self._watchdog.rest()

    def _train_to_report(self, trial: PlannedTrial) -> TrialReport:
        if self._training is None:
            self._watch(trial, 0.0)
            self._take_process(trial)
            self._training = self._continue_or_begin(trial)
            self._saved = self._training.epoch
        training = self._training
        require = self._order.require
        if require and training.epoch == 0 and (why := unmet(require, training.sizes)):
            return TrialReport(trial.index, [], Outcome.REJECTED, why, sizes=training.sizes)
        training.drop_rows(self._recorded_for_good())
        self._watch(trial, training.trained_s)
        due = time.monotonic() + REPORT_PERIOD_S
        # A restored checkpoint may be ahead of the ledger: a report was lost in a kill. Send it.
        lost_report = training.epoch > self._reported
        if lost_report and not self._reported:
            training.measure_sizes()
        while self._outcome(training) is None and not lost_report:
            training.train_epoch()
            self._refuse_late(training)
            is_due = self._is_milestone(training.epoch) or time.monotonic() >= due
            if is_due and training.epoch > self._reported:
                break
        with _of_the_sweep():
            weights = self._save(trial, training)
        rows = [row for row in training.history if row["epoch"] > self._reported]
        sizes = {} if self._reported else training.sizes
        self._reported = training.epoch
        outcome = self._outcome(training)
        return TrialReport(
            trial.index, rows, outcome, training.reason, weights=weights, sizes=sizes
        )

    def _watch(self, trial: PlannedTrial, trained_s: float) -> None:
        with _of_the_sweep():
            self._watchdog.watch(trial.index, trained_s)

    def _close(self) -> None:
        """End what the current training runs outside this process."""
        training, self._training = self._training, None
        if training is not None:
            training.close()

    def _take_process(self, trial: PlannedTrial) -> None:
        """Have this process as it was before the first trial, with the trial's modules imported.

        Not earlier: warming up imports parts of torch, which change some of it.
        """
        self._process = self._process or ProcessState()
        own = [
            *trial_functions(trial.configuration),
            *metric_functions(self._order.metrics),
        ]
        modules = dict.fromkeys(one.target.partition(":")[0] for one in own)
        self._process.begin(" ".join(modules), partial(_import, own))

    def _put_back(self) -> None:
        if self._trial is None or self._process is None:
            return
        names = self._process.put_back()
        if names:
            what = f"trial {self._trial.index} left changed for other trials"
            self._notice = f"{what}: {', '.join(names)}; it was put back"

    def _recorded_for_good(self) -> int:
        """Return the epoch up to which the ledger has the rows, wherever it has to be read.

        The report before this one is in it; an object store gets it some seconds later.
        """
        now = time.monotonic()
        self._reports.append((now, self._reported))
        lag_s = _STORE_LAG_S if isinstance(self._order.checkpoints, BucketFiles) else 0.0
        while self._reports and now - self._reports[0][0] >= lag_s:
            self._kept_from = self._reports.popleft()[1]
        return self._kept_from

    def _outcome(self, training: Training) -> Outcome | None:
        if training.outcome is None and training.epoch == self._order.last_epoch:
            return Outcome.COMPLETED
        return None if training.outcome is None else Outcome(training.outcome)

    def _is_milestone(self, epoch: int) -> bool:
        return self._order.milestones is None or epoch in self._order.milestones

    def _begin(self, trial: PlannedTrial) -> Training:
        order = self._order
        place = ProgramPlace(
            order.programs / f"{trial.index:06d}",
            Path(order.import_paths[0] if order.import_paths else "."),
            order.threads,
            order.timeout_s,
            partial(self._should_stop, trial.index),
        )
        return Training(_config(trial), order.data, self._objective, trial.seed, place)

    def _continue_or_begin(self, trial: PlannedTrial) -> Training:
        training = self._begin(trial)
        name = checkpoint_name(trial.index)
        content = self._order.checkpoints.read(name)
        if content is not None:
            try:
                training.restore(checked(content))
            except Exception:
                # Damaged, or written by other code: the same epochs come out again from scratch.
                self._order.checkpoints.delete(name)
                training = self._begin(trial)
        return training

    def _save(self, trial: PlannedTrial, training: Training) -> dict[str, Any] | None:
        """Write what a kill needs; returns which weights were written, as TrialReport has it."""
        weights = None
        if training.best_epoch is not None and training.best_epoch > self._reported:
            content = pack(training.best_weights, _about(trial, training))
            self._order.weights.write(weights_name(trial.index, training.best_epoch), content)
            weights = {"epoch": training.best_epoch, "digest": text_seal(content)}
        is_due = training.epoch - self._saved >= self._order.checkpoint_every
        if is_due and _config(trial).resumes and self._outcome(training) is None:
            content = with_checksum(training.checkpoint())
            self._order.checkpoints.write(checkpoint_name(trial.index), content, durable=False)
            self._saved = training.epoch
        return weights

    def _refuse_late(self, training: Training) -> None:
        limit_s = self._order.timeout_s
        if limit_s is not None and training.trained_s > limit_s:
            raise _OutOfTimeError(f"trained for more than trial.timeout_s = {limit_s:g} s")


def _is_of_code(error: BaseException) -> bool:
    """Return whether an error is of a kind that code raises by itself: a wrong shape, type or key.

    So is what ends a program, such as sys.exit, which neither a device nor a library raises.
    torch says with a RuntimeError that shapes do not fit, and with kinds of it that a device is
    out of memory or broken.
    """
    if isinstance(error, ModelError | torch.OutOfMemoryError | torch.AcceleratorError):
        return False
    return isinstance(error, _OF_CODE) or not isinstance(error, Exception)


class _OutOfTimeError(Exception):
    """A trial went past its time limit between two epochs."""


class _UnsavedError(Exception):
    """Weights or a checkpoint could not be written."""

    def __init__(self, error: OSError) -> None:
        super().__init__(str(error))
        self.number = error.errno or 0


@contextmanager
def _of_the_sweep() -> Iterator[None]:
    """Take what cannot be written for a fault of the sweep's folder, which ends no trial."""
    try:
        yield
    except OSError as err:
        if err.errno == errno.EMFILE:  # of this process: the trial's own files, and its fault
            raise
        raise _UnsavedError(err) from err


def _about(trial: PlannedTrial, training: Training) -> dict[str, Any]:
    """Return what is to be known of a trial's weights.

    Without the seconds, so that the same epochs trained again leave the same file.
    """
    row = training.best_row or {}
    metrics = {name: value for name, value in row.items() if name != "epoch_s"}
    answers = {"predicts": True} if training.predicts else {}
    return {"trial": trial.index, "hash": trial.hash, "seed": trial.seed, "metrics": metrics,
            "configuration": trial.configuration, **answers}  # fmt: skip


def _import(functions: Sequence[OwnFunction]) -> None:
    """Import the modules of a trial; what is wrong with one is met again when it is called."""
    for one in functions:
        with suppress(ModelError):
            find_apart(one.target, ModelError, one.role.path)


def _without_own_code(trial: PlannedTrial) -> TrialConfig:
    """Return a trial's configuration with a linear net, steps of torch's and the task's loss."""
    optimizer = {**trial.configuration["optimizer"], "groups": []}
    if optimizer["kind"] == "custom":
        optimizer = {"kind": "SGD"}
    ours: dict[str, Any] = {
        "model": {"kind": "linear"},
        "optimizer": optimizer,
        "loss": {"kind": "auto"},
        "batch": None,
        "changes": [],
    }
    return TrialConfig.model_validate({**trial.configuration, **ours})


def _config(trial: PlannedTrial) -> AnyTrialConfig:
    return read_trial(trial.configuration)


def _first_batches(data: TrainDev, batch_size: int | Literal["full"]) -> TrainDev:
    """Return `data` with train rows for a few batches: one row each would take long for all."""
    rows = None if batch_size == "full" else _WARM_UP_BATCHES * batch_size
    weights = None if data.weights is None else data.weights[:rows]
    return replace(data, x_train=data.x_train[:rows], y_train=data.y_train[:rows], weights=weights)


def _describe(error: BaseException) -> str:
    """Return `Type: message` and then the traceback."""
    trace = "".join(traceback.format_exception(error))
    left = len(trace) - _LONGEST_TRACE
    if left > 0:
        # Its end says most: the last lines of the code, and the error.
        trace = f"({left:,} characters left out)...{trace[-_LONGEST_TRACE:]}"
    return f"{described(error)}\n{trace}"
