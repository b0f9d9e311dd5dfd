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
from typing import Any, Literal

from models.datasets import load_dataset
from models.splits import split_dataset
from sweeps.errors import RunFolderError
from sweeps.job import Job
from sweeps.ledger import Ledger, read_events
from sweeps.placement import slots
from sweeps.progress import Display
from sweeps.recording import Recorder
from sweeps.records import Goal, SweepRecord
from sweeps.results import write_results
from sweeps.run_folder import PREPROCESSING, RunFolder, write_atomically
from sweeps.rungs import milestones
from sweeps.sweep_file import SweepFile
from sweeps.tracking_process import TrackingProcess
from sweeps.work_order import WorkOrder

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
    """Return the state of a sweep as its folder has it."""
    description = folder.read_description()
    goal = Goal(**description["goal"])
    events = read_events(folder.ledger) if folder.ledger.exists() else iter(())
    return SweepRecord.of(folder.read_plan(), goal, (event for event, _ in events))


def hold_session(
    folder: RunFolder, action: str, settings: Settings, display: Display
) -> SweepRecord:
    """Run what is unfinished in `folder`, and leave its results written.

    Args:
        action: What the user asked for, for the ledger: run, resume, extend or retry.

    Raises:
        SweepError: The folder is in use or damaged, the data changed, or the disk is full.
    """
    with ExitStack() as stack:
        stack.enter_context(folder.lock())
        record = read_record(folder)
        ledger = Ledger(folder.ledger)
        stack.callback(ledger.close)
        description = folder.read_description()
        file = SweepFile.model_validate(description["sweep"], strict=False)
        recorder = Recorder(folder, ledger, record, file.budget)
        _reopen_failed(recorder, action)
        recorder.write("session", action=action, **_about(settings))
        tracking = stack.enter_context(TrackingProcess.of(folder, settings.tracking_uri))
        stack.enter_context(display.showing(record, tracking))
        stack.enter_context(_stopping_on_signals(recorder))
        if record.unfinished:
            _run(_job(folder, description, file, recorder), settings)
        reason = recorder.stop_reason if record.unfinished else ""
        recorder.write("end", reason=reason)
        if recorder.fatal is None:
            write_results(folder, record)
        display.recording()
        tracking.finish()
    if recorder.fatal is not None:
        raise recorder.fatal
    return record


def _reopen_failed(recorder: Recorder, action: str) -> None:
    if action != "retry":
        return
    for trial in recorder.record.trials:
        if trial.outcome == "failed":
            recorder.write("reopened", trial=trial.trial.index)


def _run(job: Job, settings: Settings) -> None:
    if settings.runner == "local":
        from sweeps.local_runner import run_in_process

        run_in_process(job)
        return
    from sweeps.ray_runner import run_on_ray, started_ray

    with started_ray(job.resources):
        run_on_ray(job)


def _job(
    folder: RunFolder, description: dict[str, Any], file: SweepFile, recorder: Recorder
) -> Job:
    unfinished = recorder.record.unfinished
    max_epochs = max(
        record.trial.configuration["training"]["epochs"] for record in recorder.record.trials
    )
    base_dir = Path(description["base_dir"])
    dataset = load_dataset(file.data, base_dir)
    if dataset.digest != description["data"]["digest"]:
        raise RunFolderError(
            f"the data {file.data.source} changed since {folder.name} was started, so its trials "
            f"could not be compared; restore the data, or start a new sweep"
        )
    for path in folder.checkpoints.glob("*.late"):
        path.unlink()
    splits = split_dataset(dataset, file.data, file.seed)
    write_atomically(folder.path / PREPROCESSING, splits.preprocessing.to_json().encode())
    order = WorkOrder(
        trials={record.trial.index: record.trial for record in unfinished},
        data=splits.train_dev(),
        goal=recorder.record.goal,
        milestones=milestones(file.stopping, max_epochs),
        checkpoints=folder.checkpoints,
        weights=folder.weights,
        recorded={record.trial.index: record.epochs for record in unfinished if record.epochs},
        timeout_s=file.trial.timeout_s,
        retries=file.trial.retries,
        threads=math.ceil(file.resources.cpu),
        import_paths=(str(base_dir),),
    )
    indices = tuple(record.trial.index for record in unfinished)
    slots(file.resources)
    return Job(order, indices, file.stopping, max_epochs, file.resources, recorder)


def _about(settings: Settings) -> dict[str, Any]:
    return {
        "runner": settings.runner,
        "pid": os.getpid(),
        "python": platform.python_version(),
        "versions": {name: version(name) for name in _VERSIONS},
    }


@contextmanager
def _stopping_on_signals(recorder: Recorder) -> Iterator[None]:
    """Have the first Ctrl-C or SIGTERM stop the sweep cleanly; a second Ctrl-C interrupts."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def stop(number: int, frame: FrameType | None) -> None:
        recorder.request_stop(f"interrupted by {signal.Signals(number).name}")
        signal.signal(signal.SIGINT, before[signal.SIGINT])

    for number in before:
        signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
