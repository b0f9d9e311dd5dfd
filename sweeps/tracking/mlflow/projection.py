"""MLflow as a projection of a run folder: made from the ledger, and made again at any time.

Runs are found by tags that name the sweep and the trial. The mark of what a run has is written
after what it marks, so that a kill at any instant costs a repetition and never a part of a record;
and what is repeated MLflow recognises, since its timestamps come from the ledger.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from mlflow.entities import Metric, Param, RunTag

from sweeps.findings.stages import why_no_winner
from sweeps.infra.plain_text import shown
from sweeps.record.description import Description
from sweeps.record.final import read_final, read_openings
from sweeps.record.run_folder import RunFolder
from sweeps.record.sweep_record import Outcome, SweepRecord, TrialRecord
from sweeps.tracking.mlflow.notes import FinalNote, best_words, experiment_note, sweep_note
from sweeps.tracking.mlflow.runs import (
    DIAGNOSIS_TAG,
    MARK_TAG,
    MODEL_TAG,
    NOTE_TAG,
    SWEEP_TAG,
    TRIAL_TAG,
    TrackedRun,
    fullest_first,
)
from sweeps.tracking.mlflow.store import (
    experiment_id_of,
    map_concurrently,
    note_experiment,
    open_client,
    translated_errors,
    without_password,
)
from sweeps.tracking.mlflow.values import (
    count_metrics,
    datasets,
    epoch_metrics,
    final_metrics,
    metric_name,
    ms,
    point_ms,
    progress_metrics,
    size_metrics,
    sweep_params,
    tags_of,
    trial_params,
    trial_tags,
)
from sweeps.tracking.tracker import Rows

__all__ = ["Projection", "without_password"]

_STATUS = {
    Outcome.COMPLETED: "FINISHED",
    Outcome.EARLY_STOPPED: "FINISHED",
    Outcome.PRUNED: "FINISHED",
    Outcome.DIVERGED: "FAILED",
    Outcome.FAILED: "FAILED",
    Outcome.STOPPED_BY_HAND: "KILLED",
    Outcome.REJECTED: "KILLED",
}
_ARTIFACTS = (
    "sweep.yaml",
    "sweep.json",
    "winner.json",
    "trials.jsonl",
    "epochs.parquet",
    "final/final.json",
    "openings.jsonl",
)
# The client sends tags with the first thousand entries of a batch; the mark has to come last.
_ONE_BATCH = 800
_PARENT_TAG = "mlflow.parentRunId"
# While a sweep runs, its own run is brought up to date this often.
_RUNNING_PERIOD_S = 5.0
# What `final --again` adds to the name of a final that it keeps.
_KEPT = re.compile(r"-final-\d+(?=$|-refit$)")


class Projection:
    """The MLflow runs of one sweep, kept equal to what its ledger says."""

    def __init__(
        self, folder: RunFolder, uri: str, inside: str | None = None, checks: bool = False
    ) -> None:
        """Find or make the experiment and the sweep's own run.

        Args:
            inside: The run of the sweep whose stage this is.
            checks: Ask of each trial's run whether it has its points once each, at one request a
                trial. Nothing else may write meanwhile.

        Raises:
            TrackingError: The store does not answer or refuses.
        """
        self.folder = folder
        self.uri = uri
        self._description = folder.read_description()
        self._objective = self._description.objective
        self._inside = inside
        self._checks = checks
        self._name = run_name(folder, self._description)
        self._runs: dict[int, TrackedRun] = {}
        self._told_s = 0.0
        self._model_mark = ""
        with translated_errors(uri):
            self.client = open_client(uri)
            self.experiment_id = experiment_id_of(self.client, self._description.sweep.name, uri)
            self._parent = self._find_runs() or self._create_parent()
            if self._parent.is_old:
                self._renew_parent()

    @property
    def parent_id(self) -> str:
        """The run of the sweep, or of the stage."""
        return self._parent.run_id

    def record_trials(
        self, trials: Sequence[TrialRecord], rows: Mapping[int, Rows], is_over: bool
    ) -> Iterator[int]:
        """Bring the runs of trials up to date, and yield the index of each that is.

        Args:
            trials: Trials that have been started.
            rows: Epochs to add, by trial; rows that MLflow has already may be among them.
            is_over: The sweep is not running: a trial without an outcome is marked so.

        Raises:
            TrackingError: The store does not answer or refuses.
        """

        def record(trial: TrialRecord) -> None:
            self._record_trial(trial, rows.get(trial.trial.index, []), is_over)

        for trial in map_concurrently(self.uri, record, trials):
            yield trial.trial.index

    def _record_trial(self, trial: TrialRecord, rows: Rows, is_over: bool) -> None:
        state = str(trial.outcome or ("unfinished" if is_over else "running"))
        times = {int(row["epoch"]): point_ms(trial, row) for row in rows}
        with translated_errors(self.uri):
            run = self._run_of(trial)
            if not run.begins(trial.epochs, times) or not self._has_all(run, trial, rows):
                self.client.delete_run(run.run_id)
                del self._runs[trial.trial.index]
                run = self._run_of(trial)
            last_ms = times.get(trial.epochs, run.last_ms)
            mark = f"{state}:{trial.epochs}:{ms(trial.ended_at)}:{last_ms}"
            if run.mark == mark:
                return
            is_new = run.mark is None
            metrics = epoch_metrics(trial, [row for row in rows if row["epoch"] > run.points])
            metrics += [] if run.points else size_metrics(trial)
            tags = {**trial_tags(trial, state, self._objective), MARK_TAG: mark}
            self._set_status(run, trial, state)
            params = trial_params(trial) if is_new else []
            self._log(run.run_id, metrics, params, tags_of(tags, is_new))
        run.mark, run.is_own = mark, True

    def _has_all(self, run: TrackedRun, trial: TrialRecord, rows: Rows) -> bool:
        """Return whether a run has its points of the objective once each, where that is asked."""
        if not self._checks or run.mark is None or run.is_own:
            return True
        name = metric_name(self._objective.metric)
        found = self.client.get_metric_history(run.run_id, name)
        sent = [row for row in rows if row["epoch"] <= run.points]
        wanted = [one for one in epoch_metrics(trial, sent) if one.key == name]
        return _points(found) == _points(wanted)

    def _forget_what_is_not_begun(self, record: SweepRecord) -> None:
        """Delete the runs of trials that the record has not begun: what had, was lost."""
        for index in list(self._runs):
            if index >= len(record.trials) or record.trials[index].started_at is None:
                self.client.delete_run(self._runs.pop(index).run_id)

    def record_sweep(self, record: SweepRecord, is_over: bool) -> None:
        """Bring the sweep's own run up to date, with its artifacts when it is over.

        Raises:
            TrackingError: The store does not answer or refuses.
        """
        times = {number: ms(one.at) for number, one in enumerate(record.bests, start=1)}
        if not self._parent.begins(len(times), times):
            with translated_errors(self.uri):
                self._renew_parent()
        parent, openings = self._parent, read_openings(self.folder)
        last_ms = times.get(len(times), 0)
        mark = f"running:{len(times)}:0:{last_ms}"
        if is_over:
            counts = [record.outcomes[outcome] for outcome in Outcome]
            mark = f"over:{len(times)}:{ms(record.ended_at)}:{last_ms}:{counts}:{len(openings)}"
        elif parent.is_own and time.monotonic() - self._told_s < _RUNNING_PERIOD_S:
            return
        if parent.mark == mark:
            return
        with translated_errors(self.uri):
            is_new = parent.mark is None
            params = sweep_params(self._description) if is_new else []
            if is_new:
                self.client.log_inputs(parent.run_id, datasets=datasets(self._description))
            if is_over:
                self._forget_what_is_not_begun(record)
                self._end_parent(record)
            elif not is_new and parent.state != "running":
                self.client.update_run(parent.run_id, status="RUNNING")
            tags = self._parent_tags(record, is_over) | {MARK_TAG: mark}
            metrics = progress_metrics(record, parent.points)
            if is_over:
                metrics += count_metrics(record)
                metrics += final_metrics(record, read_final(self.folder), openings)
            self._log(parent.run_id, metrics, params, tags_of(tags, is_new))
            if is_over and self._description.stage is None:
                self._note_experiment(record)
        parent.mark, parent.is_own, self._told_s = mark, True, time.monotonic()

    def _note_experiment(self, record: SweepRecord) -> None:
        note = experiment_note(self._description, record, self._name)
        tags = {"latest_sweep": self._name, "latest_best": best_words(record)}
        at = self._description.created_at
        note_experiment(self.client, self.experiment_id, tags | {NOTE_TAG: note}, at)

    def log_file(self, path: Path) -> None:
        """Put a file beside the sweep's run; raises TrackingError."""
        with translated_errors(self.uri):
            self.client.log_artifact(self.parent_id, str(path))

    def note_diagnoses(self, diagnoses: Mapping[int, str]) -> None:
        """Tag trials with what their curves say; raises TrackingError."""

        def note(index: int) -> None:
            run, words = self._runs[index], diagnoses[index]
            if run.diagnosis != words:
                with translated_errors(self.uri):
                    self.client.set_tag(run.run_id, DIAGNOSIS_TAG, words)
                run.diagnosis = words

        for _ in map_concurrently(
            self.uri, note, [index for index in diagnoses if index in self._runs]
        ):
            pass

    def has_model(self, mark: str) -> bool:
        """Return whether the model with this mark is logged already."""
        return self._model_mark == mark

    def note_model(self, mark: str, model_uri: str) -> None:
        """Note on the sweep's run which model was logged, and where."""
        tags = {MODEL_TAG: mark, "model_uri": model_uri}
        with translated_errors(self.uri):
            self.client.log_batch(self.parent_id, tags=tags_of(tags, is_new=True))
        self._model_mark = tags[MODEL_TAG]

    def _find_runs(self) -> TrackedRun | None:
        """Find this sweep's runs, and return its own; a second one of a trial is deleted.

        A server that is stopped and goes on answers requests that their client gave up: it may
        make a run twice.
        """
        parent: TrackedRun | None = None
        own = self._search(f"`{SWEEP_TAG}` = '{self._description.id}'")
        for run in sorted(own, key=fullest_first):
            tags, found = run.data.tags, TrackedRun.of(run)
            if TRIAL_TAG in tags and int(tags[TRIAL_TAG]) not in self._runs:
                self._runs[int(tags[TRIAL_TAG])] = found
            elif TRIAL_TAG not in tags and parent is None:
                parent, self._model_mark = found, tags.get(MODEL_TAG, "")
                self._rename_kept(run)
            else:
                if TRIAL_TAG not in tags and parent is not None:
                    self._adopt(found.run_id, parent.run_id)
                self.client.delete_run(found.run_id)
        return parent

    def _renew_parent(self) -> None:
        """Make the sweep's own run anew: nothing can be taken back from the one that there is.

        Its model goes with it, unless it is a version of a registered one.
        """
        old = self._parent.run_id
        self._parent, self._model_mark = self._create_parent(), ""
        self._adopt(old, self._parent.run_id)
        if not self.client.search_model_versions(f"run_id = '{old}'"):
            for model in self.client.search_logged_models(
                [self.experiment_id], f"source_run_id = '{old}'"
            ):
                self.client.delete_logged_model(model.model_id)
        self.client.delete_run(old)

    def _adopt(self, old: str, new: str) -> None:
        """Put what is inside one run into another."""
        for run in list(self._search(f"`{_PARENT_TAG}` = '{old}'")):
            self.client.set_tag(run.info.run_id, _PARENT_TAG, new)

    def _rename_kept(self, run: Any) -> None:
        """Give a final that was kept beside another, as final-1, the name of its folder."""
        if run.info.run_name == _KEPT.sub("-final", self._name) != self._name:
            self.client.update_run(run.info.run_id, name=self._name)

    def _search(self, tag: str) -> Iterator[Any]:
        condition = f"tags.{tag}"
        token = None
        while True:
            page = self.client.search_runs([self.experiment_id], condition, page_token=token)
            yield from page
            token = page.token
            if not token:
                return

    def _create_parent(self) -> TrackedRun:
        tags = {} if self._inside is None else {_PARENT_TAG: self._inside}
        return self._create(self._name, self._description.created_at, tags)

    def _run_of(self, trial: TrialRecord) -> TrackedRun:
        index = trial.trial.index
        if index not in self._runs:
            tags = {TRIAL_TAG: str(index), _PARENT_TAG: self.parent_id}
            name = f"{self._name}-{index:04d}"
            self._runs[index] = self._create(name, trial.started_at, tags)
        return self._runs[index]

    def _create(self, name: str, at: float | None, tags: dict[str, str]) -> TrackedRun:
        about = {SWEEP_TAG: self._description.id, "mlflow.source.name": "sweeps", **tags}
        if self._description.git_commit:
            about["mlflow.source.git.commit"] = self._description.git_commit
        run = self.client.create_run(
            self.experiment_id, start_time=ms(at), run_name=name, tags=about
        )
        return TrackedRun(str(run.info.run_id))

    def _log(
        self, run_id: str, metrics: list[Metric], params: list[Param], tags: Sequence[RunTag]
    ) -> None:
        """Log all, the tags last."""
        first = len(metrics) - _ONE_BATCH
        if first > 0:
            self.client.log_batch(run_id, metrics=metrics[:first], params=params)
            metrics, params = metrics[first:], []
        self.client.log_batch(run_id, metrics=metrics, params=params, tags=tags)

    def _set_status(self, run: TrackedRun, trial: TrialRecord, state: str) -> None:
        if trial.outcome is not None:
            status = _STATUS[trial.outcome]
            self.client.set_terminated(run.run_id, status, end_time=ms(trial.ended_at))
        elif state == "unfinished":
            at = (trial.started_at or 0.0) + trial.train_s
            self.client.set_terminated(run.run_id, "KILLED", end_time=ms(at))
        elif run.mark is not None and run.state != "running":
            self.client.update_run(run.run_id, status="RUNNING")

    def _end_parent(self, record: SweepRecord) -> None:
        for name in _ARTIFACTS:
            path = self.folder.path / name
            if path.exists():
                self.client.log_artifact(self.parent_id, str(path))
        status = "KILLED" if record.is_open else "FINISHED"
        # A sweep may have been resumed where the clock is behind.
        at = max(record.ended_at or 0.0, record.started_at or 0.0)
        self.client.set_terminated(self.parent_id, status, end_time=ms(at))

    def _parent_tags(self, record: SweepRecord, is_over: bool) -> dict[str, str]:
        ended = str(record.stopped or "") or ("unfinished" if record.is_open else "finished")
        tags = {"outcome": ended if is_over else "running", "trials": str(record.wanted)}
        tags["seed"] = str(self._description.sweep.seed)
        if record.accepted:
            tags["accepted_code"] = ", ".join(record.accepted)
        if not is_over:
            return tags
        best = "" if record.best is None else str(record.best.trial.index)
        final = FinalNote.of(self.folder, record)
        note = sweep_note(self.folder.name, record, self._description.stage, final)
        if why := why_no_winner(self.folder):
            note = f"**The final has no winner**, so no model was logged: {why}.\n\n{note}"
        return {**tags, "best_trial": best, NOTE_TAG: note}


def run_name(folder: RunFolder, description: Description) -> str:
    """Return what a sweep's run is called: its folder, with that of the stage where it is one."""
    stage = description.stage
    if stage is None:
        return shown(folder.name)
    sweep = folder.path.parents[stage.count("/")]
    return shown("-".join((sweep.name, *folder.path.relative_to(sweep).parts)))


def _points(metrics: Iterable[Metric]) -> list[tuple[int, int]]:
    """Return step and time of each point, in order; one that is there twice comes twice."""
    return sorted((one.step, one.timestamp) for one in metrics)
