"""Stock Ray Tune: a function that reports each epoch, reused actors, Ray's own MLflow callback."""

from __future__ import annotations

import time
from typing import Any

from ray.tune import Callback

from tests.benchmarks import bare_loop
from tests.benchmarks.workload import Workload

__all__ = ["FirstStart", "run"]


def run(workload: Workload, folder: str) -> tuple[float, float]:
    """Return when the first trial began and when the last record was written."""
    import ray
    from ray import tune
    from ray.air.integrations.mlflow import MLflowLoggerCallback

    first = FirstStart()
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    tune.Tuner(
        tune.with_parameters(_train, workload=workload),
        param_space={"index": tune.grid_search(list(range(len(workload.seeds))))},
        tune_config=tune.TuneConfig(metric="dev_loss", mode="min", reuse_actors=True),
        run_config=tune.RunConfig(
            storage_path=folder,
            name="tune",
            verbose=0,
            callbacks=[
                first,
                MLflowLoggerCallback(
                    tracking_uri=f"sqlite:///{folder}/mlflow.db", experiment_name="bench"
                ),
            ],
        ),
    ).fit()
    ended_at = time.time()
    ray.shutdown()
    return first.at, ended_at


def _train(config: dict[str, Any], workload: Workload) -> None:
    import torch
    from ray import tune

    torch.set_num_threads(1)
    index = config["index"]
    rows = bare_loop.epochs_of(workload, index, workload.learning_rate(index))
    for train_loss, train_accuracy, dev_loss, dev_accuracy in rows:
        tune.report(
            {
                "train_loss": train_loss,
                "train_accuracy": train_accuracy,
                "dev_loss": dev_loss,
                "dev_accuracy": dev_accuracy,
            }
        )


class FirstStart(Callback):
    """Remembers when the first trial was started."""

    def __init__(self) -> None:
        self.at = 0.0

    def on_trial_start(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        self.at = self.at or time.time()
