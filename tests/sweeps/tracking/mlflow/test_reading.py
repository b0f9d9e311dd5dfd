"""What a person reads in MLflow: curves, words, no internals; earlier records become so."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunTag

import sweeps
from sweeps.errors import RequestError
from sweeps.findings.measurement import estimate_words
from sweeps.findings.results import Results
from sweeps.record.ledger import read_events
from sweeps.service import watching
from sweeps.service.watching import mlflow_page
from sweeps.tracking.follower import run_page
from sweeps.watch.server import listen
from tests.sweeps.sweep_files import space, write_sweep
from tests.sweeps.tracking.mlflow.test_projection import Record, store

pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning"
)
ON_DISK: dict[str, Any] = {"runner": "local", "tracking_uri": "none"}
FINAL = "{top_k: 2, seeds: 2, refit: false, registry_name: flowers}"


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    folder = tmp_path_factory.mktemp("reading")
    path = write_sweep(
        folder,
        search="{method: random, trials: 5}",
        space=space("{kind: linear}", epochs=3),
        final=FINAL,
    )
    return sweeps.run(path, runs=folder / "runs", **ON_DISK)


@pytest.fixture(scope="module")
def uri(results: Results, tmp_path_factory: pytest.TempPathFactory) -> str:
    found = store(tmp_path_factory.mktemp("store"))
    sweeps.sync(results.path, tracking_uri=found)
    return found


def parent_of(client: MlflowClient) -> Any:
    [parent] = client.search_runs(["1"], "tags.mlflow.runName = 'blobs'")
    return parent


def trials_of(client: MlflowClient) -> list[Any]:
    below = f"tags.mlflow.parentRunId = '{parent_of(client).info.run_id}' and "
    found = client.search_runs(["1"], f"{below} tags.`sweeps.trial` != ''")
    return sorted(found, key=lambda run: int(run.data.tags["sweeps.trial"]))


def curve(client: MlflowClient, run: Any, name: str) -> list[tuple[int, float]]:
    history = client.get_metric_history(run.info.run_id, name)
    return sorted((point.step, point.value) for point in history)


def bests(results: Results) -> Iterator[float]:
    """The lowest objective of the trials that had ended, at each end, from the ledger's lines."""
    ends = [line for line in read_events(results.folder.ledger) if line["event"] == "outcome"]
    return accumulate((line["best"]["dev_loss"] for line in ends), min)


def test_the_sweeps_own_run_has_the_best_so_far_at_each_end_of_a_trial(
    results: Results, uri: str
) -> None:
    client = MlflowClient(uri)
    expected = list(enumerate(bests(results), start=1))
    assert curve(client, parent_of(client), "best/dev_loss") == expected


def test_a_trial_has_the_best_so_far_of_its_epochs(results: Results, uri: str) -> None:
    client = MlflowClient(uri)
    mine = results.epochs().query("trial == 0")
    is_best = mine["dev_loss"] < mine["dev_loss"].cummin().shift(fill_value=float("inf"))
    expected = list(zip(mine["epoch"][is_best], mine["dev_loss"][is_best], strict=True))
    assert curve(client, trials_of(client)[0], "best/dev_loss") == expected


def test_a_seed_is_a_tag_and_no_axis_where_trials_are_compared(results: Results, uri: str) -> None:
    client = MlflowClient(uri)
    runs = [parent_of(client), *trials_of(client)]
    assert not any("seed" in run.data.params for run in runs)
    seeds = [str(one.trial.seed) for one in results.record.trials]
    assert [run.data.tags["seed"] for run in runs] == ["3", *seeds]


def test_a_sweeps_parameters_have_a_value(uri: str) -> None:
    assert "None" not in parent_of(MlflowClient(uri)).data.params.values()


def test_internals_are_in_tags_that_mlflow_does_not_show(uri: str) -> None:
    client = MlflowClient(uri)
    [version] = client.search_model_versions("name = 'flowers'")
    runs = [parent_of(client), *trials_of(client)]
    tags = {tag for run in runs for tag in run.data.tags} | {*version.tags}
    assert {tag for tag in tags if tag.startswith("sweeps.")} == {"sweeps.sweep", "sweeps.trial"}


def test_a_version_of_the_registered_model_says_how_good_it_is(results: Results, uri: str) -> None:
    [version] = MlflowClient(uri).search_model_versions("name = 'flowers'")
    choice, [opening] = results.final, results.openings
    assert choice is not None
    assert f"trial {choice.winner.trial}" in version.description
    assert f"{choice.winner.mean:.4g}" in version.description
    assert estimate_words(opening.metrics["test_loss"]) in version.description
    assert version.tags["dev_loss"] == f"{choice.winner.mean:.6g}"


def test_an_experiment_says_what_it_is_for_and_the_best_of_its_latest_sweep(
    results: Results, uri: str
) -> None:
    tags = MlflowClient(uri).get_experiment("1").tags
    value = f"{min(bests(results)):.6g}"
    assert tags["latest_best"] == f"dev_loss = {value}"
    assert "best/dev_loss" in tags["mlflow.note.content"]
    assert value in tags["mlflow.note.content"]


def test_a_trial_and_the_sweep_have_an_address_each(results: Results, uri: str) -> None:
    client = MlflowClient(uri)
    own, third = parent_of(client).info, trials_of(client)[3].info
    sweep, trial = (run_page(results.folder, uri, number) for number in (None, 3))
    assert sweep == f"/#/experiments/1/runs/{own.run_id}"
    assert trial == f"/#/experiments/1/runs/{third.run_id}/model-metrics"
    assert run_page(results.folder, uri, 99) is None
    assert "sweeps watch blobs" in parent_of(client).data.tags["mlflow.note.content"]


@pytest.mark.parametrize(
    ("uri", "address"),
    [
        ("http://me:secret@host:80/mlflow/", "http://host:80/mlflow/#/page"),
        ("sqlite:////store.db", "http://127.0.0.1:{port}/#/page"),
    ],
)
def test_pages_are_those_of_the_server_or_of_this_machine(
    uri: str, address: str, results: Results, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sweeps.tracking.follower.run_page", lambda *about: "/#/page")
    with listen(None) as one:
        port = one.getsockname()[1]
        monkeypatch.setattr(watching, "UI_PORT", port)
        assert mlflow_page(uri, results.folder, 1) == address.format(port=port)
    with pytest.raises(RequestError, match="the MLflow UI is not running"):
        mlflow_page("sqlite:////store.db", results.folder, 1)


def test_what_a_person_wrote_of_an_experiment_stays(results: Results, tmp_path: Path) -> None:
    sweeps.sync(results.path, tracking_uri=store(tmp_path))
    client = MlflowClient(store(tmp_path))
    client.set_experiment_tag("1", "mlflow.note.content", "mine")
    client.set_tag(parent_of(client).info.run_id, "mlflow.sweeps.recorded", "running:0:0:0")
    sweeps.sync(results.path, tracking_uri=store(tmp_path))
    assert client.get_experiment("1").tags["mlflow.note.content"] == "mine"


def recorded_by_an_earlier_version(client: MlflowClient, results: Results) -> None:
    """Write a sweep's run and one of a trial under the names that version 0.1 gave them."""
    made = results.folder.read_description()
    about = {"sweeps.sweep": made.id}
    parent = client.create_run("1", run_name="blobs", tags=about).info.run_id
    own = {**about, "sweeps.trial": "0", "mlflow.parentRunId": parent}
    trial = client.create_run("1", run_name="blobs-0000", tags=own).info.run_id
    for run, mark in ((parent, "over:0:1:[5, 0, 0, 0, 0]:1"), (trial, "completed:3:1:1")):
        metrics = [Metric("dev_loss", 0.5, 1, 1), Metric("best_dev_loss", 0.5, 1, 1)]
        tags = [RunTag("sweeps.recorded", mark)]
        client.log_batch(run, metrics=metrics, params=[Param("seed", "7")], tags=tags)


def test_a_sync_makes_an_earlier_versions_record_equal_to_a_new_one(
    results: Results, uri: str, tmp_path: Path
) -> None:
    first = sweeps.run(write_sweep(tmp_path), runs=tmp_path / "runs", **ON_DISK)
    sweeps.sync(first.path, tracking_uri=store(tmp_path))  # makes the store and the experiment
    client = MlflowClient(store(tmp_path))
    [other] = client.search_runs(["1"], "tags.mlflow.runName = 'blobs'")
    client.update_run(other.info.run_id, name="other")
    recorded_by_an_earlier_version(client, results)
    sweeps.sync(results.path, tracking_uri=store(tmp_path))
    fresh = MlflowClient(uri)
    pairs = zip(
        [parent_of(client), *trials_of(client)], [parent_of(fresh), *trials_of(fresh)], strict=True
    )
    assert all(
        (mine.data.metrics, mine.data.params) == (new.data.metrics, new.data.params)
        for mine, new in pairs
    )
    sweeps.sync(results.path, tracking_uri=store(tmp_path))
    assert len(trials_of(client)) == 5


def test_a_sweep_that_lost_ends_of_trials_has_a_curve_without_them(tmp_path: Path) -> None:
    path = write_sweep(tmp_path, search="{method: random, trials: 3}")
    results = sweeps.run(path, runs=tmp_path / "runs", **ON_DISK)
    sweeps.sync(results.path, tracking_uri=store(tmp_path))
    kept = results.folder.ledger.read_bytes().splitlines(keepends=True)[:-2]
    results.folder.ledger.write_bytes(b"".join(kept))
    sweeps.sync(results.path, tracking_uri=store(tmp_path))
    found = Record(store(tmp_path))
    client = found.client
    expected = list(enumerate(bests(results), start=1))
    assert len(expected) == 2
    assert curve(client, found.parent, "best/dev_loss") == expected
    assert len(found.trials) == 3
