"""What a sweep optimizes, and which direction is better."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from sweeps.models.metrics import METRICS

__all__ = ["Goal"]


@dataclass(frozen=True)
class Goal:
    """The dev metric to optimize, and which direction is better."""

    metric: str
    mode: Literal["min", "max"]

    @property
    def sign(self) -> float:
        """1 where high values are good, -1 where low ones are: times it, high is always good."""
        return 1.0 if self.mode == "max" else -1.0

    @property
    def bounds(self) -> tuple[float, float]:
        """The least and the greatest value of the metric; infinite for one that is not known."""
        metric = METRICS.get(self.metric.removeprefix("dev_"))
        return (-math.inf, math.inf) if metric is None else metric.bounds

    def better(self, value: float, than: float | None) -> bool:
        """Return whether `value` is finite and strictly better (any finite value beats None)."""
        if not math.isfinite(value):
            return False
        if than is None:
            return True
        return value < than if self.mode == "min" else value > than

    def sort_key(self, value: float | None) -> float:
        """Return a key that sorts best first and None last."""
        if value is None:
            return math.inf
        return value if self.mode == "min" else -value
