"""The `stopping` section of a sweep file: which schedulers there are."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from sweeps.schedulers.asha import Asha
from sweeps.schedulers.bandit import Bandit
from sweeps.schedulers.hyperband import HyperBand
from sweeps.schedulers.median import MedianStopping
from sweeps.schedulers.none import NoScheduler
from sweeps.schedulers.population import PopulationBased

__all__ = ["Stopping"]

Stopping = Annotated[
    NoScheduler | Asha | HyperBand | MedianStopping | Bandit | PopulationBased,
    Field(discriminator="scheduler"),
]
