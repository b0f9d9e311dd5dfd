"""What Tune is told to do: which trial is next, which are stopped."""

from __future__ import annotations

import json
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import sweeps
from sweeps.execution.frozen_workers import FrozenWorkers
from sweeps.execution.scheduling.ledger_scheduler import LedgerScheduler
from sweeps.execution.tune_scheduler import TuneScheduler
from sweeps.record.ledger import Ledger
from sweeps.record.recorder import Recorder
from sweeps.record.sweep_record import Outcome, SweepRecord
from sweeps.record.trial_report import TrialReport
from sweeps.schedulers.hyperband import HyperBand
from sweeps.schedulers.none import NoScheduler
from sweeps.schedulers.stopping import Stopping
from tests.sweeps.sweep_files import write_sweep

FIFO = NoScheduler(scheduler="none")
HYPERBAND = HyperBand(scheduler="hyperband", reduction_factor=3)


class Waiting:
    """A pending trial as Tune has it."""

    def __init__(self, index: int) -> None:
        self.trial_id, self.status, self.config = str(index), "PENDING", {"members": [index]}

    def init_local_path(self) -> None:
        """Make nothing: this trial has no folder."""


class TuneWithWorkers:
    """What is looked at of Tune: which trials have workers, and which of these are starting."""

    def __init__(self, starting: list[Waiting], queued: list[Waiting]) -> None:
        self._tune_controller = self
        self._trial_to_actor = {trial: trial.trial_id for trial in (*starting, *queued)}
        self._starting = {trial.trial_id for trial in starting}
        self._actor_manager = self
        self.stopped: list[Waiting] = []

    def is_actor_started(self, tracked_actor: str) -> bool:
        return tracked_actor in self._starting

    def stop_trial(self, trial: Waiting) -> None:
        trial.status = "TERMINATED"
        self.stopped.append(trial)


class Sweep:
    """A sweep of iris of which no trial has begun, behind Tune's scheduler."""

    def __init__(self, folder: Path) -> None:
        path = write_sweep(folder, search="{method: random, trials: 9}", budget="{trials: 1}")
        results = sweeps.run(path, runs=folder / "runs", runner="local", tracking_uri="none")
        self._results = results
        self.ledger = Ledger(folder / "ledger.jsonl")
        plan = [one.trial for one in results.record.trials]
        self.record = SweepRecord(plan, results.record.objective)

    def scheduler(self, stopping: Stopping) -> Any:
        file = self._results.folder.read_sweep()
        recorder = Recorder(self._results.folder, self.ledger, self.record, file)
        self.record.apply({"event": "session", "t": 0.0, "trials": len(self.record.trials)})
        inner = stopping.build(self.record.objective, 9)
        frozen = FrozenWorkers(self._results.folder.checkpoints, timeout_s=None)
        return TuneScheduler(LedgerScheduler(inner, recorder), frozen)


@pytest.fixture
def sweep(tmp_path: Path) -> Iterator[Sweep]:
    sweep = Sweep(tmp_path)
    yield sweep
    sweep.ledger.close()


def added(scheduler: Any, trials: int) -> list[Waiting]:
    found = [Waiting(index) for index in range(trials)]
    for trial in found:
        scheduler.on_trial_add(None, trial)
    return found


def report(scheduler: Any, trial: Waiting, epoch: int, loss: float) -> str:
    rows = [{"epoch": one, "dev_loss": loss, "epoch_s": 0.1} for one in range(1, epoch + 1)]
    told = TrialReport(int(trial.trial_id), rows).to_json()
    action = str(scheduler.on_trial_result(None, trial, {"report": json.dumps(told)}))
    trial.status = {"CONTINUE": "RUNNING", "PAUSE": "PAUSED"}.get(action, "TERMINATED")
    return action


def test_a_trial_whose_worker_is_starting_is_not_given_another(sweep: Sweep) -> None:
    scheduler = sweep.scheduler(FIFO)
    first, second, third = trials = added(scheduler, 3)
    assert scheduler.choose_trial_to_run(TuneWithWorkers([], trials)) is first
    assert scheduler.choose_trial_to_run(TuneWithWorkers([first], [second])) is second
    assert scheduler.choose_trial_to_run(TuneWithWorkers([first, second], [])) is third
    assert scheduler.choose_trial_to_run(TuneWithWorkers(trials, [])) is first
    second.status = "RUNNING"
    assert scheduler.choose_trial_to_run(TuneWithWorkers([first], [])) is third


def test_a_trial_that_is_tried_again_comes_after_those_that_wait(sweep: Sweep) -> None:
    scheduler = sweep.scheduler(FIFO)
    first, second, _ = added(scheduler, 3)
    first.status = "RUNNING"
    scheduler.on_trial_error(None, first)
    first.status = "PENDING"
    scheduler.on_trial_add(None, first)
    assert scheduler.choose_trial_to_run(TuneWithWorkers([], [])) is second


def test_a_trial_that_waits_at_a_rung_is_not_chosen_until_the_rung_is_decided(
    sweep: Sweep,
) -> None:
    scheduler = sweep.scheduler(HYPERBAND)
    trials = added(scheduler, 8)  # a bracket of three and one of five, whose first rung is 3
    actions = [report(scheduler, trial, 3, trial.config["members"][0]) for trial in trials[3:7]]
    assert actions == ["PAUSE"] * 4
    assert scheduler.choose_trial_to_run(TuneWithWorkers([], trials[:3])) is trials[0]
    trials[0].status = trials[1].status = trials[2].status = "RUNNING"
    assert scheduler.choose_trial_to_run(TuneWithWorkers([], [])) is trials[7]
    assert report(scheduler, trials[7], 3, 0.5) == "CONTINUE"
    tune = TuneWithWorkers([], [])
    assert scheduler.choose_trial_to_run(tune) is trials[3]
    # Of five, two go on: the one with 0.5 and trial 3.
    assert tune.stopped == [trials[6], trials[5], trials[4]]


def test_losers_of_a_rung_are_stopped_when_the_last_trial_fails_for_good(sweep: Sweep) -> None:
    scheduler = sweep.scheduler(HYPERBAND)
    trials = added(scheduler, 8)
    for trial in trials[3:7]:
        report(scheduler, trial, 3, trial.config["members"][0])
    sweep.record.trials[7].outcome = Outcome.FAILED
    scheduler.give_up(trials[7])
    tune = TuneWithWorkers([], [])
    scheduler.choose_trial_to_run(tune)
    assert [trial.trial_id for trial in tune.stopped] == ["6", "5"]
    assert [str(sweep.record.trials[index].outcome) for index in (5, 6)] == ["pruned"] * 2


def test_what_tune_pickles_of_it_is_empty(sweep: Sweep) -> None:
    assert len(pickle.dumps(sweep.scheduler(FIFO))) < 200
