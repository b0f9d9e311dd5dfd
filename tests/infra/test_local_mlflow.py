"""MLflow on PostgreSQL: only with its password, and complete after either of them was killed."""

from __future__ import annotations

import json
import shutil
import stat
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from mlflow import MlflowClient

from sweeps.infra.local.processes import Processes
from sweeps.infra.local.tracking_server import LocalMlflow
from tests.free_port import free_port
from tests.sweeps.drivers import counted_sweep, driver, epochs_trained, run_command, wait_for

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.skipif(
        not (shutil.which("initdb") or list(Path("/usr/lib/postgresql").glob("*/bin/initdb"))),
        reason="PostgreSQL's server is not installed",
    ),
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning"),
]


class Servers:
    """PostgreSQL and MLflow of one folder, on ports of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port, self.database_port = folder, free_port(), free_port()
        self.processes = Processes(folder)
        self.processes.begin({})
        self.mlflow = LocalMlflow(folder, self.processes)

    def down(self) -> None:
        for name in reversed(self.processes.pids()):
            self.processes.stop(name)

    def restart(self, name: str) -> None:
        if name == "postgres":
            self.mlflow.start_database(self.database_port)
        else:
            self.mlflow.start_server(port=self.port, database_port=self.database_port)


@pytest.fixture(scope="module")
def servers() -> Iterator[Servers]:
    with tempfile.TemporaryDirectory(prefix="m", dir="/tmp") as folder:
        found = Servers(Path(folder))
        try:
            found.mlflow.up(port=found.port, database_port=found.database_port)
            yield found
        finally:
            found.down()
            shutil.rmtree(found.mlflow.data, ignore_errors=True)


def test_the_server_asks_for_the_password_which_only_its_owner_can_read(servers: Servers) -> None:
    uri = servers.mlflow.variables(servers.port)["MLFLOW_TRACKING_URI"]
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(f"{uri}/api/2.0/mlflow/experiments/get?experiment_id=0", timeout=30)
    assert caught.value.code == 401
    caught.value.close()
    assert stat.S_IMODE((servers.folder / "secrets.json").stat().st_mode) == 0o600


def test_trials_record_as_an_account_that_may_make_no_other(
    servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = servers.mlflow.variables(servers.port)
    for key, text in environment.items():
        monkeypatch.setenv(key, text)
    assert environment["MLFLOW_TRACKING_USERNAME"] == "sweeps"
    uri = environment["MLFLOW_TRACKING_URI"]
    assert MlflowClient(uri).create_experiment("of-a-trial")
    done = requests.post(
        f"{uri}/api/2.0/mlflow/users/create",
        json={"username": "another", "password": "a-long-password"},
        auth=("sweeps", environment["MLFLOW_TRACKING_PASSWORD"]),
        timeout=60,
    )
    assert done.status_code == 403


def test_an_account_gets_the_password_that_is_written_here(
    servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = json.loads((servers.folder / "secrets.json").read_bytes())
    del written["sweeps"]  # as an earlier version wrote it; or somebody rotates it
    (servers.folder / "secrets.json").write_text(json.dumps(written))
    servers.processes.stop("mlflow")
    servers.restart("mlflow")
    for key, text in servers.mlflow.variables(servers.port).items():
        monkeypatch.setenv(key, text)
    uri = servers.mlflow.variables(servers.port)["MLFLOW_TRACKING_URI"]
    assert MlflowClient(uri).create_experiment("after-rotation")


@pytest.mark.parametrize("name", ["postgres", "mlflow"])
def test_a_server_that_is_killed_and_back_costs_nothing(
    servers: Servers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    path = counted_sweep(tmp_path, f"server_{name}", epoch_s=0.05, name=f"killed-{name}")
    environment = servers.mlflow.variables(servers.port)
    with driver("run", path, "--runs", tmp_path / "runs", "--local", **environment) as one:
        wait_for(lambda: len(epochs_trained(tmp_path)) > 12)
        servers.processes.kill(name)
        wait_for(lambda: len(epochs_trained(tmp_path)) > 30)
        servers.restart(name)
        code, said = one.wait()
    assert code == 0, said
    run = tmp_path / "runs" / f"killed-{name}"
    for _ in range(2):  # the second changes nothing
        code, said = run_command("sync", run, **environment)
        assert code == 0, said
    for key, text in environment.items():
        monkeypatch.setenv(key, text)
    client = MlflowClient(environment["MLFLOW_TRACKING_URI"])
    experiment = client.get_experiment_by_name(f"killed-{name}")
    assert experiment is not None
    runs = client.search_runs([experiment.experiment_id])
    trials = [one for one in runs if "mlflow.parentRunId" in one.data.tags]
    assert len(runs) == 7
    assert {one.info.status for one in runs} == {"FINISHED"}
    for trial in trials:
        history = client.get_metric_history(trial.info.run_id, "dev/loss")
        assert [metric.step for metric in history] == list(range(1, 10))
    written = "".join(
        one.read_text(errors="replace") for one in run.rglob("*") if one.suffix in (".json", ".log")
    )
    assert environment["MLFLOW_TRACKING_PASSWORD"] not in written
