"""Runs one command to its end, and samples the memory and the driver's CPU time meanwhile."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

__all__ = ["Command", "Sample", "run_command"]

_ROOT = Path(__file__).resolve().parents[2]
_POLL_S = 0.01
_LIMIT_S = 1800.0


@dataclass(frozen=True)
class Sample:
    """One look at a process tree.

    Attributes:
        at: Unix time.
        driver_mb: resident memory of the command's own process.
        driver_cpu_s: its CPU seconds so far, user and system.
        worker_mb: of its largest Ray worker; 0 while there is none.
        tracker_mb: of the process that writes to MLflow; 0 while there is none.
    """

    at: float
    driver_mb: float
    driver_cpu_s: float
    worker_mb: float
    tracker_mb: float


@dataclass(frozen=True)
class Command:
    """What one command took and printed."""

    started_at: float
    ended_at: float
    output: str
    samples: list[Sample] = field(default_factory=list)

    @property
    def wall_s(self) -> float:
        return self.ended_at - self.started_at


def run_command(
    arguments: Sequence[str],
    sample_period_s: float | None = None,
    environment: Mapping[str, str] | None = None,
) -> Command:
    """Run `python -m ARGUMENTS` from the project's root; sampling costs a little of one core.

    Raises:
        RuntimeError: it failed, or did not end within half an hour.
    """
    # Sockets want short paths, so Ray's folder is not below the one of the measurements.
    with (
        tempfile.TemporaryDirectory(prefix="b", dir="/tmp", ignore_cleanup_errors=True) as folder,
        (Path(folder) / "errors").open("w+") as errors,
        (Path(folder) / "output").open("w+") as output,
    ):
        started_at = time.time()
        process = psutil.Popen(
            [sys.executable, "-m", *arguments],
            cwd=_ROOT,
            env=_environment(folder) | dict(environment or {}),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=errors,
        )
        try:
            samples = _watch(process, started_at, sample_period_s)
        finally:
            _end_tree(process)
        ended_at = time.time()
        for stream in (output, errors):
            stream.seek(0)
        if process.returncode:
            raise RuntimeError(f"{' '.join(arguments)} failed:\n{errors.read()[-3000:]}")
        return Command(started_at, ended_at, output.read(), samples)


def _environment(folder: str) -> dict[str, str]:
    unwanted = {"MLFLOW_TRACKING_URI", "RAY_ADDRESS"}
    kept = {name: value for name, value in os.environ.items() if name not in unwanted}
    return {**kept, "OMP_NUM_THREADS": "1", "RAY_TMPDIR": folder}


def _watch(process: psutil.Popen, started_at: float, period_s: float | None) -> list[Sample]:
    samples: list[Sample] = []
    while process.poll() is None:
        time.sleep(period_s or _POLL_S)
        if time.time() - started_at > _LIMIT_S:
            raise RuntimeError(f"not over after {_LIMIT_S:g} s")
        sample = _sample(process) if period_s else None
        samples.extend([sample] if sample else [])
    return samples


def _sample(process: psutil.Popen) -> Sample | None:
    sizes_mb = {"worker": 0.0, "tracker": 0.0}
    try:
        cpu, driver_mb = process.cpu_times(), process.memory_info().rss / 2**20
        for child in process.children(recursive=True):
            kind = _kind(child)
            if kind:
                sizes_mb[kind] = max(sizes_mb[kind], child.memory_info().rss / 2**20)
    except psutil.Error:
        return None
    return Sample(
        time.time(), driver_mb, cpu.user + cpu.system, sizes_mb["worker"], sizes_mb["tracker"]
    )


def _kind(child: psutil.Process) -> str:
    words = child.cmdline()
    if words and words[0].startswith("ray::"):
        return "worker"
    return "tracker" if "--follow" in words else ""


def _end_tree(process: psutil.Popen) -> None:
    """Leave nothing running when a measurement is broken off."""
    if process.poll() is not None:
        return
    for one in [*process.children(recursive=True), process]:
        try:
            one.kill()
        except psutil.NoSuchProcess:
            continue
    process.wait()
