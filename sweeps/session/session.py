"""One session of a sweep: from what is unfinished in a run folder to what came of it."""

from __future__ import annotations

from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from functools import partial

from sweeps.definition.own_files import make_importable
from sweeps.definition.split_identity import split_digest
from sweeps.definition.sweep_file import SweepFile
from sweeps.errors import RunFolderError, SweepError
from sweeps.execution.placement import Place
from sweeps.execution.signals import Signals
from sweeps.models.cuts import cut_dataset
from sweeps.models.datasets import Dataset, load_dataset
from sweeps.models.errors import DataError
from sweeps.models.splits import split_folds
from sweeps.record.ledger import Ledger
from sweeps.record.own_code import keep_code, refuse_other_code
from sweeps.record.reading import read_record
from sweeps.record.recording import Recorder, reopen_failed
from sweeps.record.records import SweepRecord
from sweeps.record.results import Results, restore_results, write_results
from sweeps.record.run_folder import RunFolder
from sweeps.record.run_log import log_settings, logged
from sweeps.record.stages import is_followed_up
from sweeps.record.stops import StopReason
from sweeps.session.follow_up import FollowUp
from sweeps.session.inputs import keep_inputs
from sweeps.session.trainer import RunnerName, Trainer
from sweeps.storage.files import bucket_of
from sweeps.storage.mirror import mirrored
from sweeps.terminal.progress import Display
from sweeps.tracking.process import TrackingProcess

__all__ = ["Settings", "hold_session"]


@dataclass(frozen=True)
class Settings:
    """How a session is run; none of it changes a number, but code that is accepted.

    Attributes:
        place: Where trials are trained; entered when there is something to train.
        runner: `ray`, or `local` for this process alone.
        tracking_uri: Where MLflow's record goes; None leaves MLflow out.
        accept_code: Go on with the user's own code although it has changed.
    """

    place: AbstractContextManager[Place]
    runner: RunnerName = "ray"
    tracking_uri: str | None = None
    accept_code: bool = False


def hold_session(folder: RunFolder, action: str, settings: Settings, display: Display) -> Results:
    """Run what is unfinished in `folder`, search and stages, and leave its results written.

    Args:
        action: What the user asked for, for the ledger: run, resume, extend, retry or final.

    Raises:
        SweepError: The folder is in use or damaged, data or code changed, or the disk is full.
    """
    with ExitStack() as stack:
        stack.enter_context(folder.lock())
        mirror = stack.enter_context(mirrored(folder.path))
        stack.enter_context(logged(folder))
        record, file = read_record(folder), folder.read_sweep()
        folder.take_format()
        if action == "resume" and record.is_finished and is_followed_up(folder, file, record):
            restore_results(folder, record)
            with TrackingProcess.of(folder, settings.tracking_uri) as tracking:
                tracking.finish()
                return Results(folder, record, _missing_in_mlflow(tracking))
        accepted = refuse_other_code(folder, record, settings.accept_code)
        place = stack.enter_context(settings.place)
        if place.is_cluster or bucket_of(folder.path) is not None:
            keep_inputs(folder)
        make_importable(*folder.module_folders())
        dataset = _dataset(folder, file)
        cut = cut_dataset(dataset, file.data.split, file.seed)
        _refuse_other_splits(folder, file, cut.rule)
        splits = split_folds(dataset, file.data, file.seed, cut)
        ledger = Ledger(folder.ledger)
        stack.callback(ledger.close)
        retries = action == "retry"
        recorder = Recorder(folder, ledger, record, file, retries)
        signals = stack.enter_context(Signals(recorder))
        mirror.serve(partial(_give_way, recorder, signals), recorder.garbage)
        only = reopen_failed(recorder) if retries else None
        # A final trains no trial of the search, a retry few: what had stopped it still holds.
        stopped = record.stopped if action in ("final", "retry") else None
        with ExitStack() as started:
            trainer = Trainer(settings.runner, place, signals, display, started, retries)
            code = {"code": keep_code(folder)} | ({"accepted": accepted} if accepted else {})
            trainer.begin(recorder, action, **code)
            log_settings(file, settings.tracking_uri)
            mirror.push()  # the user's modules, which workers look for there
            tracking = stack.enter_context(TrackingProcess.of(folder, settings.tracking_uri))
            stack.enter_context(display.showing(record, tracking))
            if place.is_cluster:
                stack.enter_context(_exported(folder, record, tracking))
            if action != "final":
                trainer.train(folder, recorder, splits, only=only)
            if recorder.fatal is None:
                write_results(folder, record)
                follow_up = FollowUp(folder, file, record, dataset, splits, trainer.train_stage)
                ended_by = recorder.stop or stopped
                is_searched = not record.unfinished or (ended_by and ended_by.ends_search)
                if is_searched and not signals.stopped and not recorder.gave_up:
                    follow_up.run(display.say)
            is_open = bool(record.unfinished) or not is_followed_up(folder, file, record)
            # Last of all: a session that has ended has nothing left to write.
            recorder.end((signals.stopped or recorder.stop or stopped) if is_open else None)
            display.recording()
            # Ray stops here, while the tracker records the rest.
        tracking.finish(must_stop=signals.watch())
        missing = _missing_in_mlflow(tracking)
        if not (tracking.is_on and tracking.is_complete) and recorder.fatal is None:
            _report(folder)
    if recorder.fatal is not None:
        raise recorder.fatal
    return Results(folder, record, missing)


def _give_way(recorder: Recorder, signals: Signals, error: SweepError) -> None:
    """End a session whose sweep another driver has taken over."""
    detail = "another driver has this sweep"
    recorder.end_with(error, StopReason.TAKEN_OVER, detail)
    signals.stop(StopReason.TAKEN_OVER, detail)


def _exported(
    folder: RunFolder, record: SweepRecord, tracking: TrackingProcess
) -> AbstractContextManager[None]:
    from sweeps.execution.cluster.metrics import exported_metrics  # imports Ray

    def recorded() -> int:
        return tracking.recorded() if tracking.is_on else record.outcomes.total()

    return exported_metrics(folder.name, record, recorded)


def _report(folder: RunFolder) -> None:
    """Write the report, which the tracker does where there is one: it has the time."""
    from sweeps.session.closing import draw_report

    draw_report(folder)


def _missing_in_mlflow(tracking: TrackingProcess) -> str:
    """Return why MLflow lacks a part of the record; empty when it has all."""
    return "" if tracking.is_complete else tracking.error or "it did not answer in time"


def _dataset(folder: RunFolder, file: SweepFile) -> Dataset:
    description = folder.read_description()
    try:
        dataset = load_dataset(file.data, folder.base_dir())
    except DataError as err:
        raise RunFolderError(
            f"the data {file.data.source} that {folder.name} was started with cannot be read: "
            f"{err}; restore it, or start a new sweep"
        ) from err
    if dataset.digest != description["data"]["digest"]:
        raise RunFolderError(
            f"the data {file.data.source} changed since {folder.name} was started, so its trials "
            f"could not be compared; restore the data, or start a new sweep"
        )
    return dataset


def _refuse_other_splits(folder: RunFolder, file: SweepFile, rule: str) -> None:
    """Raise RunFolderError where the rows would be cut otherwise than the sweep's were."""
    data = folder.read_description()["data"]
    for split in data["splits"]:
        if split["digest"] != split_digest(file, data["digest"], rule, split["name"]):
            raise RunFolderError(
                f"cannot read {folder.description}: seed and data.split must give the split "
                f"{split['name']} that the sweep was started with. The file was damaged or edited: "
                f"restore it from a backup"
            )
