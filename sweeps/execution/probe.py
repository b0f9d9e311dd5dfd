"""Measures what an epoch costs, on a few of the planned trials."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch

from models.configuration import TrialConfig
from models.datasets import load_dataset
from models.splits import split_folds
from models.training import Objective, Training
from sweeps.spec.planning import PlannedTrial
from sweeps.spec.sweep import Sweep

__all__ = ["mean_epoch_s"]

_PROBES = 5


def mean_epoch_s(sweep: Sweep, planned: Sequence[PlannedTrial]) -> float:
    """Return mean seconds an epoch over trials spread evenly over the plan; of all folds' nets.

    The first epoch of a process is not counted: it pays for what torch loads on first use.
    """
    dataset = load_dataset(sweep.file.data, sweep.base_dir)
    folds = split_folds(dataset, sweep.file.data, sweep.file.seed)
    data = [fold.train_dev() for fold in folds]
    torch.set_num_threads(math.ceil(sweep.file.resources.cpu))
    step = max(1, len(planned) // _PROBES)
    seconds = []
    for trial in planned[::step][:_PROBES]:
        config = TrialConfig.model_validate(trial.configuration)
        objective = Objective(sweep.goal.metric, sweep.goal.mode)
        training = Training(config, data, objective, trial.seed)
        training.train_epoch()
        if training.outcome is None:
            seconds.append(training.train_epoch()["epoch_s"])
    return sum(seconds) / len(seconds) if seconds else 0.0
