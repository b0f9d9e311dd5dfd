"""MLflow's server on PostgreSQL with many runs: how long they take, and what a reviewer waits for.

`python -m tests.benchmarks --only h`. The sweep is a real one, of trials as small as can be.
"""

from __future__ import annotations

import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from sweeps.infra.local.processes import Processes
from sweeps.infra.local.tracking_server import LocalMlflow
from tests.benchmarks.processes import run_command
from tests.benchmarks.workload import write_empty_sweep
from tests.free_port import free_port

__all__ = ["measure_many_runs"]

_EPOCHS = 30
_PAGE = 100
_LOOKS = 5


def measure_many_runs(trials: int) -> dict[str, float]:
    """Record a finished sweep of 30 epochs a trial and six metrics, then look at its pages.

    Returns seconds: `record_s` of `sync` with its start, and medians of what a page asks for.
    """
    with _server() as variables, tempfile.TemporaryDirectory(prefix="bench") as path:
        sweep = write_empty_sweep(Path(path), trials)
        runs = Path(path) / "runs"
        epochs = ["--set", f"space.training.epochs={_EPOCHS}"]
        run_command(
            ["sweeps", "run", str(sweep), "--runs", str(runs), "--local", "--no-mlflow", *epochs]
        )
        record = run_command(["sweeps", "sync", str(runs / "bench")], None, variables)
        return {"trials": trials, "record_s": record.wall_s, **_pages(variables)}


def _pages(variables: Mapping[str, str]) -> dict[str, float]:
    """Ask for what the pages of an experiment, of a run and of a comparison show."""
    os.environ.update(variables)
    from mlflow import MlflowClient

    client = MlflowClient(variables["MLFLOW_TRACKING_URI"])
    experiment = client.get_experiment_by_name("bench")
    assert experiment is not None
    where = [experiment.experiment_id]
    best = ["metrics.`best/dev_loss` ASC"]
    page = client.search_runs(where, max_results=_PAGE)
    run = page[-1].info.run_id
    parts: dict[str, Callable[[], object]] = {
        "newest_100_s": lambda: client.search_runs(where, max_results=_PAGE),
        "best_100_s": lambda: client.search_runs(where, max_results=_PAGE, order_by=best),
        "filtered_s": lambda: client.search_runs(
            where,
            "metrics.`best/dev_accuracy` > 0.9 and tags.outcome = 'completed'",
            max_results=_PAGE,
        ),
        "run_s": lambda: client.get_run(run),
        "curve_s": lambda: client.get_metric_history(run, "dev/loss"),
    }
    return {name: _median_s(part) for name, part in parts.items()}


def _median_s(part: Callable[[], object]) -> float:
    taken = []
    for _ in range(_LOOKS):
        started = time.perf_counter()
        part()
        taken.append(time.perf_counter() - started)
    return statistics.median(taken)


@contextmanager
def _server() -> Iterator[dict[str, str]]:
    with tempfile.TemporaryDirectory(prefix="m", dir="/tmp") as name:
        folder = Path(name)
        processes = Processes(folder)
        processes.begin({})
        server, port = LocalMlflow(folder, processes), free_port()
        try:
            server.up(port=port, database_port=free_port())
            yield server.variables(port)
        finally:
            for one in reversed(processes.pids()):
                processes.stop(one)
            shutil.rmtree(server.data, ignore_errors=True)
