"""MLflow's record is a projection of the run folder: complete, nested, and idempotent."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient

import sweeps
from sweeps.definition.configurations import flatten
from sweeps.findings.results import Results
from sweeps.tracking.follower import Follower
from sweeps.tracking.mlflow.projection import without_password
from tests.sweeps.sweep_files import custom_model, own_net, space, write_sweep

pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning"
)


def store(runs: Path) -> str:
    return f"sqlite:///{runs / 'mlflow.db'}"


def dump(runs: Path) -> list[str]:
    with closing(sqlite3.connect(runs / "mlflow.db")) as connection, connection:
        return list(connection.iterdump())


class Record:
    """What MLflow has of one sweep."""

    def __init__(self, uri: str, name: str = "blobs") -> None:
        self.client = MlflowClient(tracking_uri=uri)
        experiment = self.client.get_experiment_by_name(name)
        assert experiment is not None
        runs = self.client.search_runs([experiment.experiment_id])
        children = [run for run in runs if "mlflow.parentRunId" in run.data.tags]
        self.trials = {int(run.data.tags["sweeps.trial"]): run for run in children}
        (self.parent,) = [run for run in runs if run not in children]
        self.count = len(runs)

    def curve(self, trial: int, metric: str) -> list[tuple[int, float]]:
        history = self.client.get_metric_history(self.trials[trial].info.run_id, metric)
        return sorted((point.step, point.value) for point in history)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """A finished sweep of every outcome but pruned and early_stopped, in a SQLite store."""
    folder = tmp_path_factory.mktemp("recorded")
    target = own_net(
        folder,
        "recorded_net",
        "        if self.number == 1 and self.calls > 20: out = out * float('nan')\n"
        "        if self.number == 2: raise RuntimeError('broken on purpose')\n",
    )
    models = ", ".join(f"{{model: {custom_model(target, number)}}}" for number in range(3))
    path = write_sweep(
        folder,
        search=f"{{method: manual, configurations: [{models}]}}",
        trial="{retries: 0}",
        space=space(custom_model(target), "{kind: adam, lr: 0.05}"),
    )
    runs = folder / "runs"
    return sweeps.run(path, runs=runs, runner="local", tracking_uri=store(runs))


@pytest.fixture
def record(recorded: Results) -> Record:
    return Record(store(recorded.path.parent))


def test_a_sweep_is_one_run_with_a_nested_run_a_trial(record: Record) -> None:
    assert sorted(record.trials) == [0, 1, 2]
    parents = {run.data.tags["mlflow.parentRunId"] for run in record.trials.values()}
    assert parents == {record.parent.info.run_id}
    assert record.parent.info.run_name == "blobs"


def test_nothing_is_missing_and_no_run_is_left_open(recorded: Results, record: Record) -> None:
    assert recorded.missing_in_mlflow == ""
    statuses = [record.trials[index].info.status for index in range(3)]
    assert statuses == ["FINISHED", "FAILED", "FAILED"]
    assert record.parent.info.status == "FINISHED"


def test_each_trial_has_its_outcome_reason_and_flat_parameters(
    recorded: Results, record: Record
) -> None:
    tags = [record.trials[index].data.tags for index in range(3)]
    assert [tag["outcome"] for tag in tags] == ["completed", "diverged", "failed"]
    assert "broken on purpose" in tags[2]["reason"]
    configuration = recorded.record.trials[0].trial.configuration
    expected = {key: str(value) for key, value in flatten(configuration).items()}
    assert expected.items() <= record.trials[0].data.params.items()


def test_curves_have_every_epoch_once(recorded: Results, record: Record) -> None:
    epochs = recorded.epochs()
    mine = epochs[epochs["trial"] == 0]
    expected = list(zip(mine["epoch"], mine["dev_loss"], strict=True))
    assert record.curve(0, "dev/loss") == expected


def test_metrics_are_what_a_reviewer_reads(record: Record) -> None:
    metrics = set(record.trials[0].data.metrics)
    names = ("loss", "accuracy", "f1", "balanced_accuracy")
    values = {f"{part}{name}" for part in ("train/", "dev/", "best/dev_") for name in names}
    sizes = {"size/parameters", "size/flops", "size/ms_per_row"}
    assert metrics == values | sizes | {"lr", "epoch_s"}


def test_a_rejected_trial_is_a_run_that_was_killed_with_its_sizes_and_no_epoch(
    tmp_path: Path,
) -> None:
    path = write_sweep(tmp_path, require='["parameters <= 60"]', space=space(epochs=2))
    runs = tmp_path / "runs"
    results = sweeps.run(path, runs=runs, runner="local", tracking_uri=store(runs))
    table, seen = results.trials().set_index("trial"), Record(store(runs))
    rejected = table[table["outcome"] == "rejected"]
    assert 0 < len(rejected) < len(table)
    assert results.missing_in_mlflow == ""
    for index, row in rejected.iterrows():
        mine = seen.trials[int(index)]
        assert (mine.info.status, mine.data.tags["outcome"]) == ("KILLED", "rejected")
        assert mine.data.tags["reason"] == row["reason"]
        assert mine.data.metrics["size/parameters"] == row["parameters"]
        assert set(mine.data.metrics) == {"size/parameters", "size/flops"}


def test_best_values_are_those_of_the_best_epoch(recorded: Results, record: Record) -> None:
    best = recorded.record.trials[0].best
    assert best is not None
    assert record.trials[0].data.metrics["best/dev_loss"] == best["dev_loss"]
    assert record.trials[0].data.metrics["best/dev_accuracy"] == best["dev_accuracy"]
    assert record.curve(0, "best/dev_loss")[-1] == (best["epoch"], best["dev_loss"])
    assert record.parent.data.metrics["best/dev_loss"] == best["dev_loss"]


def test_the_sweep_has_its_data_sets_artifacts_and_summary(record: Record) -> None:
    contexts = [entry.tags[0].value for entry in record.parent.inputs.dataset_inputs]
    assert sorted(contexts) == ["dev", "test", "train"]
    names = {file.path for file in record.client.list_artifacts(record.parent.info.run_id)}
    assert {"sweep.yaml", "winner.json", "trials.jsonl"} <= names
    assert "Best of the search: trial" in record.parent.data.tags["mlflow.note.content"]


def test_the_store_is_in_write_ahead_mode(recorded: Results) -> None:
    with closing(sqlite3.connect(recorded.path.parent / "mlflow.db")) as connection, connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_a_second_sync_changes_nothing(recorded: Results) -> None:
    runs = recorded.path.parent
    before = dump(runs)
    sweeps.sync(recorded.path, tracking_uri=store(runs))
    assert dump(runs) == before


def test_sync_rebuilds_the_record_in_an_empty_store(
    recorded: Results, record: Record, tmp_path: Path
) -> None:
    sweeps.sync(recorded.path, tracking_uri=store(tmp_path))
    rebuilt = Record(store(tmp_path))
    assert rebuilt.curve(0, "train/loss") == record.curve(0, "train/loss")
    assert rebuilt.trials[0].data.params == record.trials[0].data.params
    assert rebuilt.parent.data.metrics == record.parent.data.metrics


def test_sync_completes_what_a_killed_tracker_left(recorded: Results, tmp_path: Path) -> None:
    follower = Follower(recorded.folder, store(tmp_path))
    follower.read()
    half = follower.tracker()
    list(half.record_trials([follower.record.trials[0]], {0: follower._rows[0][:4]}, is_over=False))
    sweeps.sync(recorded.path, tracking_uri=store(tmp_path))
    completed = Record(store(tmp_path))
    assert completed.count == 4
    assert sorted(completed.trials) == [0, 1, 2]


def test_an_extended_sweep_continues_its_own_runs(tmp_path: Path) -> None:
    path = write_sweep(tmp_path, search="{method: random, trials: 2}")
    runs = tmp_path / "runs"
    options: dict[str, Any] = {"runner": "local", "tracking_uri": store(runs)}
    first = sweeps.run(path, runs=runs, **options)
    before = Record(store(runs))
    sweeps.extend(first.path, 1, **options)
    after = Record(store(runs))
    assert after.parent.info.run_id == before.parent.info.run_id
    assert after.trials[1].info.run_id == before.trials[1].info.run_id
    assert [run.info.status for run in after.trials.values()] == ["FINISHED"] * 3
    assert "" not in after.parent.data.tags.values()


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        ("http://ann:secret@host:5000/x", "http://ann:***@host:5000/x"),
        ("postgresql://ann:s@e@cret@host/db", "postgresql://ann:***@host/db"),
        ("http://host:5000", "http://host:5000"),
        ("sqlite:////tmp/mlflow.db", "sqlite:////tmp/mlflow.db"),
    ],
)
def test_a_password_in_a_uri_is_never_shown(uri: str, shown: str) -> None:
    assert without_password(uri) == shown
