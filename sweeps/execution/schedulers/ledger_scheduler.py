"""Ray Tune's schedulers behind the ledger: every decision is recorded, and can be rebuilt.

Ray saves no scheduler state. Here the inner Ray scheduler never sees Tune's trials but seats, one
a planned trial; the ledger's reports are replayed into the seats when a sweep is resumed, so that
decisions follow from all the results that exist. Non-finite objectives never reach it.
"""

from __future__ import annotations

import json
import math
from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from ray.tune.experiment import Trial
from ray.tune.schedulers import (
    AsyncHyperBandScheduler,
    FIFOScheduler,
    HyperBandScheduler,
    MedianStoppingRule,
    TrialScheduler,
)

from sweeps.definition.goal import Goal
from sweeps.definition.sweep_file import Asha, HyperBand, MedianStopping
from sweeps.execution.schedulers.inner_scheduler import OTHERS_WERE_BETTER, Rungs, in_words
from sweeps.execution.schedulers.rungs import OBJECTIVE, TIME_ATTR, AnyStopping
from sweeps.record.recording import Recorder
from sweeps.record.records import Outcome, Step
from sweeps.record.trial_report import Report

__all__ = ["LedgerScheduler", "RunningTrial", "build_scheduler"]


_ENDLESS: Any = math.inf  # Ray says int


class RunningTrial(Protocol):
    """What is used of Ray's Trial; the in-process runner has its own."""

    status: str
    trial_id: str
    config: dict[str, Any]


def build_scheduler(stopping: AnyStopping, goal: Goal, max_epochs: int) -> TrialScheduler:
    """Return Ray's scheduler for a `stopping` section; `max_epochs` is the plan's largest."""
    common: dict[str, Any] = {"time_attr": TIME_ATTR, "metric": OBJECTIVE, "mode": goal.mode}
    if isinstance(stopping, Asha):
        return AsyncHyperBandScheduler(
            **common,
            max_t=max(max_epochs, stopping.grace_epochs),
            grace_period=stopping.grace_epochs,
            reduction_factor=stopping.reduction_factor,
        )
    if isinstance(stopping, HyperBand):
        return HyperBandScheduler(
            **common, max_t=max_epochs, reduction_factor=stopping.reduction_factor
        )
    if isinstance(stopping, MedianStopping):
        # An endless time slice: Ray would else pause trials while there are too few to compare.
        return MedianStoppingRule(
            **common,
            grace_period=stopping.grace_epochs,
            min_samples_required=stopping.min_samples,
            min_time_slice=_ENDLESS,
        )
    return FIFOScheduler()  # type: ignore[no-untyped-call]


class _Seat:
    """A planned trial's place in the inner scheduler, taken by a running trial or by a memory."""

    def __init__(self, index: int) -> None:
        self.index = index
        self.trial_id = f"{index:06d}"
        self.trial: RunningTrial | None = None
        self.replayed_status = Trial.PENDING
        self.result: dict[str, Any] = {}
        self.has_left = False

    @property
    def status(self) -> str:
        return self.replayed_status if self.trial is None else self.trial.status

    @property
    def is_saving(self) -> bool:
        return bool(getattr(self.trial, "is_saving", False))

    def __repr__(self) -> str:
        return f"trial {self.index}"


class LedgerScheduler(TrialScheduler):
    """Passes results to an inner Ray scheduler, and all that happens to the ledger."""

    _supports_buffered_results = False

    def __init__(self, inner: TrialScheduler, recorder: Recorder) -> None:
        """Tell `inner` all that the ledger has, and record what a kill kept from being recorded."""
        super().__init__()  # type: ignore[no-untyped-call]
        self.recorder = recorder
        self._rungs = Rungs(inner, recorder.record.goal)
        self._seats: dict[int, _Seat] = {}
        self._waiting: deque[RunningTrial] = deque()
        self._over: deque[RunningTrial] = deque()
        self._overdue: dict[int, str] = {}
        if type(inner) is not FIFOScheduler:  # the other schedulers are subclasses of it
            self._replay()

    def left(self, indices: Iterable[int]) -> list[int]:
        """Return those of `indices` that still have no outcome."""
        trials = self.recorder.record.trials
        return [index for index in indices if trials[index].outcome is None]

    def on_trial_add(self, controller: Any, trial: RunningTrial) -> None:
        """Give the trial its seat, which a replay may have made before."""
        seat = self._seat(_index(trial))
        if seat.replayed_status == Trial.PAUSED:
            trial.status = Trial.PAUSED  # else Tune would start it before its rung is decided
            if isinstance(trial, Trial):
                # Tune asks for it at its end, even if the trial is never started.
                trial.init_local_path()  # type: ignore[no-untyped-call]
        seat.trial, seat.replayed_status = trial, Trial.PENDING
        self._waiting.append(trial)

    def on_trial_result(
        self, controller: Any, trial: RunningTrial, result: Mapping[str, Any]
    ) -> str:
        """Record the report, then return and record what the inner scheduler decides."""
        report = Report.from_json(json.loads(result["report"]))
        seat = self._seats[report.trial]
        is_new = self.recorder.reported(report)
        if self.recorder.record.trials[report.trial].outcome is not None:
            self._leave(controller, seat)
            return str(TrialScheduler.STOP)
        return self._decide(controller, seat, result) if is_new else str(TrialScheduler.CONTINUE)

    def on_trial_complete(
        self, controller: Any, trial: RunningTrial, result: Mapping[str, Any]
    ) -> None:
        """Record how the trial ended, unless its pruning already is."""
        seat = self._seats[_index(trial)]
        report = Report.from_json(json.loads(result["report"]))
        if report.outcome is not None:
            self.recorder.reported(report)
        if report.rows:  # else it ended again, after a kill between its last rows and its outcome
            seat.result = dict(result)
        self._leave(controller, seat)

    def on_trial_remove(self, controller: Any, trial: RunningTrial) -> None:
        """Take a trial that was stopped while it waited out of the inner scheduler."""
        self._leave(controller, self._seats[_index(trial)])

    def on_trial_error(self, controller: Any, trial: RunningTrial) -> None:
        """Do nothing: Tune says this of every failed attempt, and most are tried again."""

    def give_up(self, controller: Any, trial: RunningTrial) -> None:
        """Take a trial whose last attempt failed out of the inner scheduler."""
        self._leave(controller, self._seats[_index(trial)])

    def stop_if_over(self, trial: RunningTrial) -> None:
        """Have a trial that has its outcome stopped before Tune tries it again."""
        if self.recorder.record.trials[_index(trial)].outcome is not None:
            self._over.append(trial)

    def choose_trial_to_run(self, controller: Any) -> Any:
        """Return the next trial in plan order, or the one the inner scheduler wants.

        A trial whose own worker is starting is passed over: Tune would give it the worker that is
        free and stop the one that is coming, again and again where trials are shorter than a
        worker's start, and all but one place would stay empty.
        """
        while self._over:
            controller.stop_trial(self._over.popleft())
        if self._rungs.picks_itself:
            seat = self._rungs.choose(_Controller(controller, self))
            chosen = None if seat is None else seat.trial
            return None if _has_worker_coming(controller, chosen) else chosen
        while self._waiting and self._waiting[0].status != Trial.PENDING:
            self._waiting.popleft()
        pending = [trial for trial in self._waiting if trial.status == Trial.PENDING]
        idle = (trial for trial in pending if not _has_worker_coming(controller, trial))
        return next(idle, pending[0] if pending else None)

    def debug_string(self) -> str:
        """Return the inner scheduler's own description."""
        return self._rungs.debug_string()

    def stop_paused(self, seat: _Seat, controller: Any) -> None:
        """Stop a paused trial that lost its rung."""
        if seat.trial is None:
            self._overdue[seat.index] = OTHERS_WERE_BETTER
            self._leave(None, seat)
            return
        self._prune(seat, OTHERS_WERE_BETTER)
        controller.stop_trial(seat.trial)

    def _prune(self, seat: _Seat, why: str) -> None:
        epochs = self.recorder.record.trials[seat.index].epochs
        reason = f"{self._rungs.name} at epoch {epochs}: {why}"
        self.recorder.ended(seat.index, Outcome.PRUNED, reason)

    def _decide(self, controller: Any, seat: _Seat, result: Mapping[str, Any]) -> str:
        seen = self._rungs.seen(seat, result)
        action = self._rungs.decide(_Controller(controller, self), seat, result)
        if seen is not None:
            self.recorder.decided(seat.index, action, seen)
        if action == TrialScheduler.STOP:
            seat.has_left = True
            self._prune(seat, in_words(seen or {}, result[OBJECTIVE]))
        return action

    def _leave(self, controller: Any, seat: _Seat) -> None:
        """Take a trial that has its outcome out of the inner scheduler, once."""
        if seat.has_left:
            return
        seat.has_left, seat.replayed_status = True, Trial.TERMINATED
        outcome = self.recorder.record.trials[seat.index].outcome
        is_whole = outcome in {Outcome.COMPLETED, Outcome.EARLY_STOPPED}
        result = seat.result if is_whole else None
        self._rungs.leave(_Controller(controller, self), seat, result)

    def _seat(self, index: int) -> _Seat:
        if index not in self._seats:
            self._seats[index] = _Seat(index)
            self._rungs.add(_Controller(None, self), self._seats[index])
        return self._seats[index]

    def _replay(self) -> None:
        """Tell the inner scheduler what it was told before, in the same order."""
        for step in tuple(self.recorder.record.steps):
            if step.kind == "plan":
                self._seats_for(step.trial)
            elif step.kind == "reopened":
                self._seats.pop(step.trial)
                self._seat(step.trial)
            else:
                self._replay_step(self._seat(step.trial), step)
        for index in self.left(self._overdue):
            self._prune(self._seats[index], self._overdue[index])

    def _seats_for(self, trials: int) -> None:
        """Fill HyperBand's brackets in plan order; the others need no order."""
        if self._rungs.picks_itself:
            for index in range(trials):
                self._seat(index)

    def _replay_step(self, seat: _Seat, step: Step) -> None:
        result = {TIME_ATTR: step.epoch, OBJECTIVE: step.value}
        if step.kind == "last_report":
            seat.result = result
        elif step.kind == "outcome":
            self._leave(None, seat)
        elif not seat.has_left:
            self._replay_report(seat, result)

    def _replay_report(self, seat: _Seat, result: dict[str, Any]) -> None:
        trial = self.recorder.record.trials[seat.index]
        seen = self._rungs.seen(seat, result)
        seat.replayed_status = Trial.RUNNING
        action = self._rungs.decide(_Controller(None, self), seat, result)
        if seen is not None and trial.decided < result[TIME_ATTR]:
            self.recorder.decided(seat.index, action, seen)  # the kill came before this line
        seat.replayed_status = Trial.PAUSED if action == TrialScheduler.PAUSE else Trial.PENDING
        if action == TrialScheduler.STOP:
            seat.has_left, seat.replayed_status = True, Trial.TERMINATED
            self._overdue[seat.index] = in_words(seen or {}, result[OBJECTIVE])


class _Controller:
    """Tune's controller as the inner scheduler may use it: its trials are seats."""

    def __init__(self, controller: Any, scheduler: LedgerScheduler) -> None:
        self._controller = controller
        self._scheduler = scheduler

    def stop_trial(self, seat: _Seat) -> None:
        """Stop a paused trial that lost its rung."""
        self._scheduler.stop_paused(seat, self._controller)


def _has_worker_coming(controller: Any, trial: RunningTrial | None) -> bool:
    """Return whether Tune is starting a worker for a trial; the in-process runner never does."""
    tune = getattr(controller, "_tune_controller", None)
    if tune is None or trial is None:
        return False
    actor = tune._trial_to_actor.get(trial)
    return actor is not None and bool(tune._actor_manager.is_actor_started(tracked_actor=actor))


def _index(trial: RunningTrial) -> int:
    return int(trial.config["members"][0])
