"""A SQLite store is whole or not there, whenever the process that makes it is killed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from sweeps.tracking.store import open_client
from tests.sweeps.drivers import PROJECT, wait_for

# MLflow's own use of SQLAlchemy 2.1.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
_OPEN = "import sys; from sweeps.tracking.store import open_client; open_client(sys.argv[1])"


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


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
