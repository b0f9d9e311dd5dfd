"""A SQLite store is whole or not there, whenever the process that makes it is killed."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import ErrorCode

from sweeps.errors import RefusedRecordError, TrackingError
from sweeps.tracking.mlflow.store import map_concurrently, open_client, translated_errors
from tests.sweeps.drivers import PROJECT, wait_for

# MLflow's own use of SQLAlchemy 2.1.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
_OPEN = "import sys; from sweeps.tracking.mlflow.store import open_client; open_client(sys.argv[1])"


@pytest.mark.parametrize("kilobytes", [20, 600, 850])
def test_a_kill_while_the_tables_are_made_leaves_nothing_that_cannot_be_opened(
    tmp_path: Path, kilobytes: int
) -> None:
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    with subprocess.Popen([sys.executable, "-c", _OPEN, uri], cwd=PROJECT) as process:
        # So much of the tables is in a database file, under whatever name.
        wait_for(lambda: any(_size(path) > 1000 * kilobytes for path in tmp_path.glob("*mlflow*")))
        process.kill()
    client = open_client(uri)
    run = client.create_run(client.create_experiment("one"))
    assert open_client(uri).get_run(run.info.run_id).info.status == "RUNNING"


def test_a_server_is_asked_several_things_at_once() -> None:
    four = threading.Barrier(4)
    done = map_concurrently("http://server:5000", lambda item: four.wait(180) and None, range(8))
    assert sorted(done) == list(range(8))


def test_a_sqlite_store_is_asked_one_thing_after_the_other() -> None:
    seen: list[tuple[int, str]] = []
    act = lambda item: seen.append((item, threading.current_thread().name))  # noqa: E731
    assert list(map_concurrently("sqlite:///mlflow.db", act, range(3))) == [0, 1, 2]
    assert {name for _, name in seen} == {threading.current_thread().name}


def test_a_server_that_refuses_is_not_asked_the_rest() -> None:
    asked: list[int] = []

    def refuse(item: int) -> None:
        asked.append(item)
        time.sleep(0.02)  # as long as a request takes
        raise TrackingError("no")

    with pytest.raises(TrackingError):
        list(map_concurrently("http://server:5000", refuse, range(1000)))
    assert len(asked) < 100


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("INVALID_PARAMETER_VALUE", RefusedRecordError),
        ("BAD_REQUEST", RefusedRecordError),
        ("TEMPORARILY_UNAVAILABLE", TrackingError),
        ("INTERNAL_ERROR", TrackingError),
        ("RESOURCE_DOES_NOT_EXIST", TrackingError),
    ],
)
def test_a_request_that_is_wrong_is_told_from_one_that_may_pass_later(
    code: str, kind: type[TrackingError]
) -> None:
    with pytest.raises(TrackingError) as caught, translated_errors("sqlite:///mlflow.db"):
        raise MlflowException("no", ErrorCode.Value(code))
    assert caught.type is kind


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:  # a journal comes and goes
        return 0
