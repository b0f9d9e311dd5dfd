"""What is left after many sweeps: processes, files, open files and memory."""

from __future__ import annotations

import gc
import tempfile
from pathlib import Path

import psutil

import sweeps
from tests.reliability.page import Found
from tests.sweeps.drivers import driver
from tests.sweeps.sweep_files import space, write_sweep

__all__ = ["leak_in_one_process", "leak_on_ray"]

# Growth of a driver in one process, a sweep: what Python's allocator rounds up is less.
_GROWTH_MB = 1.0


def leak_on_ray(folder: Path, sweeps_run: int) -> Found:
    """Run sweeps on Ray one after the other, with one folder for temporary files."""
    found = Found("sweeps on Ray, one after the other")
    path = _sweep(folder)
    with tempfile.TemporaryDirectory(prefix="l", dir="/tmp") as temporary:
        for _ in range(sweeps_run):
            words = ("run", path, "--runs", folder / "runs")
            with driver(*words, TMPDIR=temporary, RAY_TMPDIR=temporary) as one:
                code, said = one.wait(300)
                remains = one.left_running()
            remains += [str(file) for file in Path(temporary).rglob("*")]
            _count(found, code == 0, remains, said)
    return found


def leak_in_one_process(folder: Path, sweeps_run: int) -> Found:
    """Run sweeps in this process one after the other, as a notebook does."""
    found = Found("sweeps in one process, --local")
    path, own = _sweep(folder), psutil.Process()
    for _ in range(3):  # what is imported and cached at first use
        _run(path, folder)
    before_mb, files, threads = _memory_mb(own), own.num_fds(), own.num_threads()
    for _ in range(sweeps_run):
        _run(path, folder)
        _count(found, True, [], "")
    grown_mb = (_memory_mb(own) - before_mb) / sweeps_run
    more = {"open files": own.num_fds() - files, "threads": own.num_threads() - threads}
    _count_left(found, {f"{number} {name}" for name, number in more.items() if number > 0})
    found.what += f" ({max(0.0, grown_mb):.2f} MB of memory a sweep)"
    if grown_mb > _GROWTH_MB:
        _count_left(found, {f"{grown_mb:.2f} MB of memory a sweep"})
    return found


def _sweep(folder: Path) -> Path:
    folder.mkdir(parents=True)
    return write_sweep(folder, search="{method: random, trials: 2}", space=space(epochs=2))


def _run(path: Path, folder: Path) -> None:
    sweeps.run(path, runs=folder / "runs", runner="local", tracking_uri="none")


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
