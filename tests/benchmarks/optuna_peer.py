"""Optuna as its documentation runs it on one machine: two processes, one SQLite storage, a report
each epoch, and Optuna's own MLflowCallback, which records parameters and one value a trial."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from tests.benchmarks import bare_loop
from tests.benchmarks.two_workers import run_two_workers
from tests.benchmarks.workload import Workload

__all__ = ["run"]

_STUDY = "bench"


def run(workload: Workload, folder: str) -> tuple[float, float]:
    """Return when the first trial began and when the last record was written."""
    import mlflow
    import optuna

    mlflow.set_tracking_uri(f"sqlite:///{folder}/mlflow.db")
    mlflow.set_experiment(_STUDY)
    optuna.create_study(storage=f"sqlite:///{folder}/optuna.db", study_name=_STUDY)
    return run_two_workers(prepare, workload, folder)


def prepare(workload: Workload, indices: Iterator[int], folder: str) -> Callable[[], None]:
    """Open the study; return what optimizes until the sweep has its number of trials."""
    import optuna
    from optuna.trial import TrialState

    warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    from optuna_integration.mlflow import MLflowCallback

    list(bare_loop.epochs_of(workload.warm_up(), 0, workload.learning_rate(0)))
    study = optuna.load_study(
        study_name=_STUDY,
        storage=f"sqlite:///{folder}/optuna.db",
        sampler=optuna.samplers.RandomSampler(),
    )
    record = MLflowCallback(tracking_uri=f"sqlite:///{folder}/mlflow.db", metric_name="dev_loss")
    enough = optuna.study.MaxTrialsCallback(
        len(workload.seeds), states=(TrialState.COMPLETE, TrialState.RUNNING)
    )
    return partial(
        study.optimize, partial(_objective, workload=workload), callbacks=[record, enough]
    )


def _objective(trial: Any, workload: Workload) -> float:
    lr = trial.suggest_float("lr", 1e-4, 1e-1, log=True)
    index = trial.number % len(workload.seeds)
    dev_loss = float("nan")
    for epoch, (_, _, dev_loss, _) in enumerate(bare_loop.epochs_of(workload, index, lr)):
        trial.report(dev_loss, epoch)
    return dev_loss
