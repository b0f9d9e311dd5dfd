"""One session of a sweep: from what is unfinished in a run folder to its results.

`run_session` and `_Session.run` are the order of a session, from top to bottom; what is entered
first is left last. A kill at any instant leaves a folder from which the next session goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any

from sweeps.definition.own_files import make_importable
from sweeps.definition.sweep_file import SweepFile
from sweeps.errors import SweepError
from sweeps.execution.placement import Place
from sweeps.execution.signals import Signals
from sweeps.findings.results import Results, restore_results, write_results, write_winner
from sweeps.findings.stages import is_followed_up, is_over, stage_folders
from sweeps.infra.command_line import command
from sweeps.models.data.datasets import Dataset
from sweeps.models.own_code.imported import forget_stale
from sweeps.record.ledger import Ledger
from sweeps.record.net_files import is_net_lost
from sweeps.record.own_code import keep_code, refuse_edited_imports, refuse_other_code
from sweeps.record.recorder import Recorder, reopen_failed
from sweeps.record.replay import read_record
from sweeps.record.requests import OF_PROCESS, withdraw
from sweeps.record.run_folder import RunFolder
from sweeps.record.run_log import log_settings, logged
from sweeps.record.stops import Stop, StopReason, is_pause
from sweeps.record.sweep_record import SweepRecord
from sweeps.session.asked import asks_for_trials, listening
from sweeps.session.closing import draw_figures, draw_report
from sweeps.session.follow_up import FollowUp
from sweeps.session.growth import add_asked_trials, growing_plan
from sweeps.session.inputs import keep_inputs
from sweeps.session.pausing import goes_on
from sweeps.session.sweep_data import SweepData, load_data
from sweeps.session.trainer import RunnerName, SweepPart, Trainer
from sweeps.storage.files import bucket_of
from sweeps.storage.mirror import Mirror, NoMirror, mirrored
from sweeps.terminal.progress import Display
from sweeps.tracking.process import TrackingProcess

__all__ = ["SessionSettings", "run_session"]

# The others train what they were asked for alone.
_TRAINS_ALL = ("run", "resume", "extend")


@dataclass(frozen=True)
class SessionSettings:
    """How a session is run; none of it changes a number, but code that is accepted.

    Attributes:
        place: Where trials are trained; entered when there is something to train.
        display: Shows the progress.
        runner: `ray`, or `local` for this process alone.
        tracking_uri: Where MLflow's record goes; None leaves MLflow out.
        accept_code: Go on with the user's own code although it has changed.
        leaves_mlflow_out: Whether that was asked for, and holds for later sessions, too.
    """

    place: AbstractContextManager[Place]
    display: Display
    runner: RunnerName = "ray"
    tracking_uri: str | None = None
    accept_code: bool = False
    leaves_mlflow_out: bool = False


def run_session(folder: RunFolder, action: str, settings: SessionSettings) -> Results:
    """Run what is unfinished in `folder`, search and stages, and leave its results written.

    Args:
        folder: The sweep's.
        action: What the user asked for, for the ledger: run, resume, extend, retry or final.
        settings: How; its place is entered and left here.

    Raises:
        SweepError: The folder is in use or damaged, data or code changed, or the disk is full.
    """
    # Nobody else writes into the folder, and its copy in a store is brought up to date at the end.
    with folder.lock(), mirrored(folder.path) as mirror, logged(folder):
        withdraw(folder, *OF_PROCESS)  # they were meant for a process that was killed
        folder.take_format()
        if action in _TRAINS_ALL:
            add_asked_trials(folder, settings.display.print_line)
        record, file = read_record(folder), folder.read_sweep()
        if action == "resume" and is_over(folder, record):
            return _complete(folder, record, settings)
        accepted = refuse_other_code(folder, record, settings.accept_code)
        with settings.place as place:
            _provide_inputs(folder, place)
            data = load_data(folder, file)
            refuse_edited_imports(folder)
            process = _Process(folder, settings, data, place, mirror)
            ended = process.run(action, record, accepted)
            while ended.goes_on:
                is_longer = add_asked_trials(folder, settings.display.print_line)
                record = read_record(folder)
                accepted = refuse_other_code(folder, record, settings.accept_code)
                next_action = "extend" if is_longer else "resume"
                ended = process.run(next_action, record, accepted, ended.spent_s)
    if ended.fatal is not None:
        raise ended.fatal
    return Results(folder, record, ended.missing, draw_figures)


@dataclass(frozen=True)
class _Ended:
    """How a session ended.

    Attributes:
        missing: Why MLflow lacks a part of the record; empty where it has all.
        fatal: What it could not go on after.
        goes_on: Whether there is another at once: it was paused and is to go on, or more trials
            were asked for.
        spent_s: How long this process has trained, pauses left out.
    """

    missing: str
    fatal: SweepError | None
    goes_on: bool
    spent_s: float


@dataclass(frozen=True)
class _Process:
    """What is held from one session to the next, where a process has several."""

    folder: RunFolder
    settings: SessionSettings
    data: SweepData
    place: Place
    mirror: Mirror | NoMirror

    def run(
        self, action: str, record: SweepRecord, accepted: Sequence[str], spent_s: float = 0.0
    ) -> _Ended:
        """Run one session, and wait where it was paused; raises as `run_session`."""
        folder, file = self.folder, self.folder.read_sweep()
        with closing(Ledger(folder.ledger)) as ledger:
            recorder = Recorder(folder, ledger, record, file, action == "retry", spent_s)
            with Signals(recorder) as signals:
                growing = growing_plan(folder, recorder) if file.search.learns else None
                search = SweepPart(folder, recorder, self.data.splits, growing=growing)
                trainer = _trainer(action, self.settings, self.place, signals)
                session = _Session(action, self.settings, file, self.data.dataset, search, trainer)
                with listening(folder, recorder, signals):
                    missing = session.run(self.mirror, accepted)
                is_paused = recorder.fatal is None and is_pause(record.stopped)
                goes_on = is_paused and self._waits(signals)
                goes_on = goes_on or (action in _TRAINS_ALL and _has_more(folder, recorder))
        spent_s += (record.ended_at or 0.0) - record.session_from
        return _Ended(missing, recorder.fatal, goes_on, spent_s)

    def _waits(self, signals: Signals) -> bool:
        """Wait as long as the sweep is paused; returns whether it is to go on."""
        way_on = command("resume", self.folder.path)
        self.settings.display.print_line(f"paused; continue it with `{way_on}` in another shell")
        return goes_on(self.folder, signals)


def _has_more(folder: RunFolder, recorder: Recorder) -> bool:
    """Return whether more trials are asked for of a sweep that has come to its end."""
    is_over = recorder.fatal is None and recorder.record.stopped is None
    return is_over and asks_for_trials(folder)


def _complete(folder: RunFolder, record: SweepRecord, settings: SessionSettings) -> Results:
    """Return the results of a sweep that is over, with what is missing of them made again."""
    for one in (folder, *stage_folders(folder).values()):
        one.remove_leftovers()
    restore_results(folder, record)
    with TrackingProcess(folder, settings.tracking_uri) as tracking:
        tracking.finish()
        return Results(folder, record, _missing_in_mlflow(tracking), draw_figures)


def _provide_inputs(folder: RunFolder, place: Place) -> None:
    """Have the user's modules and data where this process, and the workers, find them."""
    if place.is_cluster or bucket_of(folder.path) is not None:
        keep_inputs(folder)
    make_importable(*folder.module_folders())
    forget_stale(*folder.module_folders())


def _trainer(action: str, settings: SessionSettings, place: Place, signals: Signals) -> Trainer:
    retries = action == "retry"
    return Trainer(settings.runner, place, signals, settings.display, reopens=retries)


@dataclass(frozen=True)
class _Session:
    """What a session works with, once there is something to train.

    Attributes:
        search: The trials of the plan; `trainer` trains them, and those of the stages.
    """

    action: str
    settings: SessionSettings
    file: SweepFile
    dataset: Dataset | None
    search: SweepPart
    trainer: Trainer

    def run(self, mirror: Mirror | NoMirror, accepted: Sequence[str]) -> str:
        """Run the session; returns why MLflow lacks a part of the record, empty when it has all.

        Args:
            mirror: Brings what is written to an object store.
            accepted: What is not as it was of the user's code, in words.
        """
        self._give_way_to_others(mirror)
        retried = self._take_back_failures()
        stopped_before = self._stopped_before()
        self._begin(mirror, accepted)
        with self._shown_and_recorded() as tracking:
            with self.trainer.started:
                self._search(retried)
                self._follow_up(stopped_before)
                is_asked_to_end = self.trainer.signals.watch()
                self._end(stopped_before)
                # Ray stops here, while the tracker records the rest.
            return self._finish(tracking, is_asked_to_end)

    def _give_way_to_others(self, mirror: Mirror | NoMirror) -> None:
        """From now on, end where another driver has taken the sweep over."""
        recorder = self.search.recorder
        mirror.serve(partial(_give_way, recorder, self.trainer.signals), recorder.garbage)

    def _take_back_failures(self) -> frozenset[int] | None:
        """Return the trials to try again, and no others; None for all that are unfinished."""
        if self.action != "retry":
            return None
        record = self.search.recorder.record
        lost = record.best if is_net_lost(self.search.folder, record) else None
        return reopen_failed(self.search.recorder, lost)

    def _stopped_before(self) -> Stop | None:
        """Return why the search had stopped, where this session does not go on with it.

        A final trains no trial of the search, a retry few: what had stopped it still holds.
        """
        goes_on = self.action not in ("final", "retry")
        return None if goes_on else self.search.recorder.record.stopped

    def _begin(self, mirror: Mirror | NoMirror, accepted: Sequence[str]) -> None:
        self.trainer.code.update(keep_code(self.search.folder))
        more: dict[str, Any] = {"accepted": accepted} if accepted else {}
        if self.settings.leaves_mlflow_out:
            more["mlflow"] = False
        self.trainer.begin(self.search.recorder, self.action, code=dict(self.trainer.code), **more)
        log_settings(self.file, self.settings.tracking_uri)
        mirror.push()  # the user's modules, which workers look for there

    @contextmanager
    def _shown_and_recorded(self) -> Iterator[TrackingProcess]:
        """Record in MLflow what happens, show it and export it, until the block is left."""
        record = self.search.recorder.record
        with (
            TrackingProcess(self.search.folder, self.settings.tracking_uri) as tracking,
            self.settings.display.showing(record, tracking),
            self._exported(tracking),
        ):
            yield tracking

    def _exported(self, tracking: TrackingProcess) -> AbstractContextManager[None]:
        """Return what exports metrics of the sweep, where it runs on a cluster."""
        if not self.trainer.place.is_cluster:
            return nullcontext()
        from sweeps.execution.cluster.metrics import exported_metrics  # imports Ray

        record = self.search.recorder.record

        def recorded() -> int:
            return tracking.recorded() if tracking.is_on else record.outcomes.total()

        return exported_metrics(self.search.folder.name, record, recorded)

    def _search(self, retried: frozenset[int] | None) -> None:
        if self.action != "final":
            self.trainer.train(self.search, only=retried)

    def _follow_up(self, stopped_before: Stop | None) -> None:
        """Write the search's results, and run the stages after it where it is over."""
        folder, recorder = self.search.folder, self.search.recorder
        if recorder.fatal is not None:
            return
        write_results(folder, recorder.record)
        stop = recorder.stop or stopped_before
        is_searched = not recorder.record.is_open or (stop is not None and stop.ends_search)
        if self.action in _TRAINS_ALL and stop is None and asks_for_trials(folder):
            return  # what follows a search comes after those trials, too
        if is_searched and not self.trainer.signals.stopped and not recorder.gave_up:
            stages = FollowUp(
                folder,
                self.file,
                recorder,
                self.dataset,
                self.search.splits,
                self.trainer.train_stage,
                lambda: self.trainer.signals.stopped is not None,
            )
            stages.run(self.settings.display.set_title)
            write_winner(folder, recorder.record)  # that of the final, if it came to one

    def _end(self, stopped_before: Stop | None) -> None:
        """Write the line that ends the session: last of all, so that nothing is left to write."""
        folder, recorder = self.search.folder, self.search.recorder
        record = recorder.record
        is_open = record.is_open or not is_followed_up(folder, self.file, record)
        stop = self.trainer.signals.stopped or recorder.stop or stopped_before
        recorder.end(stop if is_open else None)
        self.settings.display.show_recording()

    def _finish(self, tracking: TrackingProcess, must_stop: Callable[[], bool]) -> str:
        """Wait for the tracker; the report is drawn here where it did not: it has the time."""
        tracking.finish(must_stop)
        missing = _missing_in_mlflow(tracking)
        is_drawn = tracking.is_on and tracking.is_complete
        if not is_drawn and self.search.recorder.fatal is None:
            draw_report(self.search.folder)
        return missing


def _give_way(recorder: Recorder, signals: Signals, error: SweepError) -> None:
    """End a session whose sweep another driver has taken over."""
    detail = "another driver has this sweep"
    recorder.end_with(error, StopReason.TAKEN_OVER, detail)
    signals.stop(StopReason.TAKEN_OVER, detail)


def _missing_in_mlflow(tracking: TrackingProcess) -> str:
    """Return why MLflow lacks a part of the record; empty when it has all."""
    return "" if tracking.is_complete else tracking.error or "it did not answer in time"
