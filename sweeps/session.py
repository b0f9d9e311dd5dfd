"""One session of a sweep: from what is unfinished in a run folder to what came of it."""

from __future__ import annotations

import math
import os
import platform
import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from types import FrameType
from typing import Any, Literal, Self

from models.datasets import load_dataset
from models.preprocessing import preprocessing_to_json
from models.splits import Splits, split_folds
from sweeps.errors import RunFolderError
from sweeps.execution.job import Job
from sweeps.execution.placement import slots
from sweeps.execution.rungs import milestones
from sweeps.execution.work_order import WorkOrder
from sweeps.record.ledger import Ledger, read_events
from sweeps.record.recording import Recorder
from sweeps.record.records import SweepRecord
from sweeps.record.results import Results, restore_results, write_results
from sweeps.record.run_folder import PREPROCESSING, RunFolder, write_atomically
from sweeps.spec.goal import Goal
from sweeps.spec.sweep_file import SweepFile
from sweeps.terminal.progress import Display
from sweeps.tracking.process import TrackingProcess

__all__ = ["Settings", "hold_session", "read_record"]

RunnerName = Literal["ray", "local"]
_VERSIONS = ("ray", "torch", "mlflow", "pydantic", "numpy")


@dataclass(frozen=True)
class Settings:
    """How a session is run; none of it changes a number.

    Attributes:
        runner: `ray`, or `local` for this process alone.
        tracking_uri: Where MLflow's record goes; None leaves MLflow out.
    """

    runner: RunnerName = "ray"
    tracking_uri: str | None = None


def read_record(folder: RunFolder) -> SweepRecord:
    """Return the state of a sweep as its folder has it.

    Raises:
        RunFolderError: The folder is damaged.
    """
    description, plan = folder.read_description(), folder.read_plan()
    goal = Goal(**description["goal"])
    if not folder.ledger.exists():
        folder.refuse_results_without_ledger()
        return SweepRecord(plan, goal)
    try:
        return SweepRecord.of(plan, goal, (event for event, _ in read_events(folder.ledger)))
    except (KeyError, TypeError, ValueError) as err:
        raise RunFolderError(
            f"{folder.ledger} was damaged: an event lacks what it must have ({err!r}); "
            f"restore it from a backup"
        ) from err


def hold_session(folder: RunFolder, action: str, settings: Settings, display: Display) -> Results:
    """Run what is unfinished in `folder`, and leave its results written.

    Args:
        action: What the user asked for, for the ledger: run, resume, extend or retry.

    Raises:
        SweepError: The folder is in use or damaged, the data changed, or the disk is full.
    """
    with ExitStack() as stack:
        stack.enter_context(folder.lock())
        record = read_record(folder)
        if action == "resume" and record.is_finished:
            restore_results(folder, record)
            with TrackingProcess.of(folder, settings.tracking_uri) as tracking:
                tracking.finish()
                return Results(folder, record, _missing_in_mlflow(tracking))
        description = folder.read_description()
        file = folder.read_sweep()
        slots(file.resources)
        splits = _splits(folder, description, file)
        ledger = Ledger(folder.ledger)
        stack.callback(ledger.close)
        recorder = Recorder(folder, ledger, record, file.budget, file.trial.retries)
        signals = stack.enter_context(_Signals(recorder))
        _reopen_failed(recorder, action)
        recorder.write("session", action=action, trials=len(record.trials), **_about(settings))
        tracking = stack.enter_context(TrackingProcess.of(folder, settings.tracking_uri))
        stack.enter_context(display.showing(record, tracking))
        _end_what_hung(recorder)
        with ExitStack() as runner:
            if record.unfinished:
                job = _job(folder, description, file, splits, recorder)
                _run(job, settings, signals, runner)
            if recorder.fatal is None:
                write_results(folder, record)
            # Last of all: a session that has ended has nothing left to write.
            recorder.write("end", reason=recorder.stop_reason if record.unfinished else "")
            display.recording()
            # Ray stops here, while the tracker records the rest.
        tracking.finish()
        missing = _missing_in_mlflow(tracking)
    if recorder.fatal is not None:
        raise recorder.fatal
    return Results(folder, record, missing)


def _missing_in_mlflow(tracking: TrackingProcess) -> str:
    """Return why MLflow lacks a part of the record; empty when it has all."""
    return "" if tracking.is_complete else tracking.error or "it did not answer in time"


def _reopen_failed(recorder: Recorder, action: str) -> None:
    if action != "retry":
        return
    for trial in recorder.record.trials:
        if trial.outcome == "failed":
            recorder.write("reopened", trial=trial.trial.index)


def _end_what_hung(recorder: Recorder) -> None:
    """Record the trials whose worker was ended for them just before its driver was killed."""
    for trial in recorder.record.unfinished:
        recorder.end_if_hung(trial.trial.index)


def _run(job: Job, settings: Settings, signals: _Signals, runner: ExitStack) -> None:
    """Run a job; what it started is stopped when `runner` is left."""
    if settings.runner == "local":
        from sweeps.execution.local_runner import run_in_process

        run_in_process(job)
        return
    if job.recorder.should_stop():
        return
    from sweeps.execution.local_ray import started_ray

    with signals.passing_exits():
        runner.enter_context(started_ray(job.resources))
        signals.catch()  # Ray sets its own while it starts
        from sweeps.execution.ray_runner import run_on_ray

        run_on_ray(job)


def _splits(folder: RunFolder, description: dict[str, Any], file: SweepFile) -> tuple[Splits, ...]:
    """Return the splits of the sweep's data, one for each net of a trial."""
    dataset = load_dataset(file.data, Path(description["base_dir"]))
    if dataset.digest != description["data"]["digest"]:
        raise RunFolderError(
            f"the data {file.data.source} changed since {folder.name} was started, so its trials "
            f"could not be compared; restore the data, or start a new sweep"
        )
    return split_folds(dataset, file.data, file.seed)


def _job(
    folder: RunFolder,
    description: dict[str, Any],
    file: SweepFile,
    splits: tuple[Splits, ...],
    recorder: Recorder,
) -> Job:
    unfinished = recorder.record.unfinished
    max_epochs = max(
        record.trial.configuration["training"]["epochs"] for record in recorder.record.trials
    )
    folder.remove_leftovers()
    preprocessing = preprocessing_to_json([fold.preprocessing for fold in splits])
    write_atomically(folder.path / PREPROCESSING, preprocessing.encode())
    order = WorkOrder(
        trials={record.trial.index: record.trial for record in unfinished},
        data=tuple(fold.train_dev() for fold in splits),
        goal=recorder.record.goal,
        milestones=milestones(file.stopping, max_epochs),
        checkpoints=folder.checkpoints,
        weights=folder.weights,
        recorded={record.trial.index: record.epochs for record in unfinished if record.epochs},
        timeout_s=file.trial.timeout_s,
        threads=math.ceil(file.resources.cpu),
        import_paths=(description["base_dir"],),
    )
    indices = tuple(record.trial.index for record in unfinished)
    return Job(order, indices, file.stopping, max_epochs, file.resources, recorder)


def _about(settings: Settings) -> dict[str, Any]:
    return {
        "runner": settings.runner,
        "pid": os.getpid(),
        "python": platform.python_version(),
        "versions": {name: version(name) for name in _VERSIONS},
    }


class _Signals:
    """Has the first Ctrl-C or SIGTERM stop the sweep cleanly; a second Ctrl-C interrupts."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._is_main = threading.current_thread() is threading.main_thread()
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        if self._is_main:
            numbers = (signal.SIGINT, signal.SIGTERM)
            self._before = {number: signal.getsignal(number) for number in numbers}
        self.catch()
        return self

    def __exit__(self, *error: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def catch(self) -> None:
        """Take the signals over, as long as none has come."""
        for number in () if self._recorder.stop_reason else self._before:
            signal.signal(number, self._stop)

    @contextmanager
    def passing_exits(self) -> Iterator[None]:
        """Take the exit that Ray makes of a SIGTERM while it starts for the signal that it is."""
        try:
            yield
        except SystemExit:
            self._recorder.request_stop("interrupted by SIGTERM")

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self._recorder.request_stop(f"interrupted by {signal.Signals(number).name}")
        signal.signal(signal.SIGINT, self._before[signal.SIGINT])
