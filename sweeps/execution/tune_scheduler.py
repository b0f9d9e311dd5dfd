"""What Tune takes for its scheduler: it passes on what it hears, and does what ours decides."""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import asdict
from typing import Any

from ray.tune.experiment import Trial
from ray.tune.schedulers import TrialScheduler

from sweeps.execution.cluster.sharing import Share
from sweeps.execution.frozen_workers import FrozenWorkers
from sweeps.execution.scheduling.ledger_scheduler import LedgerScheduler
from sweeps.record.trial_report import TrialReport
from sweeps.schedulers.scheduler import Action

__all__ = ["TuneScheduler"]

# Who is asked to end reports within 2 s and an epoch; a worker that hangs never does.
_GRACE_S = 10.0
# Tune compares them by identity.
_TUNES = {
    Action.CONTINUE: TrialScheduler.CONTINUE,
    Action.PAUSE: TrialScheduler.PAUSE,
    Action.STOP: TrialScheduler.STOP,
}


class TuneScheduler(TrialScheduler):
    """Decides nothing itself; a Tune trial is one planned trial, told by its index."""

    _supports_buffered_results = False

    def __init__(
        self, scheduler: LedgerScheduler, frozen: FrozenWorkers, share: Share | None = None
    ) -> None:
        """Pass on to `scheduler`.

        Args:
            share: What the sweep may have of a cluster; None where all is its own.
        """
        super().__init__()  # type: ignore[no-untyped-call]
        self._share = share
        self._scheduler = scheduler
        self._frozen = frozen
        self._trials: dict[int, Trial] = {}  # Tune's, those that are tried again at the end
        self._to_stop: deque[Trial] = deque()

    def __getstate__(self) -> dict[str, Any]:
        """Leave nothing in the snapshot that Tune pickles and nobody reads."""
        return {}

    def on_trial_add(self, controller: Any, trial: Trial) -> None:
        """Take a trial up, for the first time or after an attempt that failed."""
        index = _index(trial)
        is_new = self._trials.pop(index, None) is None
        if is_new and self._scheduler.is_paused(index):
            trial.status = Trial.PAUSED  # else Tune would start it before its rung is decided
        self.stop_if_over(trial)  # by hand, before Tune had it
        self._trials[index] = trial

    def on_trial_result(self, controller: Any, trial: Trial, result: Mapping[str, Any]) -> str:
        """Return what our scheduler decides on the report in `result`."""
        return _TUNES[self._scheduler.reported(_report(result))]

    def on_trial_complete(self, controller: Any, trial: Trial, result: Mapping[str, Any]) -> None:
        """Record how the trial ended, unless its pruning already is."""
        report = _report(result)
        if report.outcome is not None:
            self._scheduler.reported(report)
        self.give_up(trial)
        # Tune stops the trial's worker next, or keeps it for another trial.
        controller._reuse_actors = not report.is_spoilt and not self._has_too_much(controller)

    def on_trial_remove(self, controller: Any, trial: Trial) -> None:
        """Forget a trial that was stopped while it waited."""
        self.give_up(trial)

    def on_trial_error(self, controller: Any, trial: Trial) -> None:
        """Do nothing: Tune says this of every failed attempt, and most are tried again."""

    def give_up(self, trial: Trial) -> None:
        """Forget a trial that has its outcome."""
        self._scheduler.leave(_index(trial))
        self._trials.pop(_index(trial), None)

    def stop_if_over(self, trial: Trial) -> None:
        """Have a trial that has its outcome stopped before Tune tries it again."""
        if not self._scheduler.left([_index(trial)]):
            self._to_stop.append(trial)

    def choose_trial_to_run(self, controller: Any) -> Trial | None:
        """Return the trial that our scheduler takes next, in plan order for most.

        A trial whose own worker is starting is passed over: Tune would give it the worker that is
        free and stop the one that is coming, again and again where trials are shorter than a
        worker's start, and all but one place would stay empty.
        """
        self._frozen.kill(controller._tune_controller)
        self._end_what_does_not_answer(controller)
        self._stop_what_is_over(controller)
        self._share_nodes(controller._tune_controller)
        idle = _Waiting(self._trials, lambda trial: not _has_worker_coming(controller, trial))
        index = self._scheduler.next_trial(idle)
        if index is None:
            index = self._scheduler.next_trial(_Waiting(self._trials, lambda trial: True))
        return None if index is None else self._as_it_is_now(self._trials[index])

    def _as_it_is_now(self, trial: Trial) -> Trial:
        """Have Tune start a trial as what it has become by what it copied."""
        record = self._scheduler.recorder.record.trials[_index(trial)]
        if record.copies:
            planned = json.dumps(record.trial.to_json())
            trial.set_config({**trial.config, "planned": planned})  # type: ignore[no-untyped-call]
        return trial

    def _share_nodes(self, tune: Any) -> None:
        """Record which nodes there are and who else has them; end workers that are too many."""
        if self._share is not None:
            self._scheduler.recorder.has_nodes([asdict(one) for one in self._share.nodes])
            self._scheduler.recorder.shares(self._share.words)
            tune._reuse_actors = not self._has_too_much(tune)

    def _has_too_much(self, tune: Any) -> bool:
        """Return whether a worker is to end with its trial, so that another sweep has its place."""
        if self._share is None:
            return False
        return self._share.is_exceeded_by(self._share.held() - len(tune._stopping_actors))

    def debug_string(self) -> str:
        """Return what this is."""
        return "decides by the ledger"

    def _end_what_does_not_answer(self, controller: Any) -> None:
        """Kill the workers of trials that a person has stopped and that go on without a report."""
        for index, since in self._scheduler.recorder.asked_to_end().items():
            trial = self._trials.get(index)
            if trial is None or trial.status != Trial.RUNNING:
                continue
            if time.monotonic() - since > _GRACE_S:
                self._scheduler.recorder.stopped_by_hand(index)
                self._frozen.kill_worker(controller._tune_controller, trial)

    def _stop_what_is_over(self, controller: Any) -> None:
        losers = (self._trials.get(index) for index in self._scheduler.take_losers())
        self._to_stop.extend(trial for trial in losers if trial is not None)
        while self._to_stop:
            trial = self._to_stop.popleft()
            # Tune asks for it at its end, even if the trial was never started.
            trial.init_local_path()  # type: ignore[no-untyped-call]
            controller.stop_trial(trial)


class _Waiting(Collection[int]):
    """Those of Tune's trials that wait to be started and that `fit`, as they are at the moment."""

    def __init__(self, trials: Mapping[int, Trial], fits: Callable[[Trial], bool]) -> None:
        self._trials = trials
        self._fits = fits

    def __contains__(self, index: object) -> bool:
        return isinstance(index, int) and index in self._trials and self._waits(index)

    def __iter__(self) -> Iterator[int]:
        return (index for index in self._trials if self._waits(index))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def _waits(self, index: int) -> bool:
        trial = self._trials[index]
        return trial.status in (Trial.PENDING, Trial.PAUSED) and self._fits(trial)


def _has_worker_coming(controller: Any, trial: Trial) -> bool:
    """Return whether Tune is starting a worker for a trial."""
    tune = controller._tune_controller
    actor = tune._trial_to_actor.get(trial)
    return actor is not None and bool(tune._actor_manager.is_actor_started(tracked_actor=actor))


def _index(trial: Trial) -> int:
    return int(trial.config["members"][0])


def _report(result: Mapping[str, Any]) -> TrialReport:
    return TrialReport.from_json(json.loads(result["report"]))
