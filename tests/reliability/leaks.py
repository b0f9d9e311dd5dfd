"""What is left after many sweeps: processes, files, open files, sockets and memory."""

from __future__ import annotations

import gc
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

import psutil

import sweeps
from sweeps.session.trainer import RunnerName
from tests.reliability.page import Found
from tests.sweeps.drivers import driver
from tests.sweeps.sweep_files import space, write_sweep

__all__ = ["leak_in_one_process", "leak_on_ray"]

# Growth of a driver in one process, a sweep: what Python's allocator rounds up is less.
_GROWTH_MB = 1.0
# Of each `ray.init` and `ray.shutdown`, however bare, Ray 2.60 keeps a socket and a thread.
_KEPT_BY_RAY = {"open files": 1, "sockets": 1, "threads": 1}
_SHARED_MEMORY = Path("/dev/shm")


def leak_on_ray(folder: Path, sweeps_run: int) -> Found:
    """Run sweeps on Ray one after the other, with one folder for temporary files.

    Sockets of processes that have ended are files in that folder, or gone.
    """
    found = Found("sweeps on Ray, a process each, with MLflow")
    path, store = _sweep(folder), f"sqlite:///{folder / 'mlflow.db'}"
    with _temporary_folder() as temporary:
        shared = _shared_memory()
        for _ in range(sweeps_run):
            words = ("run", path, "--runs", folder / "runs")
            with driver(*words, MLFLOW_TRACKING_URI=store) as one:
                code, said = one.wait(300)
                remains = one.left_running()
            remains += _files_below(temporary)
            _count(found, code == 0, remains, said)
        _count_left(found, _shared_memory() - shared)
    return found


def leak_in_one_process(folder: Path, sweeps_run: int, runner: RunnerName) -> Found:
    """Run sweeps in this process one after the other, as a notebook does."""
    found = Found(f"sweeps in one process, {runner}")
    path, own = _sweep(folder), psutil.Process()
    with _temporary_folder() as temporary:
        for _ in range(3):  # what is imported and cached at first use
            _run(path, folder, runner)
        shared, before, before_mb = _shared_memory(), _open(own), _memory_mb(own)
        for _ in range(sweeps_run):
            _run(path, folder, runner)
            _count(found, True, _files_below(temporary), "")
        grown_mb = (_memory_mb(own) - before_mb) / sweeps_run
        allowed = {} if runner == "local" else _KEPT_BY_RAY
        more = {
            name: number - before[name] - sweeps_run * allowed.get(name, 0)
            for name, number in _open(own).items()
        }
        _count_left(found, {f"{number} {name}" for name, number in more.items() if number > 0})
        _count_left(found, _shared_memory() - shared)
    found.what += f" ({max(0.0, grown_mb):.2f} MB of memory a sweep)"
    if grown_mb > _GROWTH_MB:
        _count_left(found, {f"{grown_mb:.2f} MB of memory a sweep"})
    return found


@contextmanager
def _temporary_folder() -> Iterator[Path]:
    """A folder for all temporary files of this process and of those that it starts."""
    with tempfile.TemporaryDirectory(prefix="l", dir="/tmp") as folder:
        names = {"TMPDIR": folder, "RAY_TMPDIR": folder}
        with patch.dict(os.environ, names), patch.object(tempfile, "tempdir", folder):
            yield Path(folder)


def _files_below(folder: Path) -> list[str]:
    return [str(file) for file in folder.rglob("*")]


def _shared_memory() -> set[str]:
    return {str(one) for one in _SHARED_MEMORY.glob("*")}


def _open(process: psutil.Process) -> Mapping[str, int]:
    """Return how much of what the operating system lends a process has."""
    return {
        "open files": process.num_fds(),
        "sockets": len(process.net_connections(kind="all")),
        "threads": process.num_threads(),
        "processes": len(process.children(recursive=True)),
    }


def _sweep(folder: Path) -> Path:
    folder.mkdir(parents=True)
    return write_sweep(folder, search="{method: random, trials: 2}", space=space(epochs=2))


def _run(path: Path, folder: Path, runner: RunnerName) -> None:
    sweeps.run(path, runs=folder / "runs", runner=runner, tracking_uri="none")


def _memory_mb(process: psutil.Process) -> float:
    gc.collect()
    return float(process.memory_info().rss) / 2**20


def _count(found: Found, is_well: bool, remains: list[str], said: str) -> None:
    found.rounds += 1
    found.survived += is_well
    _count_left(found, set(remains))
    if not is_well:
        found.notes.append(f"ended otherwise: {said[-300:]!r}")


def _count_left(found: Found, remains: set[str]) -> None:
    found.left += len(remains)
    found.notes += [f"left: {one}" for one in sorted(remains)[:5]]
