"""The objective's axis: what it shows, and where trials are drawn that have no place on it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from sweeps.analysis.evidence import Array, Evidence
from sweeps.models.scoring.objective import Objective
from sweeps.record.sweep_record import Outcome
from sweeps.report.style import log_axis, log_if_wide

__all__ = ["ValueAxis", "axis_of", "range_of_one", "value_axis"]

# Tukey's outer fence (Exploratory Data Analysis, 1977), from the best in place of a quartile.
_FENCE = 3.0
# Between the worst value that is shown and the edge at which all worse ones are.
_ROOM = 0.08


@dataclass(frozen=True)
class ValueAxis:
    """An axis on which a few absurd values do not press all others into one line.

    Attributes:
        low, high: The ends of what is shown, before the room at the edges; on a logarithmic axis
            their logarithms to base 10.
        is_log: Whether the axis is logarithmic.
        is_high_bad: Whether less is better.
    """

    low: float
    high: float
    is_log: bool
    is_high_bad: bool

    def layout(self) -> dict[str, Any]:
        """Return the layout of a figure's y axis: its type, marks and range."""
        room = 1.5 * self._room
        marks: dict[str, Any] = log_axis(*self.ends) if self.is_log else {"type": "linear"}
        found = marks | {"range": [self.low - room, self.high + room]}
        return {f"yaxis_{key}": value for key, value in found.items()}

    @property
    def ends(self) -> tuple[float, float]:
        """The least and the largest value on the axis."""
        return self._back(self.low), self._back(self.high)

    @property
    def edge(self) -> float:
        """Where trials are drawn that are worse than the axis goes, or have no value."""
        return self._back(self.high + self._room if self.is_high_bad else self.low - self._room)

    def is_beyond(self, values: Any) -> Any:
        """Return (n,) whether each value is worse than the axis goes; NaN is not."""
        found = np.asarray(values, dtype=float)
        worst = self.ends[1 if self.is_high_bad else 0]
        slack = 1e-9 * abs(worst)
        return found > worst + slack if self.is_high_bad else found < worst - slack

    @property
    def _room(self) -> float:
        return _ROOM * (self.high - self.low)

    def _back(self, value: float) -> float:
        return float(10**value) if self.is_log else value


def value_axis(evidence: Evidence) -> ValueAxis | None:
    """Return the axis for the results of a sweep; None where there are none.

    Diverged trials, whose last finite value says little, are not asked where it ends.
    """
    whole = np.array([trial.outcome is not Outcome.DIVERGED for trial in evidence.trials])
    return axis_of(evidence.values[whole], evidence.objective) or axis_of(
        evidence.values, evidence.objective
    )


def axis_of(values: Array, objective: Objective) -> ValueAxis | None:
    """Return the axis for these values; None where none is finite.

    A value is beyond it where it is worse than the third quartile by more than three times the
    third quartile's distance from the best.
    """
    kept = values[np.isfinite(values)]
    if not len(kept):
        return None
    is_log = bool(log_if_wide([kept]))
    scaled = np.log10(kept) if is_log else kept
    bad = scaled if objective.mode == "min" else -scaled
    best, quartile = float(bad.min()), float(np.percentile(bad, 75))
    fence = quartile + _FENCE * (quartile - best)
    worst = float(bad[bad <= fence].max()) if quartile > best else float(bad.max())
    low, high = (best, worst) if objective.mode == "min" else (-worst, -best)
    return _of_some_length(low, high, is_log, objective.mode == "min")


def _of_some_length(low: float, high: float, is_log: bool, is_high_bad: bool) -> ValueAxis:
    """Return the axis, linear where what is left between its ends is not wide."""
    if is_log and not log_if_wide([np.array([10**low, 10**high])]):
        low, high, is_log = 10**low, 10**high, False
    if not high > low:
        low, high = around(low)
    return ValueAxis(low, high, is_log, is_high_bad)


def around(value: float) -> tuple[float, float]:
    """Return the ends of an axis for one value."""
    margin = 0.05 * abs(value) or 0.5
    return value - margin, value + margin


def range_of_one(values: Iterable[float | None]) -> list[float] | None:
    """Return the range of an axis whose values are all one; None leaves it to the figure.

    Around 1 it would be 0 to 2, whatever a seed may do to an accuracy.
    """
    found = {value for value in values if value is not None}
    return list(around(*found)) if len(found) == 1 else None
