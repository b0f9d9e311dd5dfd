"""Nobody else on the machine gets a way in through a sweep that trains on it."""

from __future__ import annotations

import fcntl
import os
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from sweeps.definition.sweep_file import Resources
from sweeps.errors import ClusterError, PlacementError
from sweeps.execution.ray_folder import ray_folder, room_for_sockets
from tests.sweeps.drivers import (
    Driver,
    counted_sweep,
    driver,
    epochs_trained,
    run_command,
    wait_for,
)

_NOBODY = 65534
# What Ray asks whoever wants to run code: a task of its own.
_INTRUDER = """
import os, sys, ray
ray.init(address=sys.argv[1], logging_level="ERROR", log_to_driver=False)
print("ran as", ray.get(ray.remote(num_cpus=0)(lambda: os.getuid()).remote()))
"""

# Else Ray takes another address of this machine for 127.0.0.1, where nothing listens.
_HERE = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}

requires_root = pytest.mark.skipif(os.geteuid() != 0, reason="becomes another user")


@dataclass
class Running:
    """A sweep while it trains."""

    driver: Driver
    home: Path
    temporary: Path

    @property
    def processes(self) -> list[psutil.Process]:
        own = psutil.Process(self.driver.process.pid)
        return [own, *own.children(recursive=True)]

    def listening(self) -> list[tuple[str, int, str]]:
        """Return address, port and process of all that waits for connections."""
        return [
            (one.laddr.ip, one.laddr.port, process.name())
            for process in self.processes
            for one in process.net_connections("inet")
            if one.status == psutil.CONN_LISTEN
        ]

    def address(self) -> str:
        """Return where a client of Ray would join."""
        (port,) = {port for _, port, name in self.listening() if name == "gcs_server"}
        return f"127.0.0.1:{port}"


@contextmanager
def short() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="d", dir="/tmp") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture
def short_folder() -> Iterator[Path]:
    with short() as folder:
        yield folder


def running(folder: Path, temporary: Path, *options: str) -> Iterator[Running]:
    home = folder / "home"
    home.mkdir()
    path = counted_sweep(folder, f"doors_{len(options)}", trials=4, epoch_s=0.5, epochs=200)
    places = {"HOME": str(home), "TMPDIR": str(temporary), "RAY_TMPDIR": ""}
    with driver("run", path, "--runs", folder / "runs", *options, **places) as one:
        wait_for(lambda: epochs_trained(folder))
        yield Running(one, home, temporary)


@pytest.fixture(scope="module")
def on_ray(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with short() as temporary:
        yield from running(tmp_path_factory.mktemp("doors"), temporary)


@pytest.fixture
def in_process(tmp_path: Path, short_folder: Path) -> Iterator[Running]:
    yield from running(tmp_path, short_folder, "--local")


def token_of(process: psutil.Process) -> str:
    return str(process.environ().get("RAY_AUTH_TOKEN", ""))


def as_nobody(*command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["setpriv", f"--reuid={_NOBODY}", f"--regid={_NOBODY}", "--clear-groups", *command],
        env={"PATH": os.environ["PATH"], "HOME": "/nonexistent", **environment},
        cwd="/",
        capture_output=True,
        text=True,
        timeout=90,
    )


def test_a_sweep_on_ray_listens_on_the_loopback_interface_alone(on_ray: Running) -> None:
    found = on_ray.listening()
    assert {"gcs_server", "raylet"} <= {name for *_, name in found}
    assert {address.removeprefix("::ffff:") for address, *_ in found} == {"127.0.0.1"}


def test_a_sweep_in_process_listens_nowhere_and_makes_no_folder(in_process: Running) -> None:
    assert in_process.listening() == []
    assert list(in_process.temporary.iterdir()) == []


def test_what_ray_writes_is_in_folders_of_the_owners_alone(on_ray: Running) -> None:
    folders = [path.stat() for path in on_ray.temporary.iterdir()]
    assert folders
    assert {stat.S_IMODE(one.st_mode) for one in folders} == {0o700}
    assert {one.st_uid for one in folders} == {os.getuid()}
    assert list(on_ray.home.iterdir()) == []


def test_a_sweeps_token_is_in_no_file_and_no_command_line(on_ray: Running) -> None:
    started = [one for one in on_ray.processes if one.name() in ("gcs_server", "raylet")]
    tokens = {token_of(one) for one in started}
    (token,) = tokens
    assert len(token) == 64
    lines = [" ".join(one.info["cmdline"] or ()) for one in psutil.process_iter(["cmdline"])]
    assert [line for line in lines if token in line] == []
    written = [path for path in on_ray.temporary.rglob("*") if path.is_file()]
    assert written
    assert [path for path in written if token.encode() in path.read_bytes()] == []


@requires_root
def test_another_user_does_not_come_into_the_folder_of_a_sweep(on_ray: Running) -> None:
    (folder, *_) = on_ray.temporary.iterdir()
    assert "Permission denied" in as_nobody("ls", str(folder)).stderr
    assert "Permission denied" in as_nobody("touch", str(folder / "planted")).stderr


@requires_root
@pytest.mark.parametrize(
    "shown",
    [{"RAY_AUTH_MODE": "disabled"}, {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": "0" * 64}],
    ids=["no token", "another token"],
)
def test_another_user_runs_nothing_on_a_sweeps_ray(on_ray: Running, shown: dict[str, str]) -> None:
    if as_nobody(sys.executable, "-c", "").returncode != 0:
        pytest.skip(f"another user cannot start {sys.executable}")
    with tempfile.TemporaryDirectory(prefix="n", dir="/tmp") as folder:
        Path(folder).chmod(0o777)
        done = as_nobody(
            sys.executable, "-c", _INTRUDER, on_ray.address(), TMPDIR=folder, **_HERE, **shown
        )
    assert "ran as" not in done.stdout
    assert "uthenti" in done.stderr + done.stdout


def test_who_has_the_token_runs_code_as_the_sweeps_owner(on_ray: Running) -> None:
    """The two tests above would else show nothing."""
    (token,) = {token_of(one) for one in on_ray.processes if one.name() == "raylet"}
    done = subprocess.run(
        [sys.executable, "-c", _INTRUDER, on_ray.address()],
        env={**os.environ, **_HERE, "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": token},
        capture_output=True,
        text=True,
        timeout=90,
    )
    assert f"ran as {os.getuid()}" in done.stdout, done.stderr


def test_nothing_of_ray_is_left_when_a_sweep_has_ended(tmp_path: Path, short_folder: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    path = counted_sweep(tmp_path, "doors_end", trials=2, epochs=2)
    places = {"HOME": str(home), "TMPDIR": str(short_folder), "RAY_TMPDIR": ""}
    code, said = run_command("run", path, "--runs", tmp_path / "runs", **places)
    assert code == 0, said
    assert [*short_folder.iterdir(), *home.iterdir()] == []


_HOLDER = """
import sys, time
from pathlib import Path
from sweeps.execution.ray_folder import ray_folder
with ray_folder(Path(sys.argv[1])) as folder:
    (folder / "ray").mkdir()
    print(folder, flush=True)
    time.sleep(60)
"""


def test_what_a_killed_driver_left_goes_with_the_next(short_folder: Path) -> None:
    command = [sys.executable, "-c", _HOLDER, str(short_folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        left = Path(holder.stdout.readline().strip())
        holder.kill()
    assert left.is_dir()
    with ray_folder(short_folder) as folder:
        assert list(short_folder.iterdir()) == [folder]


def test_a_folder_that_a_driver_holds_is_left_alone(short_folder: Path) -> None:
    with ray_folder(short_folder) as first, ray_folder(short_folder) as second:
        assert first.is_dir()
        assert second != first


def test_a_folder_that_is_being_made_is_left_to_its_driver(
    short_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another driver starts just before the first has its lock."""
    take = fcntl.flock

    def taken_after_another_came(file: Any, operation: int) -> None:
        monkeypatch.setattr(fcntl, "flock", take)
        with ray_folder(short_folder):
            pass
        take(file, operation)

    monkeypatch.setattr(fcntl, "flock", taken_after_another_came)
    with ray_folder(short_folder) as first, ray_folder(short_folder):
        assert stat.S_IMODE(first.stat().st_mode) == 0o700
        assert first.is_dir()
    assert list(short_folder.iterdir()) == []


def test_a_folder_without_the_lock_of_a_driver_is_left_alone(short_folder: Path) -> None:
    (short_folder / "swr-of-another").mkdir()
    with ray_folder(short_folder):
        pass
    assert [path.name for path in short_folder.iterdir()] == ["swr-of-another"]


def test_a_folder_that_is_too_long_for_sockets_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = tmp_path / ("l" * 110)
    long.mkdir()
    monkeypatch.setenv("RAY_TMPDIR", str(long))
    monkeypatch.setattr(tempfile, "tempdir", str(long))
    assert room_for_sockets() == Path("/tmp")


def test_no_room_for_sockets_is_refused_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda *asked: False)
    with pytest.raises(PlacementError, match="TMPDIR to a shorter one"):
        room_for_sockets()


def test_a_sweep_runs_under_a_long_tmpdir(tmp_path: Path) -> None:
    long = tmp_path / ("l" * 110)
    long.mkdir()
    path = counted_sweep(tmp_path, "doors_long", trials=1, epochs=2)
    code, said = run_command(
        "run", path, "--runs", tmp_path / "runs", TMPDIR=str(long), RAY_TMPDIR=""
    )
    assert code == 0, said
    assert list(long.iterdir()) == []


def test_a_ray_that_does_not_start_is_said_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    from sweeps.execution import local_ray

    def slow(**options: object) -> None:
        raise RuntimeError("Timed out\nand 45 lines of its state")

    monkeypatch.setattr(local_ray.ray, "is_initialized", lambda: False)
    monkeypatch.setattr(local_ray.ray, "init", slow)
    words = r"Ray did not start on this machine \(RuntimeError: Timed out\)"
    with pytest.raises(ClusterError, match=words), local_ray.started_ray(Resources()):
        pass
