"""Many trials of no work on many slots: a cluster of four nodes that claim 16 cores each.

Nodes of Ray are processes here, and what they claim is not there: 64 workers share this machine,
so that what a trial takes is everybody's bookkeeping and little else.
"""

from __future__ import annotations

import json
import statistics
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sweeps.infra.local.cluster import LocalCluster
from tests.benchmarks.processes import Sample, run_command
from tests.benchmarks.product import ProductRun, run_product
from tests.benchmarks.workload import write_empty_sweep, write_sleeping_sweep
from tests.free_port import free_port

__all__ = ["measure_paced", "measure_ray_tune", "measure_scale"]

_NODES, _CPUS = 4, 16
_SAMPLE_PERIOD_S = 0.5


def measure_scale(trials: int) -> dict[str, float]:
    """Run trials that train next to nothing on all slots, without MLflow."""
    with _cluster(_NODES) as environment, tempfile.TemporaryDirectory(prefix="bench") as path:
        sweep = write_empty_sweep(Path(path), trials, workers=_NODES * _CPUS)
        return _numbers(_run(sweep, environment))


def measure_paced(trials: int) -> dict[str, float]:
    """Run trials of one second on 16 slots; `floor_ratio` is to what 16 would take without pause.

    Ray's own test of this size (10,000 trials) takes 715 s for a floor of 625 s.
    """
    with _cluster(1) as environment, tempfile.TemporaryDirectory(prefix="bench") as path:
        run = _run(write_sleeping_sweep(Path(path), trials, workers=_CPUS), environment)
    return {**_numbers(run), "paced_s": run.training_s, "floor_ratio": run.training_s * 16 / trials}


def _run(sweep: Path, environment: dict[str, str]) -> ProductRun:
    without = environment | {"MLFLOW_TRACKING_URI": "none"}
    return run_product(sweep, sweep.parent / "runs", _SAMPLE_PERIOD_S, without)


def _numbers(run: ProductRun) -> dict[str, float]:
    during = [
        one for one in run.command.samples if run.first_trial_at <= one.at <= run.last_outcome_at
    ]
    return {
        "trials": run.trials,
        "first_trial_s": run.startup_s,
        "wall_ms_per_trial": 1000 * run.training_s / run.trials,
        "results_per_s": run.trials / run.training_s,
        **_driver(during, run.training_s, run.trials),
    }


def measure_ray_tune(trials: int) -> dict[str, float]:
    """Run as many trials of stock Ray Tune that report one number, without MLflow."""
    with _cluster(_NODES) as environment, tempfile.TemporaryDirectory(prefix="bench") as path:
        command = run_command(
            ["tests.benchmarks.ray_tune_scale", str(trials), path], _SAMPLE_PERIOD_S, environment
        )
    # Ray may print after it.
    (line,) = (line for line in command.output.splitlines() if line.startswith("{"))
    span = json.loads(line)
    training_s = span["ended_at"] - span["first_trial_at"]
    during = [
        one for one in command.samples if span["first_trial_at"] <= one.at <= span["ended_at"]
    ]
    return {
        "trials": trials,
        "first_trial_s": span["first_trial_at"] - command.started_at,
        "wall_ms_per_trial": 1000 * training_s / trials,
        "results_per_s": trials / training_s,
        **_driver(during, training_s, trials),
    }


@contextmanager
def _cluster(nodes: int) -> Iterator[dict[str, str]]:
    """Start the cluster; yields the environment of a driver that joins it."""
    with tempfile.TemporaryDirectory(prefix="s", dir="/tmp") as folder:
        cluster = LocalCluster(Path(folder) / "cluster")
        cluster.up(port=free_port(), dashboard=free_port(), workers=nodes - 1, cpus=_CPUS)
        try:
            joining = {"RAY_ADDRESS": f"127.0.0.1:{cluster.port}"}
            unwanted = {"SWEEPS_STORAGE"}
            found = cluster.variables() | joining
            yield {name: text for name, text in found.items() if name not in unwanted}
        finally:
            cluster.down()


def _driver(during: list[Sample], training_s: float, trials: int) -> dict[str, float]:
    """The driver's CPU time a trial, its largest memory, and the slope over the later half."""
    if len(during) < 4:
        return {}
    half = during[len(during) // 2 :]
    slope_mb_s, _ = statistics.linear_regression(
        [one.at - half[0].at for one in half], [one.driver_mb for one in half]
    )
    share = (during[-1].at - during[0].at) / training_s
    cpu_s = during[-1].driver_cpu_s - during[0].driver_cpu_s
    return {
        "driver_cpu_ms_per_trial": 1000 * cpu_s / (share * trials),
        "driver_peak_mb": max(one.driver_mb for one in during),
        "driver_growth_kb_per_trial": 1024 * slope_mb_s * training_s / trials,
    }
