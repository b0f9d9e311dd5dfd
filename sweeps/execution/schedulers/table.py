"""Which scheduler belongs to which `stopping` section."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sweeps.definition.sweep_file import (
    Asha,
    Bandit,
    HyperBand,
    MedianStopping,
    NoScheduler,
    PopulationBased,
    Stopping,
)
from sweeps.execution.schedulers.asha import AshaScheduler
from sweeps.execution.schedulers.bandit import BanditScheduler
from sweeps.execution.schedulers.hyperband import HyperBandScheduler
from sweeps.execution.schedulers.median import MedianScheduler
from sweeps.execution.schedulers.none import NoPruning
from sweeps.execution.schedulers.population import PopulationScheduler
from sweeps.execution.schedulers.scheduler import Scheduler
from sweeps.models.scoring.objective import Objective

__all__ = ["SCHEDULERS", "build_scheduler"]

SCHEDULERS: Mapping[type[Any], Callable[[Any, Objective, int], Scheduler]] = {
    NoScheduler: NoPruning,
    Asha: AshaScheduler,
    HyperBand: HyperBandScheduler,
    MedianStopping: MedianScheduler,
    Bandit: BanditScheduler,
    PopulationBased: PopulationScheduler,
}


def build_scheduler(stopping: Stopping, objective: Objective, max_epochs: int) -> Scheduler:
    """Return the scheduler of a `stopping` section, which has been told nothing yet.

    Args:
        max_epochs: The most epochs of any trial in the plan.
    """
    return SCHEDULERS[type(stopping)](stopping, objective, max_epochs)
