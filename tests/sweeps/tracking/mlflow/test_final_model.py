"""The final's net in MLflow's Model Registry: registered once, loadable, and served over HTTP."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import mlflow
import pytest
from mlflow import MlflowClient

import sweeps
from sweeps.findings.results import Results
from tests.model_server import served
from tests.sweeps.sweep_files import write_sweep

ROWS = (
    "sepal length (cm),sepal width (cm),petal length (cm),petal width (cm)\n5,3,1.5,0.2\n6,3,5,2\n"
)

pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning"
)


@pytest.fixture(scope="module")
def uri(tmp_path_factory: pytest.TempPathFactory) -> str:
    return f"sqlite:///{tmp_path_factory.mktemp('final_model') / 'mlflow.db'}"


@pytest.fixture(scope="module")
def recorded(uri: str) -> Results:
    folder = Path(uri.removeprefix("sqlite:///")).parent
    final = "{top_k: 2, seeds: 2, registry_name: flowers, alias: champion}"
    path = write_sweep(folder, final=final)
    return sweeps.run(path, runs=folder / "runs", runner="local", tracking_uri=uri)


def parent_of(client: MlflowClient) -> Any:
    runs = client.search_runs(["1"], "tags.mlflow.runName = 'blobs'")
    [parent] = runs
    return parent


def test_the_sweeps_run_has_the_final_and_the_test_figures(recorded: Results, uri: str) -> None:
    parent = parent_of(MlflowClient(uri))
    choice, [opening] = recorded.final, recorded.openings
    assert choice is not None
    metrics = parent.data.metrics
    assert metrics["final/dev_loss_mean"] == choice.winner.mean
    assert metrics["test/openings"] == 1
    for key, one in opening.metrics.items():
        name = key.replace("test_", "test/")
        assert [metrics[name], metrics[f"{name}_low"], metrics[f"{name}_high"]] == [
            one.value, one.low, one.high,
        ]  # fmt: skip


def test_the_stages_are_nested_below_the_sweep(recorded: Results, uri: str) -> None:
    client = MlflowClient(uri)
    parent = parent_of(client)
    below = f"tags.mlflow.parentRunId = '{parent.info.run_id}'"
    names = {run.info.run_name for run in client.search_runs(["1"], below)}
    assert {"blobs-final", "blobs-final-refit", "blobs-0000"} <= names
    [stage] = client.search_runs(["1"], "tags.mlflow.runName = 'blobs-final'")
    repeats = client.search_runs(["1"], f"tags.mlflow.parentRunId = '{stage.info.run_id}'")
    assert len(repeats) == 4
    assert {run.data.tags["outcome"] for run in repeats} == {"completed"}


def test_each_trial_is_tagged_with_its_diagnosis_and_the_report_lies_beside(
    recorded: Results, uri: str
) -> None:
    client = MlflowClient(uri)
    trials = client.search_runs(["1"], "tags.mlflow.runName LIKE 'blobs-000%'")
    assert len(trials) == 6
    assert all(run.data.tags["diagnosis"] for run in trials)
    artifacts = client.list_artifacts(parent_of(client).info.run_id)
    assert "report.html" in {one.path for one in artifacts}


def test_the_model_is_registered_once_with_its_alias(recorded: Results, uri: str) -> None:
    client = MlflowClient(uri)
    before = Path(uri.removeprefix("sqlite:///")).read_bytes()
    sweeps.sync(recorded.path, tracking_uri=uri)
    assert Path(uri.removeprefix("sqlite:///")).read_bytes() == before
    [version] = client.search_model_versions("name = 'flowers'")
    assert client.get_model_version_by_alias("flowers", "champion").version == version.version


def test_the_registered_model_answers_as_predict_does(
    recorded: Results, uri: str, tmp_path: Path
) -> None:
    (tmp_path / "rows.csv").write_text(ROWS)
    expected = sweeps.predict(recorded.path, tmp_path / "rows.csv")
    mlflow.set_tracking_uri(uri)
    try:
        loaded = mlflow.pyfunc.load_model("models:/flowers@champion")
    finally:
        mlflow.set_tracking_uri("")
    import pandas as pd

    found = loaded.predict(pd.read_csv(tmp_path / "rows.csv"))
    assert found["prediction"].tolist() == expected["prediction"].tolist()
    column = "probability_virginica"
    assert found[column].tolist() == pytest.approx(expected[column].tolist())


def stages_of(client: MlflowClient) -> list[str]:
    runs = client.search_runs(["1"], "tags.mlflow.runName LIKE 'blobs-final%'")
    return sorted(run.info.run_name for run in runs if "sweeps.trial" not in run.data.tags)


def test_a_final_that_was_kept_is_in_the_record_before_and_after_a_rebuild(
    recorded: Results, tmp_path: Path
) -> None:
    copy, uri = tmp_path / "blobs", f"sqlite:///{tmp_path / 'mlflow.db'}"
    shutil.copytree(recorded.path, copy)
    sweeps.sync(copy, tracking_uri=uri)
    options = {"again": True, "overrides": ["final.seeds=1"], "runner": "local"}
    sweeps.final(copy, tracking_uri="none", **options)  # type: ignore[arg-type]
    sweeps.sync(copy, tracking_uri=uri)
    names = ["blobs-final", "blobs-final-1", "blobs-final-1-refit", "blobs-final-refit"]
    assert stages_of(MlflowClient(uri)) == names
    rebuilt = f"sqlite:///{tmp_path / 'rebuilt.db'}"
    sweeps.sync(copy, tracking_uri=rebuilt)
    assert stages_of(MlflowClient(rebuilt)) == names
    status = json.loads((copy / "tracking.json").read_text())
    trials = {"final-1": 4, "final-1/refit": 1, "final": 2, "final/refit": 1}
    assert (status["recorded"], status["recorded_in"]) == (6, trials)


@pytest.mark.timeout(300)
def test_the_registered_model_is_served_over_http(
    recorded: Results, uri: str, tmp_path: Path
) -> None:
    (tmp_path / "rows.csv").write_text(ROWS)
    expected = sweeps.predict(recorded.path, tmp_path / "rows.csv")
    columns, *rows = [line.split(",") for line in ROWS.splitlines()]
    split = {"columns": columns, "data": [[json.loads(cell) for cell in row] for row in rows]}
    with served("models:/flowers/1", uri, Path(sys.executable), tmp_path) as server:
        answer = server.ask(json.dumps({"dataframe_split": split}))
        assert server.ask(ROWS, "text/csv") == answer
        assert server.ask(json.dumps({"inputs": split["data"]})) == answer
    found = answer["predictions"]
    assert [row["prediction"] for row in found] == expected["prediction"].tolist()
    shares = [row["probability_virginica"] for row in found]
    assert shares == pytest.approx(expected["probability_virginica"].tolist())


def test_a_version_chosen_by_another_metric_has_the_mean_under_that_metrics_name(
    tmp_path: Path,
) -> None:
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    final = "{top_k: 1, seeds: 2, choose: {max: dev_accuracy}, registry_name: chosen}"
    path = write_sweep(tmp_path, final=final)
    done = sweeps.run(path, runs=tmp_path / "runs", runner="local", tracking_uri=uri)
    assert done.final is not None
    [version] = MlflowClient(uri).search_model_versions("name = 'chosen'")
    tags = version.tags
    assert float(tags["dev_accuracy"]) == pytest.approx(done.final.winner.mean, rel=1e-5)
    assert "dev_loss" not in tags
