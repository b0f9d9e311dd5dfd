"""A part of Ray that is killed, or never comes up, ends the session with the way on."""

from __future__ import annotations

import signal
from pathlib import Path

import psutil
import pytest

import sweeps
from tests.sweeps.drivers import Driver, counted_sweep, driver, epochs_trained, events, wait_for

# Ray itself takes a minute to start on a machine that does much else.
_START_S = 150


def part_of(one: Driver, name: str) -> psutil.Process:
    """Return the process of Ray's part that a driver started."""
    children = psutil.Process(one.process.pid).children(recursive=True)
    return next(child for child in children if child.name() == name)


@pytest.mark.ray
@pytest.mark.timeout(400)
@pytest.mark.parametrize("name", ["raylet", "gcs_server"])
def test_a_lost_part_of_ray_ends_the_session_with_the_way_on(tmp_path: Path, name: str) -> None:
    path = counted_sweep(tmp_path, f"lost_{name}", waits_at=10)
    run = tmp_path / "runs" / "blobs"
    with driver("run", path, "--runs", run.parent) as one:
        wait_for(lambda: len(epochs_trained(tmp_path)) > 8, _START_S)
        part_of(one, name).send_signal(signal.SIGKILL)
        code, said = one.wait()
        (tmp_path / "go").touch()
        wait_for(lambda: not one.left_running())
    assert code == 9, said
    assert f"Ray on this machine was lost (its {name} was killed by SIGKILL" in said
    assert "`resume` the sweep" in said
    assert "Traceback" not in said
    assert "state-dump" not in said
    assert events(run, "end")[-1]["reason"] == "cluster_lost"
    done = {event["trial"] for event in events(run, "outcome")}
    resumed = sweeps.resume(run, runner="local", tracking_uri="none")
    assert resumed.record.outcomes == {"completed": 6}
    assert len(done) < 6


@pytest.mark.timeout(400)
@pytest.mark.parametrize("name", ["raylet", "gcs_server"])
def test_a_part_of_ray_that_is_lost_while_it_starts_ends_the_session_with_the_way_on(
    tmp_path: Path, name: str
) -> None:
    path = counted_sweep(tmp_path, f"lost_start_{name}", trials=2)
    (tmp_path / "sitecustomize.py").write_text(f"""
from ray._private.node import Node
def starts(self, *given, **options):
    starts_it(self, *given, **options)
    lost = self.all_processes["{name}"][0].process
    lost.kill()
    lost.wait()
starts_it, Node.__init__ = Node.__init__, starts
""")
    run = tmp_path / "runs" / "blobs"
    with driver("run", path, "--runs", run.parent, PYTHONPATH=str(tmp_path)) as one:
        code, said = one.wait()
        wait_for(lambda: not one.left_running())
    assert code == 9, said
    assert f"Ray on this machine was lost (its {name} was killed by SIGKILL" in said
    assert "`resume` the sweep" in said
    assert "Traceback" not in said
    assert events(run, "end")[-1]["reason"] == "cluster_lost"
    resumed = sweeps.resume(run, runner="local", tracking_uri="none")
    assert resumed.record.outcomes == {"completed": 2}


def test_a_ray_that_does_not_start_ends_the_session_with_the_way_on(tmp_path: Path) -> None:
    path = counted_sweep(tmp_path, "no_start", trials=2)
    (tmp_path / "sitecustomize.py").write_text("""
import ray
def init(**options): raise TimeoutError('The node did not come up within 30 s.\\nstate')
ray.init = init
""")
    run = tmp_path / "runs" / "blobs"
    with driver("run", path, "--runs", run.parent, PYTHONPATH=str(tmp_path)) as one:
        code, said = one.wait()
    assert code == 9, said
    assert "Ray did not start on this machine (TimeoutError: The node did not" in said
    assert "Traceback" not in said
    assert events(run, "end")[-1] | {"t": 0, "sum": ""} == {
        "event": "end",
        "t": 0,
        "reason": "cluster_lost",
        "detail": "Ray did not start",
        "sum": "",
    }
