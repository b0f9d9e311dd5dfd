"""Ray Tune's schedulers behind the ledger: every decision is recorded, and can be rebuilt.

Ray saves no scheduler state. Here the inner Ray scheduler never sees Tune's trials but seats, one
a planned trial; the ledger's reports are replayed into the seats when a sweep is resumed, so that
decisions follow from all the results that exist. Non-finite objectives never reach it.
"""

from __future__ import annotations

import json
import math
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from ray.tune.experiment import Trial
from ray.tune.schedulers import (
    AsyncHyperBandScheduler,
    FIFOScheduler,
    HyperBandScheduler,
    MedianStoppingRule,
    TrialScheduler,
)

from sweeps.recording import Recorder
from sweeps.records import Goal, Outcome, TrialRecord
from sweeps.rungs import OBJECTIVE, TIME_ATTR, AnyStopping
from sweeps.sweep_file import Asha, HyperBand, MedianStopping
from sweeps.trial_report import Report

__all__ = ["LedgerScheduler", "RunningTrial", "build_scheduler"]


_ENDLESS = 10**9


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

    is_saving = False

    def __init__(self, index: int) -> None:
        self.index = index
        self.trial_id = f"{index:06d}"
        self.trial: RunningTrial | None = None
        self.replayed_status = Trial.PENDING

    @property
    def status(self) -> str:
        if self.trial is None:
            return self.replayed_status
        if self.trial.status == Trial.PENDING:
            return self.replayed_status
        return self.trial.status

    def __repr__(self) -> str:
        return f"trial {self.index}"


class LedgerScheduler(TrialScheduler):
    """Passes results to an inner Ray scheduler, and all that happens to the ledger."""

    _supports_buffered_results = False

    def __init__(self, inner: TrialScheduler, recorder: Recorder) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        # Any: the inner scheduler is given seats and a controller of seats, not Ray's own.
        self._inner: Any = inner
        self.recorder = recorder
        self._goal = recorder.record.goal
        self._seats: dict[int, _Seat] = {}
        self._waiting: deque[RunningTrial] = deque()
        self._picks_itself = isinstance(inner, HyperBandScheduler)
        self._replay(recorder.record.trials)

    def on_trial_add(self, controller: Any, trial: RunningTrial) -> None:
        """Give the trial its seat, which a replay may have made before."""
        seat = self._seat(controller, _index(trial))
        seat.trial = trial
        self._waiting.append(trial)

    def on_trial_result(
        self, controller: Any, trial: RunningTrial, result: Mapping[str, Any]
    ) -> str:
        """Record the report, then return and record what the inner scheduler decides."""
        report = Report.from_json(json.loads(result["report"]))
        index = report.trial
        if not self.recorder.reported(report) or report.outcome is not None:
            return str(TrialScheduler.CONTINUE)
        return self._decide(controller, self._seats[index], result)

    def on_trial_complete(
        self, controller: Any, trial: RunningTrial, result: Mapping[str, Any]
    ) -> None:
        """Record how the trial ended, unless its pruning already is."""
        seat = self._seats[_index(trial)]
        report = Report.from_json(json.loads(result["report"]))
        if report.outcome is not None:
            self.recorder.reported(report)
        self._leave(controller, seat, dict(result))

    def on_trial_remove(self, controller: Any, trial: RunningTrial) -> None:
        """Record a trial that the inner scheduler stopped while it was paused."""
        seat = self._seats[_index(trial)]
        self._inner.on_trial_remove(_Controller(controller, self), seat)

    def on_trial_error(self, controller: Any, trial: RunningTrial) -> None:
        """Do nothing: Tune says this of every failed attempt, and most are tried again."""

    def give_up(self, controller: Any, trial: RunningTrial) -> None:
        """Take a trial whose last attempt failed out of the inner scheduler."""
        self._inner.on_trial_remove(_Controller(controller, self), self._seats[_index(trial)])

    def choose_trial_to_run(self, controller: Any) -> Any:
        """Return the next trial in plan order, or the one the inner scheduler wants."""
        if self._picks_itself:
            seat = self._inner.choose_trial_to_run(_Controller(controller, self))
            return None if seat is None else seat.trial
        while self._waiting and self._waiting[0].status != Trial.PENDING:
            self._waiting.popleft()
        return self._waiting[0] if self._waiting else None

    def debug_string(self) -> str:
        """Return the inner scheduler's own description."""
        return str(self._inner.debug_string())

    def prune(self, seat: _Seat, why: str) -> None:
        """Record that the scheduler stopped this trial."""
        epochs = self.recorder.record.trials[seat.index].epochs
        name = type(self._inner).__name__
        self.recorder.ended(seat.index, Outcome.PRUNED, f"{name} at epoch {epochs}: {why}")

    def _decide(self, controller: Any, seat: _Seat, result: Mapping[str, Any]) -> str:
        seen = self._seen(seat, result)
        action = str(self._inner.on_trial_result(_Controller(controller, self), seat, dict(result)))
        if seen is not None:
            self.recorder.decided(seat.index, action, seen)
        if action == TrialScheduler.STOP:
            self.prune(seat, _in_words(seen or {}, result[OBJECTIVE]))
        return action

    def _seen(self, seat: _Seat, result: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return the rung that the coming decision looks at; None where none is taken."""
        if isinstance(self._inner, AsyncHyperBandScheduler):
            return _asha_rung(self._inner, seat, result[TIME_ATTR])
        if isinstance(self._inner, MedianStoppingRule):
            return _median(self._inner, seat, result[TIME_ATTR])
        if isinstance(self._inner, HyperBandScheduler):
            bracket, band = self._inner._trial_info[seat]
            if result[TIME_ATTR] < bracket._cumul_r:
                return None
            return {"rung": bracket._cumul_r, "band": band, "bracket_size": bracket._n0}
        return None

    def _leave(self, controller: Any, seat: _Seat, result: dict[str, Any]) -> None:
        outcome = self.recorder.record.trials[seat.index].outcome
        inner = _Controller(controller, self)
        if outcome in {Outcome.DIVERGED, Outcome.FAILED} or self._picks_itself:
            self._inner.on_trial_remove(inner, seat)
        else:
            self._inner.on_trial_complete(inner, seat, result)

    def _seat(self, controller: Any, index: int) -> _Seat:
        if index not in self._seats:
            self._seats[index] = _Seat(index)
            self._inner.on_trial_add(_Controller(controller, self), self._seats[index])
        return self._seats[index]

    def _replay(self, records: Sequence[TrialRecord]) -> None:
        """Rebuild the inner scheduler's state from the reports that the ledger has."""
        if type(self._inner) is FIFOScheduler:
            return
        if not any(record.reports or record.outcome for record in records):
            return
        if self._picks_itself:
            for record in records:
                self._seat(None, record.trial.index)
        # By epoch, then by trial: a synchronous bracket needs all of a rung before the next.
        reports = sorted(
            (epoch, record.trial.index, value)
            for record in records
            for epoch, value in record.reports
        )
        for epoch, index, value in reports:
            self._replay_report(records[index], epoch, value)
        for record in records:
            self._replay_end(record)

    def _replay_report(self, record: TrialRecord, epoch: int, value: float) -> None:
        is_last = epoch == record.epochs
        if math.isnan(value) or (record.outcome is Outcome.DIVERGED and is_last):
            return
        seat = self._seat(None, record.trial.index)
        if seat.replayed_status == Trial.TERMINATED:
            return
        seat.replayed_status = Trial.RUNNING
        if record.outcome is not None and is_last and self._picks_itself:
            self._end_seat(seat)
            return
        result = {TIME_ATTR: epoch, OBJECTIVE: value}
        action = self._inner.on_trial_result(_Controller(None, self), seat, result)
        seat.replayed_status = Trial.PAUSED if action == TrialScheduler.PAUSE else Trial.PENDING

    def _replay_end(self, record: TrialRecord) -> None:
        seat = self._seats.get(record.trial.index)
        if seat is None:
            return
        if record.outcome is not None and seat.replayed_status != Trial.TERMINATED:
            self._end_seat(seat)
        elif seat.replayed_status == Trial.RUNNING:
            seat.replayed_status = Trial.PENDING

    def _end_seat(self, seat: _Seat) -> None:
        seat.replayed_status = Trial.TERMINATED
        if self._picks_itself:
            self._inner.on_trial_remove(_Controller(None, self), seat)


class _Controller:
    """Tune's controller as the inner scheduler may use it: its trials are seats."""

    def __init__(self, controller: Any, scheduler: LedgerScheduler) -> None:
        self._controller = controller
        self._scheduler = scheduler

    def stop_trial(self, seat: _Seat) -> None:
        """Stop a paused trial that lost its rung."""
        if seat.trial is None:
            seat.replayed_status = Trial.TERMINATED
            self._scheduler._inner.on_trial_remove(self, seat)
            return
        self._scheduler.prune(seat, "others of its bracket were better")
        self._controller.stop_trial(seat.trial)


def _index(trial: RunningTrial) -> int:
    return int(trial.config["members"][0])


def _asha_rung(inner: Any, seat: _Seat, epoch: int) -> dict[str, Any] | None:
    """Return the rung that a report at `epoch` enters: its epochs, size and cutoff before it."""
    bracket = inner._trial_info[seat.trial_id]
    for milestone, recorded in bracket._rungs:
        if epoch >= milestone and seat.trial_id not in recorded:
            cutoff = bracket.cutoff(recorded)
            return {
                "rung": milestone,
                "trials": len(recorded),
                "cutoff": None if cutoff is None else float(cutoff) * inner._metric_op,
            }
    return None


def _median(inner: Any, seat: _Seat, epoch: int) -> dict[str, Any] | None:
    if epoch < inner._grace_period:
        return None
    others = [other for other in inner._trials_beyond_time(epoch) if other is not seat]
    means = [inner._running_mean(other, epoch) for other in others]
    finite = sorted(float(mean) for mean in means if mean == mean and abs(mean) != float("inf"))
    middle = len(finite) // 2
    median = None
    if finite:
        median = finite[middle] if len(finite) % 2 else (finite[middle - 1] + finite[middle]) / 2
    return {"trials": len(finite), "median": median}


def _in_words(seen: Mapping[str, Any], value: float) -> str:
    if "cutoff" in seen:
        return f"{value:.6g} is worse than the cutoff {seen['cutoff']:.6g} of {seen['trials']}"
    if seen.get("median") is not None:
        return f"its best is worse than the median {seen['median']:.6g} of {seen['trials']}"
    return "others of its bracket were better"
