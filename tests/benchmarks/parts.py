"""What is measured: each function takes one measurement and returns plain numbers, in seconds."""

from __future__ import annotations

import json
import math
import statistics
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.benchmarks.processes import Sample, run_command
from tests.benchmarks.product import ProductRun, run_product
from tests.benchmarks.searches import SearchSizes
from tests.benchmarks.workload import write_digits_sweep, write_empty_sweep

__all__ = ["CONTESTANTS", "Sizes", "measure_bookkeeping", "measure_contestant", "measure_start"]

Numbers = dict[str, float]

# Part of the benchmark, and contestants in the order in which they take turns.
CONTESTANTS = {
    "floor": "a",
    "product": "a",
    "own_loop": "a",
    "optuna": "b",
    "ray_tune": "c",
}
_SAMPLE_PERIOD_S = 0.25
_FEWEST_SAMPLES = 10


@dataclass(frozen=True)
class Sizes:
    """How much is measured; stock Ray Tune runs fewer trials, as it takes seconds for each."""

    trials: int = 64
    epochs: int = 30
    ray_tune_trials: int = 16
    empty_trials: int = 1000
    scale_trials: int = 10_000
    paced_trials: int = 10_000
    recorded_trials: int = 10_000
    searches: SearchSizes = field(default_factory=SearchSizes)


def measure_contestant(name: str, sizes: Sizes) -> Numbers:
    """Run one contestant once; `steady_s` and `wall_s` are scaled to `sizes.trials` trials."""
    trials = sizes.ray_tune_trials if name == "ray_tune" else sizes.trials
    with tempfile.TemporaryDirectory(prefix="bench") as path:
        folder = Path(path)
        sweep = write_digits_sweep(folder, trials, sizes.epochs)
        if name == "product":
            return _product_numbers(run_product(sweep, folder / "runs"))
        command = run_command(["tests.benchmarks.contestant", name, str(sweep), str(folder)])
        span = json.loads(command.output.splitlines()[-1])
        steady_s = (span["ended_at"] - span["first_trial_at"]) * sizes.trials / trials
        startup_s = span["first_trial_at"] - command.started_at
        return {"steady_s": steady_s, "startup_s": startup_s, "wall_s": startup_s + steady_s}


def _product_numbers(run: ProductRun) -> Numbers:
    return {
        "steady_s": run.steady_s,
        "startup_s": run.startup_s,
        "wall_s": run.startup_s + run.steady_s,
        "exit_s": run.command.wall_s,
        "training_s": run.training_s,
        "closing_s": run.steady_s - run.training_s,
    }


def measure_bookkeeping(sizes: Sizes) -> Numbers:
    """Run trials that train next to nothing; what they take is the product's own."""
    with tempfile.TemporaryDirectory(prefix="bench") as path:
        sweep = write_empty_sweep(Path(path), sizes.empty_trials)
        run = run_product(sweep, Path(path) / "runs", _SAMPLE_PERIOD_S)
    samples = run.command.samples
    during = [one for one in samples if run.first_trial_at <= one.at <= run.last_outcome_at]
    return {
        "trials": run.trials,
        "wall_ms_per_trial": 1000 * run.training_s / run.trials,
        "driver_cpu_ms_per_trial": 1000 * _driver_cpu_s(during, run),
        "closing_s": run.steady_s - run.training_s,
        "driver_growth_kb_per_trial": _growth_kb(during, run),
        **_peaks_mb(samples),
    }


def _driver_cpu_s(during: list[Sample], run: ProductRun) -> float:
    """CPU seconds of the driver a trial, from the first trial's start to the last outcome."""
    if len(during) < _FEWEST_SAMPLES:
        return math.nan
    first, last = during[0], during[-1]
    share = (last.at - first.at) / run.training_s
    return (last.driver_cpu_s - first.driver_cpu_s) / (share * run.trials)


def _growth_kb(during: list[Sample], run: ProductRun) -> float:
    """The slope of the driver's memory over the second half of the trials, by least squares."""
    if len(during) < _FEWEST_SAMPLES:
        return math.nan
    half = during[len(during) // 2 :]
    slope_mb_s, _ = statistics.linear_regression(
        [one.at - half[0].at for one in half], [one.driver_mb for one in half]
    )
    return 1024 * slope_mb_s * run.training_s / run.trials


def _peaks_mb(samples: list[Sample]) -> Numbers:
    kinds: dict[str, Callable[[Sample], float]] = {
        "driver_peak_mb": lambda one: one.driver_mb,
        "worker_peak_mb": lambda one: one.worker_mb,
        "tracker_peak_mb": lambda one: one.tracker_mb,
    }
    return {name: max(map(size, samples)) for name, size in kinds.items()}


def measure_start(sizes: Sizes) -> Numbers:
    """Measure `validate`, the way to the first epoch, and memory in a sweep that trains."""
    with tempfile.TemporaryDirectory(prefix="bench") as path:
        sweep = write_digits_sweep(Path(path), sizes.trials, sizes.epochs)
        validate = run_command(["sweeps", "validate", str(sweep)])
        run = run_product(sweep, Path(path) / "runs", _SAMPLE_PERIOD_S)
    return {
        "validate_s": validate.wall_s,
        "first_trial_s": run.startup_s,
        "first_epoch_s": run.first_epoch_at - run.command.started_at,
        **_peaks_mb(run.command.samples),
    }
