"""The second floor: the product's own training loop in bare processes, so that what the loop gains
and what the orchestration loses are seen apart."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from sweeps.models.configuration import TrialConfig
from sweeps.models.scoring.objective import Objective
from sweeps.models.splits.splits import TrainDev
from sweeps.models.training.training import Training
from tests.benchmarks.workload import Workload

__all__ = ["prepare"]


def prepare(workload: Workload, indices: Iterator[int], store: str) -> Callable[[], None]:
    """Take one step; return what trains all trials."""
    _training(workload.warm_up(), 0).train_epoch()

    def run() -> None:
        for index in indices:
            training = _training(workload, index)
            while training.outcome is None:
                training.train_epoch()

    return run


def _training(workload: Workload, index: int) -> Training:
    data = TrainDev(
        x_train=workload.x_train,
        y_train=workload.y_train,
        x_dev=workload.x_dev,
        y_dev=workload.y_dev,
        task="classification",
        outputs=10,
        input_shape=workload.x_train.shape[1:],
    )
    config = TrialConfig.model_validate(workload.configurations[index])
    return Training(config, data, Objective("dev_loss", "min"), workload.seeds[index])
