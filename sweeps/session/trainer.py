"""Trains what is unfinished in a run folder: the search's own, or that of a stage after it."""

from __future__ import annotations

import math
import os
import platform
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, closing
from dataclasses import asdict, dataclass, field, replace
from importlib.metadata import version
from typing import Any, Literal

from sweeps.definition.exploring import Explorer
from sweeps.definition.planning import most_epochs
from sweeps.definition.sweep_file import SweepFile
from sweeps.errors import ClusterError
from sweeps.execution.job import Job
from sweeps.execution.placement import Place
from sweeps.execution.signals import Signals
from sweeps.execution.work_order import WorkOrder
from sweeps.findings.results import write_results
from sweeps.models.splits.preprocessing import preprocessing_to_json
from sweeps.models.splits.splits import Splits
from sweeps.record.growing_plan import GrowingPlan
from sweeps.record.ledger import Ledger
from sweeps.record.net_files import is_net_lost
from sweeps.record.recorder import Recorder, reopen_failed
from sweeps.record.replay import read_record
from sweeps.record.run_folder import PREPROCESSING, RunFolder, write_atomically
from sweeps.record.run_log import logged_stage
from sweeps.record.seals import text_seal
from sweeps.record.stops import StopReason
from sweeps.record.sweep_record import Outcome, SweepRecord, TrialRecord
from sweeps.search_spaces.space import Space
from sweeps.storage.files import BucketFiles, bucket_of
from sweeps.terminal.progress import Display

__all__ = ["RunnerName", "SweepPart", "Trainer"]

RunnerName = Literal["ray", "local"]
_VERSIONS = ("ray", "torch", "mlflow", "pydantic", "numpy")


@dataclass(frozen=True)
class SweepPart:
    """What is trained at a time: the search, or one stage after it.

    Attributes:
        recorder: The one writer of its ledger.
        splits: What a trial's nets see; with folds, one for each.
        growing: The plan, where trials are added to it.
        last_epoch: Every trial is completed at this epoch at the latest.
    """

    folder: RunFolder
    recorder: Recorder
    splits: Sequence[Splits]
    last_epoch: int | None = None
    growing: GrowingPlan | None = None


@dataclass(frozen=True)
class Trainer:
    """What the search and its stages share.

    Attributes:
        reopens: Whether failed trials of a stage are tried again, and no others.
        code: Digests of the user's code, once a session has begun with it.
        started: Holds what a runner started, so that Ray starts once for all of them.
    """

    runner: RunnerName
    place: Place
    signals: Signals
    display: Display
    reopens: bool = False
    code: dict[str, str] = field(default_factory=dict)
    started: ExitStack = field(default_factory=ExitStack)

    def begin(self, recorder: Recorder, action: str, **about: Any) -> None:
        """Write the line with which a session begins, and settle what a kill left open.

        Args:
            about: More that the line is to say.
        """
        more = ("cmaes", "optuna") if recorder.record.to_come else ()
        recorder.write(
            "session",
            action=action,
            sweep=recorder.record.identity,
            trials=len(recorder.record.trials),
            **({"wanted": recorder.record.wanted} if recorder.record.to_come else {}),
            runner=self.runner,
            pid=os.getpid(),
            python=platform.python_version(),
            nodes=[asdict(node) for node in self.place.nodes],
            versions={name: version(name) for name in (*_VERSIONS, *more)},
            **about,
        )
        # Trials whose worker was ended for them just before its driver was killed.
        for trial in recorder.record.unfinished:
            recorder.end_if_hung(trial.trial.index)

    def train(self, part: SweepPart, only: frozenset[int] | None = None) -> None:
        """Train the trials without an outcome; returns when none is left or it must stop.

        Args:
            part: What they are of.
            only: Leave all others as they are, and plan none.
        """
        part.recorder.check_budget()  # what an earlier session used up stays used up
        if only is not None:
            part = replace(part, growing=None)
        unfinished = part.recorder.record.unfinished
        trials = [one for one in unfinished if only is None or one.trial.index in only]
        if trials or (part.growing is not None and part.growing.to_come):
            self._run(_job(part, trials, self.place, self.code))
            _refuse_early_end(part, trials)
            part.recorder.tidy()

    def train_stage(
        self, folder: RunFolder, splits: Sequence[Splits], last_epoch: int | None = None
    ) -> SweepRecord | None:
        """Train a stage from where it stands; returns its record, or None if it was interrupted.

        Raises:
            StorageError: The disk is full.
        """
        record = read_record(folder)
        failed = record.outcomes[Outcome.FAILED] if self.reopens else 0
        if record.is_finished and not failed:
            return record
        with closing(Ledger(folder.ledger)) as ledger:
            recorder = Recorder(folder, ledger, record, folder.read_sweep(), self.reopens)
            self._train_stage(SweepPart(folder, recorder, splits, last_epoch))
        return record if record.is_finished else None

    def _train_stage(self, part: SweepPart) -> None:
        recorder, stage = part.recorder, str(part.folder.read_description().stage)
        self.signals.switch_to(recorder)
        if self.reopens:
            reopen_failed(recorder)
        self.display.switch_to(recorder.record, stage)
        with logged_stage(stage):
            self.begin(recorder, "stage")
            self.train(part)
            if recorder.fatal is not None:
                raise recorder.fatal
            write_results(part.folder, recorder.record)
            recorder.end(recorder.stop if recorder.record.is_open else None)

    def _run(self, job: Job) -> None:
        if self.runner == "local":
            from sweeps.execution.local_runner import run_in_process

            run_in_process(job)
            return
        if job.recorder.should_stop():
            return
        with self.signals.exits_as_signals():
            if not self.place.is_cluster and not self._has_started(job):
                return
            self.signals.catch()  # Ray sets its own while it starts
            from sweeps.execution.ray_runner import run_on_ray

            with self._watched(job.recorder):
                run_on_ray(job)

    def _has_started(self, job: Job) -> bool:
        """Start Ray on this machine; returns whether it runs now, else the session ends."""
        from sweeps.execution.local_ray import started_ray

        try:
            self.started.enter_context(started_ray(job.resources))
        except ClusterError as err:
            from sweeps.execution.ray_loss import interruption

            if interruption(job.recorder) is None:
                job.recorder.end_with(err, StopReason.CLUSTER_LOST, "Ray did not start")
            return False
        return True

    def _watched(self, recorder: Recorder) -> AbstractContextManager[None]:
        """Return what ends a session whose Ray goes, on this machine or with a cluster."""
        if not self.place.is_cluster:
            from sweeps.execution.ray_loss import watched_parts

            return watched_parts(recorder)
        from sweeps.execution.cluster.head_watch import watched_head

        return watched_head(recorder)


def _refuse_early_end(part: SweepPart, trials: Sequence[TrialRecord]) -> None:
    """Take a runner that came back too early, for whatever reason, for interrupted."""
    recorder = part.recorder
    is_open = any(trial.outcome is None for trial in trials)
    if part.growing is not None:
        is_open = recorder.record.is_open
    if is_open and not recorder.should_stop():
        detail = "interrupted: the runner ended before the trials did"
        recorder.request_stop(StopReason.INTERRUPTED, detail)


def _job(
    part: SweepPart, unfinished: Sequence[TrialRecord], place: Place, code: Mapping[str, str]
) -> Job:
    """Return what a runner is given to train; makes the folder ready for it."""
    file, recorder = part.folder.read_sweep(), part.recorder
    scheduler = file.stopping.build(recorder.record.objective, _longest(part, file))
    part.folder.make_places()
    part.folder.remove_leftovers()
    _write_preprocessing(part)
    order = _work_order(part, file, unfinished)
    order = replace(
        order,
        code=code,
        milestones=scheduler.milestones,
        checkpoint_every=1 if scheduler.pauses else file.checkpoints.every,
        inputs=_inputs(part.folder) if place.is_cluster else None,
    )
    indices = tuple(one.trial.index for one in unfinished)
    return Job(
        order,
        indices,
        scheduler,
        file.resources,
        place,
        recorder,
        _sweep_of(part.folder),
        part.growing,
        Explorer.of(file),
    )


def _sweep_of(folder: RunFolder) -> str:
    """Return the name of a sweep, within whose folder are those of its stages."""
    while folder.read_description().stage is not None:
        folder = RunFolder(folder.path.parent)
    return folder.name


def _longest(part: SweepPart, file: SweepFile) -> int:
    """Return the most epochs of any trial, of those to come too."""
    description = part.folder.read_description()
    grows = description.plan_lines < description.trials
    planned = [one.trial for one in part.recorder.record.trials]
    return most_epochs(planned, Space(file.space) if grows else None)


def _write_preprocessing(part: SweepPart) -> None:
    """Write how raw features become what the nets take: it belongs to the weights."""
    text = preprocessing_to_json([split.preprocessing for split in part.splits]).encode()
    write_atomically(part.folder.path / PREPROCESSING, text)
    if part.recorder.record.preprocessing_sum != (seal := text_seal(text)):
        part.recorder.write("preprocessing", digest=seal)


def _work_order(part: SweepPart, file: SweepFile, unfinished: Sequence[TrialRecord]) -> WorkOrder:
    """Return what all of the trials share, whatever schedules them and wherever they run."""
    known = unfinished or part.recorder.record.trials[:1]  # workers warm up with one of them
    return WorkOrder(
        trials={one.trial.index: one.trial for one in known},
        data=tuple(split.train_dev() for split in part.splits),
        objective=part.recorder.record.objective,
        metrics=file.recorded_metrics,
        milestones=None,
        checkpoints=part.folder.checkpoint_files,
        weights=part.folder.weight_files,
        stacks=part.folder.checkpoints,
        programs=part.folder.programs,
        recorded=_recorded(part, unfinished),
        timeout_s=file.trial.timeout_s,
        threads=math.ceil(file.resources.cpu),
        import_paths=tuple(map(str, part.folder.module_folders())),
        last_epoch=part.last_epoch,
        require=tuple(file.require),
    )


def _recorded(part: SweepPart, unfinished: Sequence[TrialRecord]) -> dict[int, int]:
    """Return the epochs that need not be trained again, of trials that have any.

    The best trial is trained again, from its last checkpoint, where its weights were lost.
    """
    record, best = part.recorder.record, part.recorder.record.best
    lost = [best] if best in unfinished and is_net_lost(part.folder, record) else []
    return {one.trial.index: one.epochs for one in unfinished if one.epochs and one not in lost}


def _inputs(folder: RunFolder) -> BucketFiles | None:
    """Return the user's modules where they are in an object store: nodes see no folder of ours."""
    return bucket_of(folder.base_dir())
