"""Whatever interrupts a tracker, the next one leaves each run once, whole and closed."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient

import sweeps
from sweeps.errors import RunFolderError, TrackingError
from sweeps.findings.results import Results, epoch_rows
from sweeps.models.scoring.objective import SIZES
from sweeps.tracking.follower import Closing, Follower, sync
from sweeps.tracking.mlflow.runs import MARK_TAG
from sweeps.tracking.mlflow.store import experiment_id_of, open_client, translated_errors
from tests.sweeps.drivers import EVERY_EPOCH
from tests.sweeps.sweep_files import custom_model, own_net, space, write_sweep
from tests.sweeps.tracking.mlflow.test_projection import Record, store

pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning"
)

ON_DISK: dict[str, Any] = {"runner": "local", "tracking_uri": "none"}


class FailsAt:
    """A client's method that works until one of its calls, which fails."""

    def __init__(self, method: Any, call: int) -> None:
        self.method, self.calls, self.call = method, 0, call

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        self.calls += 1
        if self.calls == self.call:
            raise ConnectionError("the server went away")
        return self.method(*arguments, **options)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """Two trials of 150 epochs (1,200 metrics each), recorded on disk alone."""
    folder = tmp_path_factory.mktemp("finished")
    path = write_sweep(
        folder, search="{method: random, trials: 2}", space=space("{kind: linear}", epochs=150)
    )
    return sweeps.run(path, runs=folder / "runs", runner="local", tracking_uri="none")


def synced(results: Results) -> Record:
    """Return what MLflow has of a sweep after a sync into the store beside it."""
    sweeps.sync(results.path, tracking_uri=store(results.path.parent))
    return Record(store(results.path.parent))


def metric_rows(runs: Path) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(runs / "mlflow.db")) as connection, connection:
        return connection.execute(
            "select t.value, m.key, m.step, m.timestamp, m.value from metrics m join tags t "
            "on t.run_uuid = m.run_uuid and t.key = 'sweeps.trial' order by 1, 2, 3, 4"
        ).fetchall()


@pytest.mark.parametrize("call", [2, 3, 4], ids="log_batch-{}".format)
def test_a_long_trial_that_was_half_sent_is_completed_without_repeats(
    finished: Results, tmp_path: Path, call: int
) -> None:
    follower = Follower(finished.folder, store(tmp_path / "cut"))
    follower.read()
    client = follower.tracker().client
    client.log_batch = FailsAt(client.log_batch, call)
    with pytest.raises(TrackingError, match="went away"):
        follower.write(is_over=True, everything=True)
    sweeps.sync(finished.path, tracking_uri=store(tmp_path / "cut"))
    sweeps.sync(finished.path, tracking_uri=store(tmp_path / "whole"))
    rows = metric_rows(tmp_path / "cut")
    curves = finished.epochs().groupby("trial")["dev_loss"]
    better = (curves.cummin() < curves.cummin().groupby(finished.epochs()["trial"]).shift()).sum()
    # Four dev metrics of each epoch that was better, of which the first is one; a net's sizes.
    assert len(rows) == 2 * 150 * 10 + 4 * (2 + better) + 2 * len(SIZES)
    assert rows == metric_rows(tmp_path / "whole")


def test_a_run_that_a_slow_server_made_twice_is_deleted(finished: Results, tmp_path: Path) -> None:
    sweeps.sync(finished.path, tracking_uri=store(tmp_path))
    before = Record(store(tmp_path))
    for run in (before.parent, before.trials[1]):
        tags = {key: value for key, value in run.data.tags.items() if key != MARK_TAG}
        before.client.create_run(run.info.experiment_id, tags=tags)
    sweeps.sync(finished.path, tracking_uri=store(tmp_path))
    after = Record(store(tmp_path))
    assert after.count == 3
    assert after.parent.data.params == before.parent.data.params
    assert after.trials[1].data.metrics == before.trials[1].data.metrics


def test_a_model_that_was_half_logged_is_logged_once(finished: Results, tmp_path: Path) -> None:
    follower = Follower(finished.folder, store(tmp_path))
    follower.read()
    client = follower.tracker().client
    client.log_model_artifacts = FailsAt(client.log_model_artifacts, 1)
    with pytest.raises(TrackingError, match="went away"):
        follower.write(is_over=True, everything=True)
    sweeps.sync(finished.path, tracking_uri=store(tmp_path))
    record = Record(store(tmp_path))
    models = record.client.search_logged_models([record.parent.info.experiment_id])
    assert [str(model.status) for model in models] == ["READY"]
    assert record.parent.data.tags["model_uri"] == f"models:/{models[0].model_id}"


def test_a_model_whose_last_mark_a_kill_cost_is_not_an_output_twice(
    finished: Results, tmp_path: Path
) -> None:
    follower = Follower(finished.folder, store(tmp_path))
    follower.read()
    projection = follower.tracker()
    projection.note_model = FailsAt(projection.note_model, 1)
    with pytest.raises(ConnectionError):
        follower.write(is_over=True, everything=True)
    sweeps.sync(finished.path, tracking_uri=store(tmp_path))
    parent = Record(store(tmp_path)).parent
    assert len(parent.outputs.model_outputs) == 1
    assert parent.data.tags["model_uri"].endswith(parent.outputs.model_outputs[0].model_id)


def test_a_sweep_whose_experiment_was_deleted_is_recorded_in_another(
    finished: Results, tmp_path: Path
) -> None:
    client = open_client(store(tmp_path))
    first = experiment_id_of(client, "blobs", store(tmp_path))
    client.delete_experiment(first)
    sweeps.sync(finished.path, tracking_uri=store(tmp_path))
    sweeps.sync(finished.path, tracking_uri=store(tmp_path))
    record = Record(store(tmp_path), "blobs-2")
    assert record.count == 3
    experiment = client.get_experiment(record.parent.info.experiment_id)
    assert (experiment.name, experiment.experiment_id == first) == ("blobs-2", False)


def test_a_sync_while_a_session_only_waits_for_its_tracker_closes_the_record(
    finished: Results, tmp_path: Path
) -> None:
    closing = Closing(lambda folder: {}, lambda folder: None)
    sync(finished.folder, store(tmp_path), True, closing)
    assert Record(store(tmp_path)).parent.info.status == "FINISHED"


def test_options_with_any_names_are_recorded(tmp_path: Path) -> None:
    target = own_net(tmp_path, "any_names", "")
    long = "x" * 300
    options = f"{{number: 1, more: {{'conv@1': 2, {long}: 3, 'conv#1': 4}}}}"
    file = tmp_path / "any_names.py"
    file.write_text(file.read_text().replace("outputs, number=0):", "outputs, number=0, more=()):"))
    model = f"{{kind: custom, target: '{target}', options: {options}}}"
    path = write_sweep(
        tmp_path,
        search="{method: random, trials: 1}",
        space=space(model),
    )
    synced(sweeps.run(path, runs=tmp_path / "runs", **ON_DISK))
    params = Record(store(tmp_path / "runs")).trials[0].data.params
    found = {value: key for key, value in params.items() if "more" in key}
    assert found["2"].startswith("model.options.more.conv_1-")
    assert found["4"] != found["2"]
    assert len(found["3"]) == 250


def test_a_stage_that_has_no_ledger_yet_is_recorded_when_it_has(tmp_path: Path) -> None:
    path = write_sweep(
        tmp_path, search="{method: random, trials: 1}", final="{top_k: 1, seeds: 1, refit: false}"
    )
    results = sweeps.run(path, runs=tmp_path / "runs", **ON_DISK)
    stage = results.path / "final"
    as_made = {"plan.jsonl", "sweep.json"}
    for file in [one for one in stage.rglob("*") if one.is_file() and one.name not in as_made]:
        file.unlink()  # as a driver leaves it that is killed when the stage is made
    before, _, _ = results.folder.ledger.read_text().partition('{"event":"final"')
    results.folder.ledger.write_text(before)
    (results.path / "openings.jsonl").unlink()
    sweeps.sync(results.path, tracking_uri=store(tmp_path))
    follower = Follower(results.folder, store(tmp_path))
    follower.read()
    sweeps.resume(results.path, **ON_DISK)
    follower.read()
    follower.write(is_over=True, everything=True)
    wanted = "tags.mlflow.runName = 'blobs-final-0000'"
    repeats = MlflowClient(store(tmp_path)).search_runs(["1"], wanted)
    assert [run.info.status for run in repeats] == ["FINISHED"]


def test_a_sweep_that_was_killed_before_its_ledger_can_be_synced(tmp_path: Path) -> None:
    path = write_sweep(tmp_path, search="{method: random, trials: 1}")
    results = sweeps.run(path, runs=tmp_path / "runs", **ON_DISK)
    results.folder.ledger.unlink()
    with pytest.raises(RunFolderError, match=r"ledger\.jsonl is missing"):
        synced(results)
    for weights in results.folder.weights.iterdir():
        weights.unlink()
    assert synced(results).parent.info.status == "KILLED"


def test_a_parent_without_its_parameters_and_data_sets_gets_them(
    finished: Results, tmp_path: Path
) -> None:
    Follower(finished.folder, store(tmp_path)).tracker()
    assert Record(store(tmp_path)).parent.data.params == {}
    sweeps.sync(finished.path, tracking_uri=store(tmp_path))
    parent = Record(store(tmp_path)).parent
    assert parent.data.params["objective.metric"] == "dev_loss"
    assert len(parent.inputs.dataset_inputs) == 3


def test_a_resumed_sweep_continues_its_own_runs_and_leaves_none_open(tmp_path: Path) -> None:
    path = write_sweep(
        tmp_path,
        search="{method: random, trials: 3}",
        budget="{target: 10.0}",
        resources="{workers: 1}",
    )
    first = sweeps.run(path, runs=tmp_path / "runs", **ON_DISK)
    before = synced(first)
    sweeps.resume(first.path, overrides=["budget.target=null"], **ON_DISK)
    after = synced(first)
    assert before.parent.info.status == "KILLED"
    assert {index: run.info.run_id for index, run in before.trials.items()}.items() <= {
        index: run.info.run_id for index, run in after.trials.items()
    }.items()
    statuses = [run.info.status for run in (after.parent, *after.trials.values())]
    assert statuses == ["FINISHED"] * 4


def test_a_retry_takes_back_the_reason_of_the_failure(tmp_path: Path) -> None:
    broken = "        if not (HERE / 'mended').exists(): raise OSError('broken')\n"
    target = own_net(tmp_path, "mended_net", broken)
    path = write_sweep(
        tmp_path,
        search="{method: random, trials: 1}",
        trial="{retries: 0}",
        space=space(custom_model(target)),
    )
    first = sweeps.run(path, runs=tmp_path / "runs", **ON_DISK)
    before = synced(first).trials[0]
    (tmp_path / "mended").touch()
    sweeps.retry(first.path, **ON_DISK)
    after = synced(first).trials[0]
    assert "broken" in before.data.tags["reason"]
    assert after.info.run_id == before.info.run_id
    assert "broken" not in "".join(after.data.tags.values())
    assert (after.info.status, after.data.tags["outcome"]) == ("FINISHED", "completed")


def test_no_error_shows_the_password_of_a_registry_elsewhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    registry = "http://bob:s3cret@localhost:2"
    monkeypatch.setenv("MLFLOW_REGISTRY_URI", registry)

    def fail() -> None:
        with translated_errors("http://localhost:1"):
            raise ConnectionError(f"cannot reach {registry}/api")

    with pytest.raises(TrackingError, match="bob") as caught:
        fail()
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("password", ["s3cret", "s3%40cret"])
def test_no_error_of_a_store_shows_a_password(password: str) -> None:
    uri = f"http://ann:{password}@localhost:1"

    def fail() -> None:
        with translated_errors(uri):
            raise ConnectionError(f"cannot reach {uri}/api as ann")

    with pytest.raises(TrackingError, match="ann") as caught:
        fail()
    assert "s3cret" not in str(caught.value)
    assert "s3%40cret" not in str(caught.value)


def cut(results: Results, lines: int) -> None:
    """Take the last lines from a ledger, as a power cut does."""
    kept = results.folder.ledger.read_bytes().splitlines(keepends=True)[:-lines]
    results.folder.ledger.write_bytes(b"".join(kept))


def recorded_points(results: Results) -> list[tuple[int, int, float]]:
    return sorted((trial, int(row["epoch"]), row["dev_loss"]) for trial, row in rows_of(results))


def rows_of(results: Results) -> list[tuple[int, dict[str, float]]]:
    return list(epoch_rows(results.folder))


def mlflow_points(runs: Path) -> list[tuple[int, int, float]]:
    """The points of the objective in runs that are there, whatever was deleted."""
    with closing(sqlite3.connect(runs / "mlflow.db")) as connection, connection:
        found = connection.execute(
            "select t.value, m.step, m.value from metrics m join tags t on t.run_uuid = m.run_uuid "
            "join runs r on r.run_uuid = m.run_uuid where t.key = 'sweeps.trial' "
            "and m.key = 'dev/loss' and r.lifecycle_stage = 'active'"
        ).fetchall()
    return sorted((int(trial), step, value) for trial, step, value in found)


@pytest.mark.parametrize("lines", [1, 3, 4, 7], ids=lambda lines: f"{lines} lines")
@pytest.mark.parametrize("is_resumed", [True, False], ids=["resumed", "as it is"])
def test_lines_that_a_power_cut_took_after_mlflow_had_them_come_once(
    tmp_path: Path, lines: int, is_resumed: bool
) -> None:
    path = write_sweep(tmp_path, search="{method: random, trials: 2}", stopping=EVERY_EPOCH)
    results = sweeps.run(path, runs=tmp_path / "runs", **ON_DISK)
    synced(results)
    cut(results, lines)
    if is_resumed:
        sweeps.resume(results.path, **ON_DISK)
    synced(results)
    assert mlflow_points(tmp_path / "runs") == recorded_points(results)
    before = metric_rows(tmp_path / "runs")
    synced(results)
    assert metric_rows(tmp_path / "runs") == before


def test_points_that_are_there_twice_are_made_once_by_a_sync(tmp_path: Path) -> None:
    path = write_sweep(tmp_path, search="{method: random, trials: 2}")
    results = sweeps.run(path, runs=tmp_path / "runs", **ON_DISK)
    run_id = synced(results).trials[1].info.run_id
    client = MlflowClient(store(tmp_path / "runs"))
    client.log_metric(run_id, "dev/loss", 0.5, timestamp=1, step=3)
    synced(results)
    assert mlflow_points(tmp_path / "runs") == recorded_points(results)


def test_of_two_copies_of_a_folder_that_were_both_resumed_mlflow_has_the_one_that_is_synced(
    tmp_path: Path,
) -> None:
    path = write_sweep(tmp_path, search="{method: random, trials: 3}", stopping=EVERY_EPOCH)
    results = sweeps.run(path, runs=tmp_path / "runs", **ON_DISK)
    cut(results, 9)
    copy = Path(shutil.copytree(results.path, tmp_path / "runs" / "copy"))
    both = [sweeps.resume(one, **ON_DISK) for one in (results.path, copy)]
    for one in [*both, both[0]]:
        synced(one)
        assert mlflow_points(tmp_path / "runs") == recorded_points(one)
        assert {row[3] for row in metric_rows(tmp_path / "runs")} >= points_ms(one)


def test_a_trial_that_a_server_was_away_from_keeps_its_run_and_has_every_point(
    tmp_path: Path,
) -> None:
    path = write_sweep(tmp_path, search="{method: random, trials: 2}", stopping=EVERY_EPOCH)
    results = sweeps.run(path, runs=tmp_path / "runs", **ON_DISK)
    ledger = results.folder.ledger
    lines = ledger.read_bytes().splitlines(keepends=True)
    ledger.write_bytes(b"".join(lines[:7]))
    follower = Follower(results.folder, store(tmp_path / "runs"))
    grow(follower, b"")
    begun = run_ids(Record(store(tmp_path / "runs")))
    client = follower.tracker().client
    client.log_batch = FailsAt(client.log_batch, 1)
    with pytest.raises(TrackingError, match="went away"):
        grow(follower, lines[7])
    grow(follower, b"".join(lines[8:]))
    assert mlflow_points(tmp_path / "runs") == recorded_points(results)
    ended = run_ids(Record(store(tmp_path / "runs")))
    assert begun <= ended
    assert run_ids(synced(results)) == ended


def run_ids(record: Record) -> set[str]:
    return {run.info.run_id for run in record.trials.values()}


def grow(follower: Follower, more: bytes) -> None:
    """Let a ledger gain lines, and its follower send them at once."""
    with follower.folder.ledger.open("ab") as ledger:
        ledger.write(more)
    follower.read()
    follower.write(is_over=follower.is_over, everything=True)


def test_points_that_are_missing_are_brought_by_a_sync(tmp_path: Path) -> None:
    path = write_sweep(tmp_path, search="{method: random, trials: 2}")
    results = sweeps.run(path, runs=tmp_path / "runs", **ON_DISK)
    run_id = synced(results).trials[1].info.run_id
    with closing(sqlite3.connect(tmp_path / "runs" / "mlflow.db")) as connection, connection:
        connection.execute("delete from metrics where step = 2 and run_uuid = ?", (run_id,))
    synced(results)
    assert mlflow_points(tmp_path / "runs") == recorded_points(results)


def points_ms(results: Results) -> set[int]:
    starts = {one.trial.index: one.started_at or 0.0 for one in results.record.trials}
    first = [(trial, row) for trial, row in rows_of(results) if row["epoch"] == 1]
    return {round((starts[trial] + row["epoch_s"]) * 1000) for trial, row in first}
