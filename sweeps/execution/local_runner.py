"""Runs the trials of a job in this process, one at a time: `--local`.

No Ray, no other process: breakpoints work, and the same plan gives the same records as on Ray,
since the scheduler and the worker are the same.
"""

from __future__ import annotations

from collections import OrderedDict
from functools import partial

from sweeps.execution.job import Job
from sweeps.execution.lost_rows import drop_checkpoints_ahead_of_ledger
from sweeps.execution.scheduling.ledger_scheduler import LedgerScheduler
from sweeps.execution.trial_worker import TrialWorker
from sweeps.record.growing_plan import GrowingPlan
from sweeps.record.recorder import Recorder
from sweeps.schedulers.scheduler import Action

__all__ = ["run_in_process"]


def run_in_process(job: Job) -> None:
    """Train the trials of `job` one after the other; see Job for the contract."""
    drop_checkpoints_ahead_of_ledger(job.order)
    scheduler = LedgerScheduler(job.scheduler, job.recorder, job.explorer)
    waiting = OrderedDict.fromkeys(scheduler.left(job.indices))
    worker = TrialWorker(job.order, partial(_is_to_end, job.recorder))
    try:
        _train_all(waiting, worker, scheduler, job.growing)
    finally:
        worker.stop()  # what a trial changed in this process is put back


def _train_all(
    waiting: OrderedDict[int, None],
    worker: TrialWorker,
    scheduler: LedgerScheduler,
    growing: GrowingPlan | None,
) -> None:
    while not scheduler.recorder.should_stop():
        _drop_losers(waiting, scheduler)
        if not waiting and growing is not None:
            _plan_one_more(waiting, scheduler, growing)
        index = scheduler.next_trial(waiting)
        if index is None:
            return
        del waiting[index]
        if _train(index, waiting, worker, scheduler) is Action.PAUSE:
            waiting[index] = None


def _is_to_end(recorder: Recorder, index: int) -> bool:
    """Return whether what a trial waits for is not worth it any more."""
    return recorder.should_stop() or index in recorder.asked_to_end()


def _plan_one_more(
    waiting: OrderedDict[int, None], scheduler: LedgerScheduler, growing: GrowingPlan
) -> None:
    trial = growing.grow()
    if trial is not None:
        scheduler.planned()
        waiting[trial.index] = None


def _drop_losers(waiting: OrderedDict[int, None], scheduler: LedgerScheduler) -> None:
    for loser in scheduler.take_losers():
        waiting.pop(loser, None)


def _train(
    index: int,
    waiting: OrderedDict[int, None],
    worker: TrialWorker,
    scheduler: LedgerScheduler,
) -> Action:
    """Train a trial until it ends, is pruned or paused, or the sweep must stop."""
    recorder, action = scheduler.recorder, Action.CONTINUE
    recorder.started(index)
    worker.start(index, recorder.record.trials[index].trial)
    while action is Action.CONTINUE and not recorder.should_stop():
        action = scheduler.reported(worker.advance())
        _drop_losers(waiting, scheduler)
    return action
