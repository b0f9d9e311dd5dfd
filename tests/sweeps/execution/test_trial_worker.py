"""A worker trains to the next report, and has on disk what a kill would need before it reports."""

from __future__ import annotations

import errno
import os
import resource
import signal
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import sweeps
from sweeps.definition.loading import check_sweep
from sweeps.execution.trial_worker import TrialWorker
from sweeps.execution.work_order import WorkOrder
from sweeps.models.data.configuration import DataConfig
from sweeps.models.data.datasets import load_dataset
from sweeps.models.scoring.objective import Objective
from sweeps.models.splits.splits import split_dataset
from sweeps.models.training.device_data import DeviceData
from sweeps.models.training.training import Training
from sweeps.record.sweep_record import Outcome
from sweeps.storage.files import FolderFiles
from tests.sweeps.sweep_files import custom_model, own_net, space, write_sweep


@pytest.fixture
def order(tmp_path: Path) -> WorkOrder:
    planned = check_sweep(write_sweep(tmp_path))[1]
    data = DataConfig.model_validate({"source": "iris"})
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "weights").mkdir()
    return WorkOrder(
        trials={trial.index: trial for trial in planned},
        data=(split_dataset(load_dataset(data, tmp_path), data, 3).train_dev(),),
        objective=Objective("dev_loss", "min"),
        milestones=frozenset({3, 6}),
        checkpoints=FolderFiles(tmp_path / "checkpoints"),
        weights=FolderFiles(tmp_path / "weights"),
        stacks=tmp_path / "checkpoints",
        programs=tmp_path / "programs",
    )


def worker(order: WorkOrder, index: int = 0) -> TrialWorker:
    made = TrialWorker(order)
    made.start(index)
    return made


def curve(rows: list[dict[str, float]]) -> list[dict[str, float]]:
    return [{**row, "epoch_s": 0.0} for row in rows]


def test_reports_come_at_milestones_and_at_the_end(order: WorkOrder) -> None:
    one = worker(order)
    reports = [one.advance() for _ in range(3)]
    assert [[int(row["epoch"]) for row in report.rows][-1] for report in reports] == [3, 6, 9]
    assert [report.outcome for report in reports] == [None, None, Outcome.COMPLETED]


def test_another_worker_continues_from_the_last_report_with_the_same_numbers(
    order: WorkOrder,
) -> None:
    whole = worker(order)
    expected = [whole.advance(), whole.advance(), whole.advance()]
    order.checkpoints.delete("000000.pt")
    worker(order).advance()
    rest = worker(replace(order, recorded={0: 3}))
    assert curve(rest.advance().rows) == curve(expected[1].rows)
    assert curve(rest.advance().rows) == curve(expected[2].rows)


def test_a_report_that_a_kill_lost_is_sent_again_without_training(order: WorkOrder) -> None:
    lost = worker(order).advance()
    assert worker(order).advance().rows == lost.rows


def test_a_lost_report_is_sent_again_alone(order: WorkOrder) -> None:
    one = worker(order)
    one.advance()
    lost = one.advance()
    resumed = worker(replace(order, recorded={0: 3}))
    assert resumed.advance().rows == lost.rows
    assert resumed.advance().outcome is Outcome.COMPLETED


def test_a_worker_that_takes_a_trial_over_sends_what_its_checkpoint_has(order: WorkOrder) -> None:
    one = worker(order)
    one.advance()
    last = one.advance()
    other = worker(order)  # of the same session: what was recorded when it began is none
    assert other.advance().rows == last.rows
    assert [row["epoch"] for row in other.advance().rows] == [7, 8, 9]


def test_a_time_limit_counts_the_epochs_before_a_kill(order: WorkOrder) -> None:
    one = worker(order)
    one.advance()
    trained_s = sum(row["epoch_s"] for row in one.advance().rows)
    late = worker(replace(order, recorded={0: 6}, timeout_s=trained_s))
    report = late.advance()
    assert (report.outcome, report.rows) == (Outcome.FAILED, [])


def test_a_checkpoint_that_cannot_be_written_is_no_failure_of_the_trial(order: WorkOrder) -> None:
    report = worker(replace(order, checkpoints=FolderFiles(order.stacks / "missing"))).advance()
    assert "No such file" in report.unsaved
    assert report.errno == errno.ENOENT
    assert (report.failure, report.outcome, report.rows) == ("", None, [])


def test_a_place_for_stacks_that_cannot_be_written_is_no_failure_of_the_trial(
    order: WorkOrder,
) -> None:
    (order.stacks / "file").touch()
    watched = replace(order, stacks=order.stacks / "file", timeout_s=600, kill_when_late=True)
    report = worker(watched).advance()
    assert report.errno == errno.EEXIST
    assert (report.failure, report.outcome, report.rows) == ("", None, [])


def test_files_that_a_trial_left_open_fail_no_trial_after_it(tmp_path: Path) -> None:
    leaks = "        while self.training and self.number == 1: KEPT.append(open(__file__))"
    target = own_net(tmp_path, "leaks_files", leaks)
    file = tmp_path / "leaks_files.py"
    file.write_text(f"KEPT = []\n{file.read_text()}")
    models = ", ".join(custom_model(target, number) for number in (1, 0))
    path = write_sweep(
        tmp_path,
        search="{method: grid}",
        space=space(f"{{choice: [{models}]}}", "{kind: adam, lr: 0.05}", epochs=1),
        trial="{retries: 0}",
    )
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    highest = max(map(int, os.listdir("/proc/self/fd")))  # of what other tests have opened, too
    resource.setrlimit(resource.RLIMIT_NOFILE, (highest + 256, hard))
    try:
        results = sweeps.run(path, runs=tmp_path / "runs", runner="local", tracking_uri="none")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert [str(one.outcome) for one in results.record.trials] == ["failed", "completed"]
    assert "Too many open files" in results.record.trials[0].reason


def test_too_many_files_that_a_trial_opened_are_a_failure_of_the_trial(order: WorkOrder) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    one = worker(order)
    with ExitStack() as leaked:
        leaked.callback(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        last = leaked.enter_context(Path(os.devnull).open("rb")).fileno()
        resource.setrlimit(resource.RLIMIT_NOFILE, (last, hard))
        report = one.advance()
    assert "Too many open files" in report.failure
    assert (report.unsaved, report.outcome, report.rows) == ("", None, [])
    assert [row["epoch"] for row in one.advance().rows] == [1, 2, 3]


def test_warming_up_leaves_no_trace(order: WorkOrder) -> None:
    TrialWorker(order).warm_up()
    assert [*order.checkpoints.names(), *order.weights.names()] == []


def test_warming_up_trains_a_few_batches_however_many_there_are(
    order: WorkOrder, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = order.trials[0]
    training = {**first.configuration["training"], "batch_size": 1}
    one_by_one = replace(first, configuration={**first.configuration, "training": training})
    batches: list[int] = []
    of_device = DeviceData.__init__

    def counted(self: DeviceData, *arguments: Any) -> None:
        of_device(self, *arguments)
        batches.append(self.batches_per_epoch)

    monkeypatch.setattr(DeviceData, "__init__", counted)
    TrialWorker(replace(order, trials={0: one_by_one})).warm_up()
    assert batches == [3]


def test_advancing_before_a_start_is_our_own_mistake(order: WorkOrder) -> None:
    with pytest.raises(AssertionError, match="before start"):
        TrialWorker(order).advance()


def test_a_checkpoint_is_written_when_enough_epochs_have_passed(order: WorkOrder) -> None:
    path = order.stacks / "000000.pt"
    one = worker(replace(order, checkpoint_every=4))
    one.advance()
    assert not path.exists()
    one.advance()
    assert path.exists()


def test_epochs_since_the_last_checkpoint_are_trained_again_and_reported_once(
    order: WorkOrder,
) -> None:
    whole = worker(order)
    expected = [whole.advance() for _ in range(3)]
    order.checkpoints.delete("000000.pt")
    worker(replace(order, checkpoint_every=100)).advance()
    rest = worker(replace(order, recorded={0: 3}))
    assert curve(rest.advance().rows) == curve(expected[1].rows)
    assert curve(rest.advance().rows) == curve(expected[2].rows)


def _interrupting(number: int, frame: Any) -> None:
    raise KeyboardInterrupt("of a caller's own handler")


class _Interrupts:
    def __call__(self, number: int, frame: Any) -> None:
        raise KeyboardInterrupt

    def handle(self, number: int, frame: Any) -> None:
        raise KeyboardInterrupt


@pytest.mark.parametrize(
    "handler", [_interrupting, _Interrupts(), _Interrupts().handle, signal.default_int_handler]
)
def test_ctrl_c_leaves_a_trial_whatever_handler_a_caller_has_set(
    order: WorkOrder, monkeypatch: pytest.MonkeyPatch, handler: Any
) -> None:
    one, before = worker(order), signal.signal(signal.SIGINT, handler)
    monkeypatch.setattr(Training, "train_epoch", lambda self: os.kill(os.getpid(), signal.SIGINT))
    try:
        with pytest.raises(KeyboardInterrupt):
            one.advance()
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_net_that_raises_keyboard_interrupt_has_failed(
    order: WorkOrder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(self: Training) -> None:
        raise KeyboardInterrupt("of the net")

    before = signal.signal(signal.SIGINT, _interrupting)
    monkeypatch.setattr(Training, "train_epoch", interrupted)
    try:
        report = worker(order).advance()
    finally:
        signal.signal(signal.SIGINT, before)
    assert report.failure.startswith("KeyboardInterrupt: of the net")
    assert report.is_code_error  # it would be met again: no third attempt
