"""MLflow as a projection of a run folder: made from the ledger, and made again at any time.

Runs are found by tags that name the sweep and the trial, timestamps come from the ledger, and what
is recorded is marked on each run: doing it twice changes nothing.
"""

from __future__ import annotations

import fcntl
import math
import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "20")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")

from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, RunTag
from mlflow.exceptions import MlflowException

from sweeps.configurations import flatten
from sweeps.errors import TrackingError
from sweeps.records import Outcome, SweepRecord, TrialRecord
from sweeps.run_folder import RunFolder

__all__ = ["Projection"]

_STATUS = {
    Outcome.COMPLETED: "FINISHED",
    Outcome.EARLY_STOPPED: "FINISHED",
    Outcome.PRUNED: "KILLED",
    Outcome.DIVERGED: "FAILED",
    Outcome.FAILED: "FAILED",
}
_SWEEP_TAG, _TRIAL_TAG, _MARK_TAG = "sweeps.sweep", "sweeps.trial", "sweeps.recorded"
_PARENT_TAG, _NAME_TAG = "mlflow.parentRunId", "mlflow.runName"
_LONGEST_TAG = 5000
# Has the UI open on the pages of model training, not of language models.
_EXPERIMENT = {"mlflow.experimentKind": "custom_model_development"}

Rows = list[dict[str, float]]


class Projection:
    """The MLflow runs of one sweep, kept equal to what its ledger says."""

    def __init__(self, folder: RunFolder, uri: str) -> None:
        """Find or make the experiment and the sweep's own run.

        Raises:
            TrackingError: The store does not answer or refuses.
        """
        self.folder = folder
        self.uri = uri
        self._description = folder.read_description()
        with translated_errors(uri):
            self.client = _client(uri, folder.path.parent)
            self.experiment_id = self._experiment()
            self.parent_id = self._parent()
            self._runs = self._children()

    def record_trial(self, trial: TrialRecord, rows: Rows, is_over: bool) -> None:
        """Bring a trial's run up to date.

        Args:
            trial: A trial that has been started.
            rows: Epochs to add; rows that MLflow has already may be among them.
            is_over: The sweep is not running: a trial without an outcome is marked so.
        """
        mark = f"{trial.outcome or ('unfinished' if is_over else 'running')}:{trial.epochs}"
        with translated_errors(self.uri):
            run_id, known_mark = self._run_of(trial)
            if known_mark == mark:
                return
            self.client.log_batch(
                run_id,
                metrics=_metrics(trial, rows),
                params=_params(trial) if known_mark is None else [],
                tags=_trial_tags(trial, mark),
            )
            self._set_status(run_id, trial, is_over, known_mark)
        self._runs[trial.trial.index] = (run_id, mark)

    def record_sweep(self, record: SweepRecord, is_over: bool) -> None:
        """Bring the sweep's own run up to date, with its artifacts when it is over."""
        best = record.best
        summary = {str(outcome): count for outcome, count in record.outcomes.items() if count}
        mark = f"{is_over}:{record.ended_at}:{sorted(summary.items())}"
        with translated_errors(self.uri):
            if self._tag_of_parent(_MARK_TAG) == mark:
                return
            at_ms = _ms(record.ended_at or record.started_at or 0.0)
            metrics = [Metric(f"trials_{name}", n, at_ms, 0) for name, n in summary.items()]
            if best is not None and best.best is not None:
                metrics += _best_metrics(best.best, at_ms)
            tags = {"outcome": record.stopped or ("finished" if is_over else "running")}
            if best is not None:
                tags |= {"best_trial": str(best.trial.index), "mlflow.note.content": _note(record)}
            self.client.log_batch(
                self.parent_id,
                metrics=metrics,
                tags=[RunTag(key, value[:_LONGEST_TAG]) for key, value in tags.items()],
            )
            if is_over:
                self._artifacts()
                status = "FINISHED" if not record.unfinished else "KILLED"
                self.client.set_terminated(self.parent_id, status, end_time=at_ms)
            self.client.set_tag(self.parent_id, _MARK_TAG, mark)

    def model_is_current(self, trial: TrialRecord) -> bool:
        """Return whether the winner's model is logged already."""
        with translated_errors(self.uri):
            return self._tag_of_parent("sweeps.model") == _model_mark(trial)

    def mark_model(self, trial: TrialRecord, model_uri: str) -> None:
        """Note on the sweep's run which trial's model was logged, and where."""
        with translated_errors(self.uri):
            self.client.set_tag(self.parent_id, "sweeps.model", _model_mark(trial))
            self.client.set_tag(self.parent_id, "model_uri", model_uri)

    def _experiment(self) -> str:
        name = self._description["sweep"]["name"]
        found = self.client.get_experiment_by_name(name)
        if found is not None:
            return str(found.experiment_id)
        try:
            location = _artifact_location(self.uri, self.folder.path.parent)
            return str(
                self.client.create_experiment(name, artifact_location=location, tags=_EXPERIMENT)
            )
        except MlflowException:
            found = self.client.get_experiment_by_name(name)
            if found is None:
                raise
            return str(found.experiment_id)

    def _search(self, condition: str) -> Iterator[Any]:
        token = None
        while True:
            page = self.client.search_runs([self.experiment_id], condition, page_token=token)
            yield from page
            token = page.token
            if not token:
                return

    def _parent(self) -> str:
        sweep_id = self._description["id"]
        for run in self._search(f"tags.`{_SWEEP_TAG}` = '{sweep_id}'"):
            if _TRIAL_TAG not in run.data.tags:
                return str(run.info.run_id)
        run = self.client.create_run(
            self.experiment_id,
            start_time=_ms(self._description["created_at"]),
            run_name=self.folder.name,
            tags={_SWEEP_TAG: sweep_id, _NAME_TAG: self.folder.name},
        )
        sweep = self._description["sweep"]
        about = {key: sweep[key] for key in ("seed", "data", "objective", "search", "stopping")}
        about["search"] = {k: v for k, v in about["search"].items() if not isinstance(v, list)}
        self.client.log_batch(
            run.info.run_id, params=[Param(k, str(v)) for k, v in flatten(about).items()]
        )
        self.client.log_inputs(run.info.run_id, datasets=_datasets(self._description))
        return str(run.info.run_id)

    def _children(self) -> dict[int, tuple[str, str | None]]:
        sweep_id = self._description["id"]
        return {
            int(run.data.tags[_TRIAL_TAG]): (run.info.run_id, run.data.tags.get(_MARK_TAG))
            for run in self._search(f"tags.`{_SWEEP_TAG}` = '{sweep_id}'")
            if _TRIAL_TAG in run.data.tags
        }

    def _run_of(self, trial: TrialRecord) -> tuple[str, str | None]:
        index = trial.trial.index
        if index in self._runs:
            return self._runs[index]
        name = f"{self.folder.name}-{index:04d}"
        run = self.client.create_run(
            self.experiment_id,
            start_time=_ms(trial.started_at or 0.0),
            run_name=name,
            tags={
                _SWEEP_TAG: self._description["id"],
                _TRIAL_TAG: str(index),
                _PARENT_TAG: self.parent_id,
                _NAME_TAG: name,
            },
        )
        self._runs[index] = (str(run.info.run_id), None)
        return self._runs[index]

    def _set_status(
        self, run_id: str, trial: TrialRecord, is_over: bool, known_mark: str | None
    ) -> None:
        if trial.outcome is not None:
            status = _STATUS[trial.outcome]
            self.client.set_terminated(run_id, status, end_time=_ms(trial.ended_at or 0.0))
        elif is_over:
            self.client.set_terminated(run_id, "KILLED")
        elif known_mark is not None and not known_mark.startswith("running"):
            self.client.update_run(run_id, status="RUNNING")

    def _tag_of_parent(self, key: str) -> str | None:
        tags = self.client.get_run(self.parent_id).data.tags
        return None if key not in tags else str(tags[key])

    def _artifacts(self) -> None:
        for name in ("sweep.yaml", "sweep.json", "winner.json", "trials.jsonl", "epochs.parquet"):
            path = self.folder.path / name
            if path.exists():
                self.client.log_artifact(self.parent_id, str(path))


@contextmanager
def translated_errors(uri: str) -> Iterator[None]:
    """Turn what MLflow and its transports raise into TrackingError.

    Its transports (requests, SQLAlchemy, object stores) share no base class: any exception out of
    the client means that the record could not be written now.
    """
    try:
        yield
    except TrackingError:
        raise
    except Exception as err:
        lines = str(err).strip().splitlines() or [type(err).__name__]
        raise TrackingError(f"MLflow at {without_password(uri)}: {lines[0][:300]}") from err


def without_password(uri: str) -> str:
    """Return `uri` with the password of `user:password@host` hidden."""
    scheme, separator, rest = uri.partition("://")
    account, at, host = rest.rpartition("@")
    user = account.partition(":")[0]
    return f"{scheme}{separator}{user}:***@{host}" if at else uri


def _client(uri: str, runs: Path) -> MlflowClient:
    """Return a client; a SQLite store is created once, under a lock, in write-ahead mode."""
    if not uri.startswith("sqlite:///"):
        return MlflowClient(tracking_uri=uri)
    path = Path(uri.removeprefix("sqlite:///"))
    path.parent.mkdir(parents=True, exist_ok=True)
    with (path.parent / f".{path.name}.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        client = MlflowClient(tracking_uri=uri)
        client.search_experiments(max_results=1)
        with sqlite3.connect(path) as connection:
            connection.execute("PRAGMA journal_mode=WAL")
        connection.close()
    return client


def _artifact_location(uri: str, runs: Path) -> str | None:
    """Beside a SQLite store; where the server wants them otherwise."""
    if uri.startswith("sqlite:///"):
        return Path(uri.removeprefix("sqlite:///")).with_name("mlartifacts").as_uri()
    return None


def _metrics(trial: TrialRecord, rows: Rows) -> list[Metric]:
    """Return per-epoch metrics, and `best_*` once the trial has ended.

    An epoch's time is the trial's start plus the training time up to it: the same at every call,
    so that MLflow recognises what it has. Infinities are left out (MLflow would store 1.8e308).
    """
    start = trial.started_at or 0.0
    found = [
        Metric(key, value, _ms(start + row["_at_s"]), int(row["epoch"]))
        for row in rows
        for key, value in row.items()
        if key not in ("epoch", "_at_s") and not math.isinf(value)
    ]
    if trial.outcome is not None and trial.best is not None:
        found += _best_metrics(trial.best, _ms(trial.ended_at or start))
    return found


def _best_metrics(best: Mapping[str, float], at_ms: int) -> list[Metric]:
    values = {
        f"best_{key}": value
        for key, value in best.items()
        if key.startswith(("train_", "dev_")) or key == "epoch"
    }
    return [Metric(key, value, at_ms, 0) for key, value in values.items()]


def _params(trial: TrialRecord) -> list[Param]:
    values = flatten(trial.trial.configuration) | {"seed": trial.trial.seed}
    return [Param(key, str(value)) for key, value in values.items()]


def _trial_tags(trial: TrialRecord, mark: str) -> list[RunTag]:
    tags = {
        _MARK_TAG: mark,
        "outcome": mark.partition(":")[0],
        "reason": trial.reason,
        "configuration_hash": trial.trial.hash,
    }
    if trial.failures:
        tags["failures"] = "\n\n".join(trial.failures)
    return [RunTag(key, value[:_LONGEST_TAG]) for key, value in tags.items() if value]


def _datasets(description: Mapping[str, Any]) -> list[DatasetInput]:
    data = description["data"]
    return [
        DatasetInput(
            Dataset(
                name=f"{data['source']}-{split['name']}",
                digest=split["digest"],
                source_type="local",
                source=str({"source": data["source"], "seed": description["sweep"]["seed"]}),
                profile=str({"num_rows": split["rows"]}).replace("'", '"'),
            ),
            [InputTag("mlflow.data.context", split["name"])],
        )
        for split in data["splits"]
    ]


def _note(record: SweepRecord) -> str:
    """Return the sweep's summary as Markdown, which the MLflow UI shows on its run."""
    best = record.best
    if best is None:
        return "No trial has a finite objective yet."
    counts = ", ".join(f"{n} {name}" for name, n in sorted(record.outcomes.items()) if n)
    lines = [
        f"**Best {record.goal.metric} = {record.value(best):.6g}** "
        f"(trial {best.trial.index}, epoch {best.best_epoch}) of {len(record.trials)} trials: "
        f"{counts}.",
        "",
        "| parameter | value |",
        "| --- | --- |",
        *(f"| {k} | {v} |" for k, v in flatten(best.trial.configuration).items()),
    ]
    return "\n".join(lines)


def _model_mark(trial: TrialRecord) -> str:
    return f"{trial.trial.hash}:{trial.best_epoch}"


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
