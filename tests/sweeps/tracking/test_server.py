"""A tracking server that is down, or goes and comes back, costs a sweep nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import sweeps
from sweeps.errors import TrackingError
from sweeps.findings.results import Results
from sweeps.tracking import process
from sweeps.tracking.follower import Follower
from tests.mlflow_server import MlflowServer
from tests.sweeps.sweep_files import write_sweep
from tests.sweeps.tracking.mlflow.test_projection import Record

pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning"
)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[MlflowServer]:
    server = MlflowServer(tmp_path / "server")
    yield server
    server.kill()


def run(folder: Path, uri: str) -> Results:
    path = write_sweep(folder, search="{method: random, trials: 3}")
    return sweeps.run(path, runs=folder / "runs", runner="local", tracking_uri=uri)


def test_a_server_that_is_down_is_named_and_sync_completes_the_record_later(
    tmp_path: Path, server: MlflowServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "PATIENCE_S", 20.0)
    results = run(tmp_path, server.uri)
    assert str(server.port) in results.missing_in_mlflow
    assert results.record.outcomes.total() == 3
    server.start()
    sweeps.sync(results.path, tracking_uri=server.uri)
    assert sorted(Record(server.uri).trials) == [0, 1, 2]


def test_a_server_that_dies_halfway_and_comes_back_has_everything_once(
    tmp_path: Path, server: MlflowServer
) -> None:
    results = run(tmp_path, "none")
    server.start()
    follower = Follower(results.folder, server.uri)
    follower.read()
    follower._dirty = {0: follower._dirty[0]}
    follower.write(is_over=False, everything=True)
    server.kill()
    follower._dirty = {1: 0.0, 2: 0.0}
    with pytest.raises(TrackingError, match=str(server.port)):
        follower.write(is_over=True, everything=True)
    server.start()
    follower.write(is_over=True, everything=True)
    record = Record(server.uri)
    assert record.count == 4
    assert [len(record.curve(trial, "dev/loss")) for trial in range(3)] == [9, 9, 9]
