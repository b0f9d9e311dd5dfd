"""A sweep that goes on where the clock is another loses nothing, and no time is negative."""

from __future__ import annotations

from pathlib import Path

import pytest
from mlflow import MlflowClient

import sweeps
from tests.sweeps.clocks import other_clock
from tests.sweeps.drivers import counted_sweep, driver, epochs_trained, run_command, wait_for

# MLflow's own use of SQLAlchemy 2.1.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
TRIALS, EPOCHS = 4, 9


@pytest.mark.parametrize("ahead_s", [780, -780])
def test_a_sweep_resumed_where_the_clock_is_another(tmp_path: Path, ahead_s: int) -> None:
    size = {"trials": TRIALS, "epochs": EPOCHS, "waits_at": 13}
    path = counted_sweep(tmp_path, f"clock_{ahead_s + 780}", **size)
    clock = other_clock(tmp_path / "clock", ahead_s)
    store = {"MLFLOW_TRACKING_URI": f"sqlite:///{tmp_path}/mlflow.db"}
    runs = tmp_path / "runs"
    with driver("run", path, "--runs", runs, "--local", **clock, **store) as one:
        wait_for(lambda: len(epochs_trained(tmp_path)) == 13)
        one.process.kill()
        one.process.wait()
    (tmp_path / "go").touch()
    code, said = run_command("resume", runs / "blobs", "--local", **store)
    assert code == 0, said
    results = sweeps.open_run(runs / "blobs")
    assert len(results.epochs()) == TRIALS * EPOCHS
    assert 0 <= results.record.active_s < 120
    client = MlflowClient(store["MLFLOW_TRACKING_URI"])
    (experiment,) = client.search_experiments(filter_string="name = 'blobs'")
    recorded = client.search_runs([experiment.experiment_id])
    assert len(recorded) == TRIALS + 1
    assert [run for run in recorded if run.info.end_time < run.info.start_time] == []
    for run in recorded:
        if "mlflow.parentRunId" in run.data.tags:
            history = client.get_metric_history(run.info.run_id, "dev/loss")
            assert sorted(point.step for point in history) == list(range(1, EPOCHS + 1))
    code, said = run_command("status", runs / "blobs")
    assert code == 0, said
    assert "-" not in said.partition("took")[2].partition("\n")[0], said
