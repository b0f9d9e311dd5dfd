"""Whether and how often a trial's resources fit on this machine, found out before Ray starts."""

from __future__ import annotations

import os
from pathlib import Path

from sweeps.errors import PlacementError
from sweeps.spec.sweep_file import Resources

__all__ = ["slots"]


def slots(resources: Resources) -> int:
    """Return how many trials run at once on this machine.

    Raises:
        PlacementError: One trial asks for more than the whole machine has.
    """
    cores, gpus = os.cpu_count() or 1, _gpus()
    if resources.cpu > cores:
        raise _too_much("cpu", resources.cpu, cores, "CPU cores")
    if resources.gpu > gpus:
        raise _too_much("gpu", resources.gpu, gpus, "GPUs")
    fitting = int(cores // resources.cpu)
    if resources.gpu:
        fitting = min(fitting, int(gpus / resources.gpu + 1e-9))
    return min(fitting, resources.workers or fitting)


def _too_much(key: str, asked: float, there: int, what: str) -> PlacementError:
    return PlacementError(
        f"resources.{key} = {asked:g}: one trial asks for {asked:g} {what} and this machine has "
        f"{there}, so it could never start; ask for {there} at most"
    )


def _gpus() -> int:
    """Count NVIDIA devices without importing torch; CUDA_VISIBLE_DEVICES hides some."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    there = len(list(Path("/dev").glob("nvidia[0-9]*")))
    if visible is None:
        return there
    return min(there, len([name for name in visible.split(",") if name.strip() not in ("", "-1")]))
