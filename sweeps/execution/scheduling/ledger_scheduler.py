"""A scheduler and the ledger: every decision is recorded, and all are rebuilt from the record.

No runner saves a scheduler. On a resume a new one is told, in the same order, what the ledger says
that the last one was told, so that decisions follow from all the results that exist.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from sweeps.definition.exploring import Explorer
from sweeps.definition.lineage import Copy
from sweeps.record.recorder import Recorder
from sweeps.record.steps import Step
from sweeps.record.sweep_record import Outcome
from sweeps.record.trial_report import TrialReport
from sweeps.schedulers.scheduler import OTHERS_WERE_BETTER, Action, Decision, Scheduler

__all__ = ["LedgerScheduler"]

# Their last values count for the others; those of trials that diverged or failed do not.
_WHOLE = {Outcome.COMPLETED, Outcome.EARLY_STOPPED}


class LedgerScheduler:
    """What runners ask: it records their reports, then what the scheduler decides on them."""

    def __init__(
        self, scheduler: Scheduler, recorder: Recorder, explorer: Explorer | None = None
    ) -> None:
        """Tell `scheduler` all that the ledger has, and record what a kill kept from it.

        Args:
            explorer: Draws what copies try, of a scheduler that has trials copy others.
        """
        self.recorder = recorder
        self._explorer = explorer
        self._scheduler = scheduler
        self._over: set[int] = set()
        self._paused: set[int] = set()
        self._last: dict[int, tuple[int, float]] = {}
        self._unrecorded: dict[int, str] = {}
        self._losers: list[int] = []
        self._added = 0
        self._replay()

    def left(self, indices: Iterable[int]) -> list[int]:
        """Return those of `indices` that still have no outcome."""
        trials = self.recorder.record.trials
        return [index for index in indices if trials[index].outcome is None]

    def planned(self) -> None:
        """Tell the scheduler of the trials that were planned since."""
        self._add_up_to(len(self.recorder.record.trials))

    def is_paused(self, index: int) -> bool:
        """Return whether the trial was told to pause, and has not reported since."""
        return index in self._paused

    def reported(self, report: TrialReport) -> Action:
        """Record a report, then return and record what the scheduler decides."""
        is_new = self.recorder.reported(report)
        at = self._point(report)
        if report.outcome is not None and at is not None:
            self._last[report.trial] = at
        if not self.left([report.trial]):
            self.leave(report.trial)
            return Action.STOP
        return self._decide(report.trial, at) if is_new and at is not None else Action.CONTINUE

    def hear(self, steps: Iterable[Step]) -> None:
        """Tell the scheduler what the ledger has of another session."""
        for step in steps:
            self._replay_step(step)

    def leave(self, index: int) -> None:
        """Tell the scheduler, once, that a trial has its outcome."""
        self._end(index)
        self._record_stops()

    def next_trial(self, waiting: Collection[int]) -> int | None:
        """Return which of the waiting trials is next, by the scheduler; None if none may be."""
        return self._scheduler.next_trial(waiting)

    def take_losers(self) -> list[int]:
        """Return the waiting trials that were stopped since the last call, also by hand."""
        self._stop_asked()
        losers, self._losers = self._losers, []
        return losers

    def _stop_asked(self) -> None:
        """Record the end of trials that a person has stopped and no worker is at."""
        for index in self.recorder.asked_to_end():
            if not self.recorder.record.trials[index].is_running:
                self.recorder.stopped_by_hand(index)
                self.leave(index)
                self._losers.append(index)

    def _point(self, report: TrialReport) -> tuple[int, float] | None:
        if not report.rows:
            return None
        last, record = report.rows[-1], self.recorder.record
        value = last[record.objective.metric]
        return int(last["epoch"]), self._compared_value(
            value, record.value(record.trials[report.trial])
        )

    def _compared_value(self, value: float, best: float | None) -> float:
        """Return which of its last and its best value the scheduler is told of a trial."""
        return best if self._scheduler.compares_bests and best is not None else value

    def _decide(self, index: int, at: tuple[int, float]) -> Action:
        decision = self._scheduler.decide(index, *at)
        if decision.seen is not None:
            self.recorder.decided(index, decision.action, decision.seen)
        self._copy()
        self._follow(index, decision)
        self._record_stops()
        return decision.action

    def _copy(self) -> None:
        """Record what the scheduler wants copied, but for what the ledger has already."""
        trials = self.recorder.record.trials
        for one in self._scheduler.take_copyings():
            assert self._explorer is not None, "a scheduler that copies has an explorer"
            trial = trials[one.trial]
            is_recorded = any(copy.epoch == one.epoch for copy in trial.copies)
            if is_recorded or trial.outcome is not None:  # a person may just have stopped it
                continue
            source = self._explorer.source(one.trial, one.epoch, one.best)
            copied = trials[source].trial.configuration
            values = self._explorer.values(one.trial, one.epoch, copied)
            self.recorder.copied(one.trial, Copy(one.epoch, source, values))

    def _follow(self, index: int, decision: Decision) -> None:
        self._paused.discard(index)
        if decision.action is Action.PAUSE:
            self._paused.add(index)
        if decision.action is Action.STOP:
            self._over.add(index)
            self._unrecorded[index] = decision.reason
        self._stop(decision.losers)

    def _stop(self, losers: Iterable[int]) -> None:
        for index in losers:
            self._over.add(index)
            self._paused.discard(index)
            self._unrecorded[index] = OTHERS_WERE_BETTER
            self._losers.append(index)

    def _end(self, index: int) -> None:
        if index in self._over:
            return
        self._over.add(index)
        self._paused.discard(index)
        is_whole = self.recorder.record.trials[index].outcome in _WHOLE
        self._stop(self._scheduler.leave(index, self._last.get(index) if is_whole else None))
        self._copy()

    def _record_stops(self) -> None:
        for index in self.left(self._unrecorded):
            epochs = self.recorder.record.trials[index].epochs
            reason = f"{self._scheduler.name} at epoch {epochs}: {self._unrecorded[index]}"
            self.recorder.ended(index, Outcome.PRUNED, reason)
        self._unrecorded.clear()

    def _replay(self) -> None:
        """Tell the scheduler what the last one was told, in the same order."""
        self.hear(tuple(self.recorder.record.steps))
        self._record_stops()  # those that a kill kept from the ledger
        self._losers.clear()  # no runner has them

    def _replay_step(self, step: Step) -> None:
        match step.kind:
            case "plan":
                self._add_up_to(step.trial)
            case "reopened":
                self._over.discard(step.trial)
                self._last.pop(step.trial, None)
                self._scheduler.add(step.trial)
            case "last_report":
                self._last[step.trial] = (step.epoch, self._compared_value(step.value, step.best))
            case "outcome":
                self._end(step.trial)
            case _ if step.trial not in self._over:
                self._replay_report(step)

    def _add_up_to(self, trials: int) -> None:
        for index in range(self._added, trials):
            self._scheduler.add(index)
        self._added = max(self._added, trials)

    def _replay_report(self, step: Step) -> None:
        told = self._compared_value(step.value, step.best)
        decision = self._scheduler.decide(step.trial, step.epoch, told)
        if decision.seen is not None and self._is_unrecorded(step):
            self.recorder.decided(step.trial, decision.action, decision.seen)
        self._copy()
        self._follow(step.trial, decision)

    def _is_unrecorded(self, step: Step) -> bool:
        """Return whether a kill came between a report and its decision."""
        return self.recorder.record.trials[step.trial].decided < step.epoch
