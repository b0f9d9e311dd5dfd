"""What trials are judged by, and which direction is better: the one place that compares values."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

from sweeps.models.scoring.metric_configuration import MetricOptions
from sweeps.models.scoring.metrics import METRICS, Limits, Mode, bounds_of

__all__ = ["COUNTED", "SIZES", "Objective"]

# What is recorded of a net once, however it trains; less of each is better.
COUNTED = ("parameters", "flops")
SIZES = (*COUNTED, "ms_per_row")


@dataclass(frozen=True)
class Objective:
    """A metric of a trial's epochs, and which direction is better.

    Attributes:
        recorded: What epochs have besides the usual metrics, the objective's own among them; only
            training asks for it.
        limits: The least and the greatest value of a metric that no table has; None of others.
        others: What a trial should be good at besides: dev metrics, and sizes of its net. Trials
            are ranked by this one alone; the others say which stand on the front.
    """

    metric: str
    mode: Mode
    recorded: Mapping[str, MetricOptions] = field(default_factory=dict)
    limits: Limits | None = None
    others: tuple[Objective, ...] = ()

    @classmethod
    def of(cls, goal: Mapping[str, Any]) -> Self:
        """Read what `goal` wrote; raises KeyError and TypeError."""
        limits = goal.get("limits")
        if limits is not None:
            low, high = limits
            limits = (low, high)
        others = tuple(cls.of(one) for one in goal.get("others", ()))
        return cls(goal["metric"], goal["mode"], limits=limits, others=others)

    @property
    def goal(self) -> dict[str, Any]:
        """What sweep.json says of it."""
        own = {} if self.limits is None else {"limits": list(self.limits)}
        others = {"others": [one.goal for one in self.others]} if self.others else {}
        return {"metric": self.metric, "mode": self.mode, **own, **others}

    @property
    def all(self) -> tuple[Objective, ...]:
        """This objective, the first, and then the others."""
        return (replace(self, others=()), *self.others)

    @property
    def sign(self) -> float:
        """1 where high values are good, -1 where low ones are: times it, high is always good."""
        return 1.0 if self.mode == "max" else -1.0

    @property
    def bounds(self) -> tuple[float, float]:
        """The least and the greatest value of the metric; infinite for one that is not known."""
        if self.limits is not None:
            return bounds_of(self.limits)
        metric = METRICS.get(self.metric.removeprefix("dev_"))
        return (-math.inf, math.inf) if metric is None else metric.bounds

    def bounds_around(self, values: Sequence[float]) -> tuple[float, float]:
        """Return the bounds where all values keep them, and infinite ones where some do not.

        An own loop may call accuracy what is a percentage: its values say which range it has.
        """
        low, high = self.bounds
        return (low, high) if all(low <= one <= high for one in values) else (-math.inf, math.inf)

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
