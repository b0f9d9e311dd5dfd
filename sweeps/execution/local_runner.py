"""Runs the trials of a job in this process, one at a time: `--local`.

No Ray cluster, no other process: breakpoints work, and the same plan gives the same records as on
Ray. Schedulers are Ray's own, driven by a controller of a few lines.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ray.tune.experiment import Trial
from ray.tune.schedulers import TrialScheduler

from sweeps.execution.job import Job
from sweeps.execution.lost_rows import discard_gaps
from sweeps.execution.schedulers.ledger_scheduler import LedgerScheduler, build_scheduler
from sweeps.execution.schedulers.tune_result import tune_result
from sweeps.execution.trial_worker import TrialWorker

__all__ = ["run_in_process"]


@dataclass(eq=False)
class _LocalTrial:
    trial_id: str
    config: dict[str, Any]
    status: str = Trial.PENDING
    last_result: dict[str, Any] = field(default_factory=dict)


class _LocalController:
    """What schedulers use of Tune's controller."""

    def __init__(self, scheduler: LedgerScheduler) -> None:
        self._scheduler = scheduler

    def stop_trial(self, trial: _LocalTrial) -> None:
        """End a trial that waits, as Tune's own stop_trial does."""
        if trial.status in (Trial.PENDING, Trial.PAUSED):
            trial.status = Trial.TERMINATED
            self._scheduler.on_trial_remove(self, trial)


def run_in_process(job: Job) -> None:
    """Train the trials of `job` one after the other; see Job for the contract."""
    discard_gaps(job.order)
    recorder = job.recorder
    scheduler = LedgerScheduler(
        build_scheduler(job.stopping, recorder.record.goal, job.max_epochs), recorder
    )
    controller = _LocalController(scheduler)
    for index in scheduler.left(job.indices):
        trial = _LocalTrial(f"{index:06d}", {"members": [index]})
        scheduler.on_trial_add(controller, trial)
    worker = TrialWorker(job.order)
    while not recorder.should_stop():
        chosen = scheduler.choose_trial_to_run(controller)
        if chosen is None:
            return
        _run_until_it_rests(chosen, worker, scheduler, controller)


def _run_until_it_rests(
    trial: Any, worker: TrialWorker, scheduler: LedgerScheduler, controller: _LocalController
) -> None:
    """Train a trial until it ends, is pruned or paused, or the sweep must stop."""
    recorder, index = scheduler.recorder, trial.config["members"][0]
    trial.status = Trial.RUNNING
    recorder.started(index)
    worker.start(index)
    while not recorder.should_stop():
        report = worker.advance()
        trial.last_result = tune_result(report, recorder.record.goal.metric)
        if report.outcome is not None:
            scheduler.on_trial_complete(controller, trial, trial.last_result)
            trial.status = Trial.TERMINATED
            return
        action = scheduler.on_trial_result(controller, trial, trial.last_result)
        if action == TrialScheduler.STOP:
            trial.status = Trial.TERMINATED
            return
        if action == TrialScheduler.PAUSE:
            trial.status = Trial.PAUSED
            return
