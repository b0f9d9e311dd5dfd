"""Writes what happens in a running sweep to the ledger, and says when the sweep must stop.

No exception leaves these methods while trials run: a Tune callback that raises would kill the
sweep. What cannot be written is kept in `fatal` and raised when the runner has returned.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from typing import Any

from sweeps.definition.lineage import Copy
from sweeps.definition.sweep_file import Budget, SweepFile
from sweeps.errors import RunFolderError, StorageError, SweepError
from sweeps.record.hangs import timeout_reason, timeout_stack_path
from sweeps.record.kept_weights import KeptWeights, checkpoint_name
from sweeps.record.ledger import Ledger
from sweeps.record.run_folder import RunFolder
from sweeps.record.run_log import log, log_event
from sweeps.record.stops import Stop, StopReason
from sweeps.record.sweep_record import Outcome, SweepRecord, TrialRecord
from sweeps.record.trial_report import TrialReport
from sweeps.storage.files import Files, bucket_of
from sweeps.storage.refusals import is_full, meaning, next_step

__all__ = ["Recorder", "reopen_failed", "too_many_failures"]

# Spot machines come and go; a trial that takes ten nodes down with it is none of their fault.
_MOST_NODE_FAULTS = 10


def too_many_failures(budget: Budget, record: SweepRecord) -> str:
    """Return why a search is given up: more trials failed than it may have; empty if it is not."""
    failed, limit = record.outcomes[Outcome.FAILED], budget.max_failures
    if limit is None or failed <= limit:
        return ""
    return f"{failed} trials failed; budget.max_failures = {limit}"


class Recorder:
    """The one writer of a sweep's ledger while it runs."""

    def __init__(
        self,
        folder: RunFolder,
        ledger: Ledger,
        record: SweepRecord,
        file: SweepFile,
        retries: bool = False,
        spent_s: float = 0.0,
    ) -> None:
        """Write to `ledger` what happens to the trials of `record`.

        Args:
            retries: Failed trials are tried again. They were within the budget of trials when they
                were tried first, and whoever asks for them knows whether the target was reached.
            spent_s: What was used of `budget.time_s` before a pause.
        """
        self.record = record
        self.fatal: SweepError | None = None
        self.stop: Stop | None = None
        self._folder = folder
        self._ledger = ledger
        unlimited = {"trials": None, "target": None} if retries else {}
        self._budget = file.budget.model_copy(update=unlimited)
        self._lost_a_line = False
        self._retries = file.trial.retries
        limit_s = file.budget.time_s
        self._deadline = None if limit_s is None else time.monotonic() + limit_s - spent_s
        self._timeout_s = file.trial.timeout_s
        self._heard: dict[int, float] = {}
        # The error of code of each trial's last attempt, and after how many epochs it came.
        self._met: dict[int, tuple[int, str] | None] = {}
        self._asked_at: dict[int, float] = {}
        self._checkpoints = folder.checkpoint_files
        # An object store is tidied when the ledger has got there, and not in Tune's event loop.
        self._is_eager = bucket_of(folder.path) is None
        limit = file.checkpoints.keep_weights
        self._weights = KeptWeights(folder.weight_files, record, limit, self._is_eager)

    def __getstate__(self) -> dict[str, Any]:
        """Leave nothing in the snapshot that Tune pickles and nobody reads."""
        return {}

    def write(self, event: str, **fields: Any) -> bool:
        """Append one event and take it into account; returns whether it is in the ledger.

        After a line that could not be written no other of a trial is: a shorter one might find
        room, and an outcome without its epochs would be taken for the whole.
        """
        if self._lost_a_line and "trial" in fields:
            return False
        line = {"event": event, "t": round(time.time(), 3), **fields}
        try:
            self._ledger.append(line)
        except StorageError as err:
            self._lost_a_line = True
            self._refused(err, getattr(err.__cause__, "errno", None) or 0)
            return False
        self.record.apply(line)
        log_event(line)
        return True

    def started(self, index: int) -> None:
        """Record that a worker took up the trial."""
        self._heard[index] = time.monotonic()
        self.write("started", trial=index)

    def copied(self, index: int, copy: Copy) -> None:
        """Give a trial the checkpoint of another, then record that it goes on as its copy.

        Where that is lost, the trial begins again: its configuration says the way here.
        """
        record = self.record.trials[index]
        with suppress(OSError):
            self._checkpoints.delete(checkpoint_name(index))
            content = self._checkpoints.read(checkpoint_name(copy.source))
            if content is not None:
                self._checkpoints.write(checkpoint_name(index), content, durable=False)
        before = record.best_epoch
        if self.write("copied", trial=index, **asdict(copy)):
            self._weights.improved(record, before)

    def reported(self, report: TrialReport) -> bool:
        """Record a report; returns whether it held anything new."""
        record = self.record.trials[report.trial]
        self._heard[report.trial] = time.monotonic()
        if report.unsaved:
            advice = next_step(report.errno)
            text = (
                f"cannot write what {self._name(report.trial)} learned: {report.unsaved}; {advice}"
            )
            self._refused(StorageError(text), report.errno)
        if report.other_code:
            self._refuse_code(report.other_code)
            return False
        if report.notice:
            log(logging.WARNING, report.notice)
        if report.failure:
            self.attempt_failed(report.trial, report.failure, is_code_error=report.is_code_error)
        rows = [row for row in report.rows if row["epoch"] > record.epochs]
        if rows and rows[0]["epoch"] != record.epochs + 1:
            self._refuse_gap(record, rows[0]["epoch"])
            return False
        if rows:
            about: dict[str, Any] = {}
            about |= {} if report.outcome is None else {"outcome": report.outcome}
            about |= {} if report.weights is None else {"weights": report.weights}
            about |= {"sizes": report.sizes} if report.sizes and not record.sizes else {}
            before = record.best_epoch
            if not self.write("report", trial=report.trial, epochs=rows, **about):
                return False
            self._weights.improved(record, before)
        elif _has_other_weights(report, record):
            self.write("weights", trial=report.trial, weights=report.weights)
        if report.outcome is not None:
            # One that was rejected has no rows for its sizes to come with.
            self.ended(report.trial, report.outcome, report.reason, report.sizes)
        elif report.trial in self._asked_at:
            self.stopped_by_hand(report.trial)
        self.check_budget()
        return bool(rows)

    def _refuse_gap(self, trial: TrialRecord, epoch: float) -> None:
        """End a session whose worker went on from what the ledger does not have."""
        index = trial.trial.index
        self._checkpoints.delete(checkpoint_name(index))
        text = (
            f"{self._name(index)} reported epoch {epoch:g} after epoch {trial.epochs}: its "
            f"checkpoint does not belong to this ledger and was deleted; resume the sweep to train "
            f"the trial again"
        )
        self.end_with(RunFolderError(text), StopReason.OTHER, "a report is missing")

    def _refuse_code(self, others: str) -> None:
        """End a session of which a worker would train with other code than it began with."""
        text = (
            f"the sweep's own code must stay what it was when this session began, or its trials "
            f"cannot be compared; a trial found another version of: {others}. What was trained "
            f"before is kept. Restore it (`code` in the run folder has a copy) and resume, or "
            f"resume with the changed code: --accept-code (this is recorded). A program must not "
            f"write to files beside the sweep file that its command names: use {{checkpoints}}"
        )
        self.end_with(RunFolderError(text), StopReason.OTHER, "the sweep's own code changed")

    def _name(self, index: int) -> str:
        """Return what messages call a trial: a stage numbers its own from 0."""
        try:
            stage = self._folder.read_description().stage
        except RunFolderError:  # it is gone, which is what the message may be of
            stage = None
        return f"trial {index}" if stage is None else f"trial {index} of {stage}"

    def decided(self, index: int, action: str, seen: Mapping[str, Any]) -> None:
        """Record a scheduler's decision with the rung that it saw."""
        epoch = self.record.trials[index].epochs
        self.write("decision", trial=index, epoch=epoch, action=action, seen=dict(seen))

    def attempt_failed(
        self, index: int, error: str, of_node: bool = False, *, is_code_error: bool = False
    ) -> None:
        """Record an attempt that failed; the trial has failed when it hung or was the last one.

        An error of code that is met twice, in the same words and place, after as many epochs, is
        the last: equal seeds would raise it again.

        Args:
            of_node: The node was lost, or cannot train, which is not the trial's doing: it does not
                count against its retries, but there is an end to these, too.
        """
        self.write("failure", trial=index, error=error, **({"of_node": True} if of_node else {}))
        trial = self.record.trials[index]
        failures, faults = trial.failures, trial.node_faults
        met = (trial.epochs, error) if is_code_error else None
        is_again, self._met[index] = met is not None and self._met.get(index) == met, met
        is_last = is_again or len(failures) - faults > self._retries or faults > _MOST_NODE_FAULTS
        silence = "" if of_node else self._why_silent(index)
        if silence:
            self.ended(index, Outcome.FAILED, silence)
        elif not self.end_if_hung(index) and is_last:
            times = "once" if len(failures) == 1 else f"{len(failures)} times"
            which = "" if len(failures) == 2 else ", the last two times"
            times += f"{which} with the same error, so it was not tried again" if is_again else ""
            last = error.splitlines()[0]
            reason = f"failed {times}; last error: {last}"
            self.ended(index, Outcome.FAILED, reason, error=last)

    def end_if_hung(self, index: int) -> bool:
        """Record that a trial has failed if its worker was ended because it hung."""
        late = timeout_reason(self._folder.checkpoints, index)
        if late:
            self.ended(index, Outcome.FAILED, late)
        return bool(late)

    def _why_silent(self, index: int) -> str:
        """Return why a trial is taken for hung whose worker could leave no stack: its silence."""
        if self._timeout_s is None or self._is_eager or index not in self._heard:
            return ""  # in a folder the stack is found
        used_s = self.record.trials[index].train_s + time.monotonic() - self._heard[index]
        is_late = used_s > self._timeout_s
        late = "timed out: no report within trial.timeout_s; its worker was killed"
        return late if is_late else ""

    def ended(
        self,
        index: int,
        outcome: Outcome,
        reason: str,
        sizes: Mapping[str, float] | None = None,
        *,
        error: str = "",
    ) -> None:
        """Record how a trial ended, once; what nobody needs any more of it is deleted.

        Args:
            sizes: Of its net, where no report had them.
            error: The last attempt's, in one line, where the trial ended by it.
        """
        trial = self.record.trials[index]
        if trial.outcome is not None:
            return
        about: dict[str, Any] = {"outcome": outcome, "reason": reason, "best": trial.best}
        about |= {"sizes": dict(sizes)} if sizes and not trial.sizes else {}
        about |= {"error": error} if error else {}
        if not self.write("outcome", trial=index, **about):
            return
        if outcome is not Outcome.FAILED and self._is_eager:
            self._checkpoints.delete(checkpoint_name(index))
        with suppress(OSError):
            timeout_stack_path(self._folder.checkpoints, index).unlink(missing_ok=True)
        self._weights.ended(self.record.trials[index])
        self.check_budget()

    def ask_to_end(self, index: int) -> None:
        """Have a trial end with its next report, or without one if it waits; from any thread."""
        self._asked_at.setdefault(index, time.monotonic())

    def asked_to_end(self) -> dict[int, float]:
        """Return the trials that are to end by hand and have not, each with when it was asked."""
        asked = dict(self._asked_at)
        return {at: since for at, since in asked.items() if self.record.trials[at].outcome is None}

    def stopped_by_hand(self, index: int) -> None:
        """Record that a person has ended a trial."""
        reason = f"stopped by hand after epoch {self.record.trials[index].epochs}"
        self.ended(index, Outcome.STOPPED_BY_HAND, reason)

    def shares(self, words: str) -> None:
        """Record what other sweeps have of the nodes, where it is not what is known."""
        if words != self.record.nodes.shared:
            self.write("shared", text=words)

    def has_nodes(self, nodes: Sequence[Mapping[str, Any]]) -> None:
        """Record the cluster's nodes (`name`, `cpus`, `gpus` each), where others are known."""
        if nodes and (change := self.record.nodes.change_to(nodes)):
            self.write("nodes", **change)

    def tidy(self) -> None:
        """Delete weights and checkpoints that nobody needs; no worker may write meanwhile."""
        if self.fatal is None:  # else another driver may have the sweep now
            self._weights.tidy()
            with suppress(OSError):  # a store that is away: another time
                self._checkpoints.delete(*self._old_checkpoints())

    def garbage(self) -> list[tuple[Files, str]]:
        """Return what nobody needs while workers write, and where it is; raises OSError."""
        weights = [(self._weights.files, name) for name in self._weights.garbage(is_running=True)]
        return [*weights, *((self._checkpoints, name) for name in self._old_checkpoints())]

    def _old_checkpoints(self) -> list[str]:
        names = self._checkpoints.names()
        over = {
            checkpoint_name(one.trial.index)
            for one in self.record.trials
            if one.outcome not in (None, Outcome.FAILED)
        }
        return [name for name in names if name in over]

    def request_stop(self, reason: StopReason, detail: str) -> None:
        """Ask the runner to stop; the first reason stays."""
        if self.stop is None:
            log(logging.INFO, f"stopping: {detail}")
            self.stop = Stop(reason, detail)

    def end_with(self, error: SweepError, reason: StopReason, detail: str) -> None:
        """Ask the runner to stop, and the session to raise `error` then."""
        if self.fatal is None:
            log(logging.ERROR, str(error))
        self.fatal = self.fatal or error
        self.request_stop(reason, detail)

    def should_stop(self) -> bool:
        """Return whether the sweep must stop now."""
        if self._deadline is not None and time.monotonic() >= self._deadline:
            detail = f"budget.time_s = {self._budget.time_s:g} s is used up"
            self.request_stop(StopReason.BUDGET_TIME, detail)
        return self.stop is not None

    def end(self, stop: Stop | None) -> None:
        """Record the end of the session; `stop` says why trials are left, None that none is."""
        about = {"reason": None} if stop is None else {"reason": stop.reason, "detail": stop.detail}
        self.write("end", **about)

    @property
    def gave_up(self) -> str:
        """Why the search is given up, so that nothing follows it; empty if it is not."""
        return too_many_failures(self._budget, self.record)

    def check_budget(self) -> None:
        """Ask for a stop where the budget of trials, failures or the target is used up."""
        budget, record = self._budget, self.record
        ended = record.outcomes.total()
        if self.gave_up:
            self.request_stop(StopReason.MAX_FAILURES, self.gave_up)
        if budget.trials is not None and ended >= budget.trials and record.is_open:
            detail = f"budget.trials = {budget.trials} trials have ended"
            self.request_stop(StopReason.BUDGET_TRIALS, detail)
        value = None if record.best is None else record.value(record.best)
        if budget.target is not None and value is not None and self._reached(value):
            detail = f"budget.target = {budget.target:g} is reached"
            self.request_stop(StopReason.BUDGET_TARGET, detail)

    def _refused(self, error: StorageError, number: int) -> None:
        reason = StopReason.DISK_FULL if is_full(number) else StopReason.OTHER
        self.end_with(error, reason, meaning(number))

    def _reached(self, value: float) -> bool:
        target = self._budget.target
        return value == target or self.record.objective.better(value, target)


def _has_other_weights(report: TrialReport, record: TrialRecord) -> bool:
    """Return whether epochs that the ledger has were trained again, and left another file."""
    written = report.weights
    if written is None or written["epoch"] != record.best_epoch:
        return False
    return bool(written["digest"] != record.weights_sum)


def reopen_failed(recorder: Recorder, lost: TrialRecord | None = None) -> frozenset[int]:
    """Take back the failures of a sweep; returns the trials that are unfinished again.

    Args:
        lost: A trial whose weights were lost, which is trained again, too.
    """
    failed = [one for one in recorder.record.trials if one.outcome is Outcome.FAILED]
    if lost is not None and lost.outcome is not None and lost not in failed:
        failed.append(lost)
    for trial in failed:
        recorder.write("reopened", trial=trial.trial.index)
    return frozenset(trial.trial.index for trial in failed)
