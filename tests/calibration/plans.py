"""Whether the epochs of a sweep lie within what `plan` says: Ray's own schedulers, whole sweeps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ray.tune.schedulers import (
    AsyncHyperBandScheduler,
    FIFOScheduler,
    HyperBandScheduler,
    MedianStoppingRule,
)

from sweeps.definition.loading import check_sweep
from sweeps.rehearsal.expected_epochs import expected_epochs
from sweeps.schedulers.asha import Asha
from sweeps.schedulers.hyperband import HyperBand
from sweeps.schedulers.median import MedianStopping
from sweeps.schedulers.none import NoScheduler
from sweeps.schedulers.stopping import Stopping
from sweeps.terminal.plan_report import plan_report
from tests.calibration.worlds import run
from tests.sweeps.schedulers.plays import OBJECTIVES, Play, Rays
from tests.sweeps.sweep_files import space, write_sweep

__all__ = ["epochs_of_a_sweep_differ", "epochs_of_rays_differ"]

_AT_ONCE = 4
_SECTIONS: dict[str, Stopping] = {
    "asha": Asha(scheduler="asha", grace_epochs=1, reduction_factor=3),
    "hyperband": HyperBand(scheduler="hyperband", reduction_factor=3),
    "median": MedianStopping(scheduler="median", grace_epochs=2, min_samples=3),
    "none": NoScheduler(scheduler="none"),
}
_RAYS: dict[str, Callable[[int], Any]] = {
    "asha": lambda end: AsyncHyperBandScheduler("epoch", "loss", "min", end, 1, 3),
    "hyperband": lambda end: HyperBandScheduler("epoch", "loss", "min", end, 3),
    "median": lambda end: MedianStoppingRule("epoch", "loss", "min", 2, 3, min_time_slice=10**9),
    "none": lambda end: FIFOScheduler(),
}


def epochs_of_rays_differ(
    name: str, trials: int, end: int, losses_of: Callable[[Sequence[int], int], Any]
) -> Callable[[int], bool]:
    """Whether what Ray's own scheduler lets run is outside of the range that is planned."""
    section, lengths = _SECTIONS[name], [end] * trials
    planned = expected_epochs(section, lengths, _AT_ONCE)
    every = section.build(OBJECTIVES["min"], end).milestones

    def differ(seed: int) -> bool:
        told = Rays(_RAYS[name](end), trials)
        epochs = range(1, end) if every is None else [*every]
        play = Play(told, lengths, epochs, seed, losses_of(lengths, seed))
        play.run(_AT_ONCE)
        return not planned.low <= play.epochs <= planned.high

    return differ


def epochs_of_a_sweep_differ(stopping: str, trials: int = 30) -> Callable[[int], bool]:
    """Whether a whole sweep on iris trains epochs out of the range that is planned."""

    def differ(seed: int) -> bool:
        with TemporaryDirectory() as folder:
            path = write_sweep(
                Path(folder), seed=str(seed), search=f"{{method: random, trials: {trials}}}",
                stopping=stopping, space=space("{kind: linear}", epochs=9),
            )  # fmt: skip
            low, high = plan_report(*check_sweep(path), probe=False).expected_range
            return not low <= sum(trial.epochs for trial in run(path).record.trials) <= high

    return differ
