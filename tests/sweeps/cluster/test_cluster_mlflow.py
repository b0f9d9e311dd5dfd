"""Sweeps of a real cluster, recorded in the MLflow server on PostgreSQL that goes with it."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from mlflow import MlflowClient

from sweeps.infra.local.cluster import LocalCluster
from sweeps.infra.local.tracking_server import LocalMlflow
from tests.free_port import free_port
from tests.sweeps.drivers import counted_sweep, driver, epochs_trained, wait_for

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.timeout(900),
    pytest.mark.skipif(
        not (shutil.which("initdb") or list(Path("/usr/lib/postgresql").glob("*/bin/initdb"))),
        reason="PostgreSQL's server is not installed",
    ),
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning"),
]
AWAY_S = 60.0
NAMES = ("first_recorded", "second_recorded")


@pytest.fixture
def servers() -> dict[str, int]:
    return {"mlflow": free_port(), "postgres": free_port()}


@pytest.fixture
def cluster(servers: dict[str, int]) -> Iterator[LocalCluster]:
    with tempfile.TemporaryDirectory(prefix="c", dir="/tmp") as folder:
        one = LocalCluster(Path(folder) / "cluster")
        try:
            one.up(port=free_port(), dashboard=free_port(), workers=2, cpus=1, **servers)
            yield one
        finally:
            one.down()
            shutil.rmtree(LocalMlflow(one.folder, one.processes).data, ignore_errors=True)


def test_two_sweeps_are_recorded_although_the_server_is_away_for_a_minute(
    cluster: LocalCluster,
    servers: dict[str, int],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    environment = cluster.variables() | {"RAY_ADDRESS": f"127.0.0.1:{cluster.port}"}
    paths = {}
    for name in NAMES:
        (tmp_path / name).mkdir()
        paths[name] = counted_sweep(
            tmp_path / name, name, epoch_s=2.0, name=name, resources="{cpu: 1, workers: 1}"
        )
    with (
        driver("run", paths[NAMES[0]], "--id", NAMES[0], **environment) as one,
        driver("run", paths[NAMES[1]], "--id", NAMES[1], **environment) as other,
    ):
        wait_for(lambda: all(epochs_trained(tmp_path / name) for name in NAMES), 90)
        cluster.processes.kill("mlflow")
        before = [len(epochs_trained(tmp_path / name)) for name in NAMES]
        time.sleep(AWAY_S)
        after = [len(epochs_trained(tmp_path / name)) for name in NAMES]
        server = LocalMlflow(cluster.folder, cluster.processes)
        server.start_server(port=servers["mlflow"], database_port=servers["postgres"])
        for code, said in (one.wait(240), other.wait(240)):
            assert code == 0, said
            assert "MLflow's record is incomplete" not in said, said
    # Training went on at its own pace: an epoch takes two seconds and a little.
    assert all(then - now > 15 for now, then in zip(before, after, strict=True)), (before, after)
    for key, text in environment.items():
        monkeypatch.setenv(key, text)
    client = MlflowClient(environment["MLFLOW_TRACKING_URI"])
    for name in NAMES:
        experiment = client.get_experiment_by_name(name)
        assert experiment is not None
        runs = client.search_runs([experiment.experiment_id])
        [parent] = [run for run in runs if "mlflow.parentRunId" not in run.data.tags]
        trials = [run for run in runs if run is not parent]
        assert {run.data.tags["mlflow.parentRunId"] for run in trials} == {parent.info.run_id}
        assert {run.info.status for run in runs} == {"FINISHED"}
        assert len(trials) == 6
        for run in trials:
            history = client.get_metric_history(run.info.run_id, "dev/loss")
            assert [metric.step for metric in history] == list(range(1, 10))
