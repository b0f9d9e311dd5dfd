"""MLflow as a projection of a run folder: made from the ledger, and made again at any time.

Runs are found by tags that name the sweep and the trial. The mark of what a run has is written
after what it marks, so that a kill at any instant costs a repetition and never a part of a record;
and what is repeated MLflow recognises, since its timestamps come from the ledger.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlflow.entities import Metric, Param, RunTag

from sweeps.infra.plain_text import shown
from sweeps.record.description import Description
from sweeps.record.final import read_final, read_openings
from sweeps.record.run_folder import RunFolder
from sweeps.record.stages import why_no_winner
from sweeps.record.sweep_record import Outcome, SweepRecord, TrialRecord
from sweeps.tracking.mlflow.store import (
    experiment_id_of,
    map_concurrently,
    open_client,
    translated_errors,
    without_password,
)
from sweeps.tracking.mlflow.values import (
    best_metrics,
    datasets,
    epoch_metrics,
    final_metrics,
    ms,
    point_ms,
    sweep_metrics,
    sweep_note,
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
}
_SWEEP_TAG, _TRIAL_TAG, _MARK_TAG = "sweeps.sweep", "sweeps.trial", "sweeps.recorded"
_MODEL_TAG = "sweeps.model"
_DIAGNOSIS_TAG = "diagnosis"
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
# What `final --again` adds to the name of a final that it keeps.
_KEPT = re.compile(r"-final-\d+(?=$|-refit$)")


@dataclass
class _Run:
    """A run as MLflow has it, and what was recorded in it.

    Attributes:
        mark: `state:epochs:end:last`, `last` being the time of the last epoch's points in ms, or
            None until something is in. Earlier versions wrote no `last`, or 0 for one not known.
        is_own: Whether this process wrote in it, so that it has what the mark says.
    """

    run_id: str
    mark: str | None = None
    diagnosis: str = ""
    is_own: bool = False

    def is_of(self, trial: TrialRecord, times: Mapping[int, int]) -> bool:
        """Return whether what is in it can be the beginning of what the record has of a trial.

        It cannot where a power cut took lines of the ledger that were recorded already, or another
        copy of the run folder was resumed: the epochs came again, and took other times.

        Args:
            times: When each epoch's points are, in ms. Of epochs that were sent before the server
                went away nothing is known any more: they do not speak against the run.
        """
        if self.mark is None or self.is_own:
            return True
        is_alike = not self.last_ms or times.get(self.epochs, self.last_ms) == self.last_ms
        return self.epochs <= trial.epochs and is_alike

    @property
    def state(self) -> str:
        return (self.mark or "").partition(":")[0]

    @property
    def epochs(self) -> int:
        return int(self.mark.split(":")[1]) if self.mark else 0

    @property
    def last_ms(self) -> int:
        """When the last epoch's points are; 0 where the mark does not say it."""
        parts = (self.mark or "").split(":")
        return int(parts[3]) if len(parts) > 3 else 0


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
        self._runs: dict[int, _Run] = {}
        self._parent: _Run | None = None
        self._model_mark = ""
        with translated_errors(uri):
            self.client = open_client(uri)
            self.experiment_id = experiment_id_of(self.client, self._description.sweep.name, uri)
            self._find_runs()
            self._parent = self._parent or self._create_parent()
        self.parent_id = self._parent.run_id

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
            if not run.is_of(trial, times) or not self._has_all(run, trial, rows):
                self.client.delete_run(run.run_id)
                del self._runs[trial.trial.index]
                run = self._run_of(trial)
            last_ms = times.get(trial.epochs, run.last_ms)
            mark = f"{state}:{trial.epochs}:{ms(trial.ended_at)}:{last_ms}"
            if run.mark == mark:
                return
            is_new = run.mark is None
            metrics = epoch_metrics(trial, (row for row in rows if row["epoch"] > run.epochs))
            if state != "running":
                metrics += best_metrics(trial, trial.started_at, trial.best_epoch or 0)
            tags = {**trial_tags(trial, state, self._objective), _MARK_TAG: mark}
            self._set_status(run, trial, state)
            params = trial_params(trial) if is_new else []
            self._log(run.run_id, metrics, params, tags_of(tags, is_new))
        run.mark, run.is_own = mark, True

    def _has_all(self, run: _Run, trial: TrialRecord, rows: Rows) -> bool:
        """Return whether a run has its points of the objective once each, where that is asked."""
        if not self._checks or run.mark is None or run.is_own:
            return True
        found = self.client.get_metric_history(run.run_id, self._objective.metric)
        sent = (row for row in rows if row["epoch"] <= run.epochs)
        wanted = [one for one in epoch_metrics(trial, sent) if one.key == self._objective.metric]
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
        parent = self._parent
        assert parent is not None
        counts = [record.outcomes[outcome] for outcome in Outcome]
        openings = read_openings(self.folder)
        state = f"{ms(record.ended_at)}:{counts}:{len(openings)}"
        mark = f"over:0:{state}" if is_over else "running:0:0"
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
            elif not is_new:
                self.client.update_run(parent.run_id, status="RUNNING")
            tags = self._parent_tags(record, is_over) | {_MARK_TAG: mark}
            metrics = sweep_metrics(record) if is_over else []
            if is_over:
                metrics += final_metrics(record, read_final(self.folder), openings)
            self._log(parent.run_id, metrics, params, tags_of(tags, is_new))
        parent.mark = mark

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
                    self.client.set_tag(run.run_id, _DIAGNOSIS_TAG, words)
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
        tags = {_MODEL_TAG: mark, "model_uri": model_uri}
        with translated_errors(self.uri):
            self.client.log_batch(self.parent_id, tags=tags_of(tags, is_new=True))
        self._model_mark = tags[_MODEL_TAG]

    def _find_runs(self) -> None:
        """Find this sweep's runs; a second one of a trial is deleted.

        A server that is stopped and goes on answers requests that their client gave up: it may
        make a run twice.
        """
        for run in sorted(self._search(), key=_fullest_first):
            tags = run.data.tags
            about = (tags.get(_MARK_TAG), tags.get(_DIAGNOSIS_TAG, ""))
            found = _Run(str(run.info.run_id), *about)
            if _TRIAL_TAG in tags and int(tags[_TRIAL_TAG]) not in self._runs:
                self._runs[int(tags[_TRIAL_TAG])] = found
            elif _TRIAL_TAG not in tags and self._parent is None:
                self._parent, self._model_mark = found, tags.get(_MODEL_TAG, "")
                self._rename_kept(run)
            else:
                self.client.delete_run(found.run_id)

    def _rename_kept(self, run: Any) -> None:
        """Give a final that was kept beside another, as final-1, the name of its folder."""
        if run.info.run_name == _KEPT.sub("-final", self._name) != self._name:
            self.client.update_run(run.info.run_id, name=self._name)

    def _search(self) -> Iterator[Any]:
        condition = f"tags.`{_SWEEP_TAG}` = '{self._description.id}'"
        token = None
        while True:
            page = self.client.search_runs([self.experiment_id], condition, page_token=token)
            yield from page
            token = page.token
            if not token:
                return

    def _create_parent(self) -> _Run:
        tags = {} if self._inside is None else {"mlflow.parentRunId": self._inside}
        return self._create(self._name, self._description.created_at, tags)

    def _run_of(self, trial: TrialRecord) -> _Run:
        index = trial.trial.index
        if index not in self._runs:
            tags = {_TRIAL_TAG: str(index), "mlflow.parentRunId": self.parent_id}
            name = f"{self._name}-{index:04d}"
            self._runs[index] = self._create(name, trial.started_at, tags)
        return self._runs[index]

    def _create(self, name: str, at: float | None, tags: dict[str, str]) -> _Run:
        about = {_SWEEP_TAG: self._description.id, "mlflow.source.name": "sweeps", **tags}
        if self._description.git_commit:
            about["mlflow.source.git.commit"] = self._description.git_commit
        run = self.client.create_run(
            self.experiment_id, start_time=ms(at), run_name=name, tags=about
        )
        return _Run(str(run.info.run_id))

    def _log(
        self, run_id: str, metrics: list[Metric], params: list[Param], tags: Sequence[RunTag]
    ) -> None:
        """Log all, the tags last."""
        first = len(metrics) - _ONE_BATCH
        if first > 0:
            self.client.log_batch(run_id, metrics=metrics[:first], params=params)
            metrics, params = metrics[first:], []
        self.client.log_batch(run_id, metrics=metrics, params=params, tags=tags)

    def _set_status(self, run: _Run, trial: TrialRecord, state: str) -> None:
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
        tags["accepted_code"] = ", ".join(record.accepted)
        if not is_over:
            return tags
        best = "" if record.best is None else str(record.best.trial.index)
        note = sweep_note(record, self._description.stage, read_final(self.folder))
        if why := why_no_winner(self.folder):
            note = f"**The final has no winner**, so no model was logged: {why}.\n\n{note}"
        return {**tags, "best_trial": best, "mlflow.note.content": note}


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


def _fullest_first(run: Any) -> tuple[int, bool, str]:
    """Sort runs with more in them first; the id makes the order certain."""
    mark = run.data.tags.get(_MARK_TAG)
    return (-_Run("", mark).epochs, mark is None, run.info.run_id)
