"""What all tests share: one local Ray for the session, and no threads or servers of others."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator

import hypothesis
import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.pop("MLFLOW_TRACKING_URI", None)
os.environ.pop("RAY_ADDRESS", None)
# Every run tries the same examples, and none is held to a time: a busy machine is no failure.
# `make faults` draws others.
hypothesis.settings.register_profile(
    "steady", deadline=None, derandomize=True, database=None, print_blob=False
)
hypothesis.settings.load_profile("steady")


@pytest.fixture(scope="session")
def shared_ray() -> Iterator[None]:
    """Start Ray once: each start costs seconds. Its folder's name is short, as sockets need."""
    from sweeps.definition.sweep_file import Resources
    from sweeps.execution.local_ray import started_ray

    folder = tempfile.mkdtemp(prefix="r", dir="/tmp")
    os.environ["RAY_TMPDIR"] = folder
    with started_ray(Resources()):
        yield
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(autouse=True)
def _own_tracking_uri() -> Iterator[None]:
    """Undo `mlflow.set_tracking_uri`: servers and sweeps of later tests read the environment."""
    yield
    if os.environ.get("MLFLOW_TRACKING_URI") is not None:
        import mlflow

        mlflow.set_tracking_uri("")
        os.environ.pop("MLFLOW_TRACKING_URI", None)


@pytest.fixture(autouse=True)
def _ray_for_marked_tests(request: pytest.FixtureRequest) -> None:
    if request.node.get_closest_marker("ray"):
        request.getfixturevalue("shared_ray")
