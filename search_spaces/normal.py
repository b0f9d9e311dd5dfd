"""Normal and log-normal parameters, cut at bounds where they have any."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

from sweeps.search_spaces.normal_rules import normal_problems
from sweeps.search_spaces.problems import Problem, SpaceError
from sweeps.search_spaces.rounding import rounded

__all__ = ["NORMAL_KINDS", "NORMAL_OPTIONS", "Normal", "normal_from"]

NORMAL_KINDS = ("normal", "lognormal")
NORMAL_OPTIONS = ("low", "high", "points")
_STANDARD = NormalDist()
# Less of it between the bounds cannot be drawn from to eight digits.
_LEAST_CHANCE = 1e-9
# What figures and analyses take for the range of an unbounded one: all but 1 in 500 draws.
_USUAL = (0.001, 0.999)
# The nearest that a uniform number comes to 0 or 1: 8.2 standard deviations from the mean.
_SMALLEST = 2.0**-53


@dataclass(frozen=True)
class Normal:
    """Real numbers from a normal distribution, or from one whose logarithm is normal.

    Attributes:
        mean: Of the numbers, or with `log` of their natural logarithms; before it is cut.
        std: Standard deviation of the same, above 0.
        low: Smallest value, included; None for no bound.
        high: Largest value, included; None for no bound.
        log: Whether the logarithm is normal.
        points: How many values a grid takes: the middles of as many parts of equal chance.
    """

    mean: float
    std: float
    low: float | None = None
    high: float | None = None
    log: bool = False
    points: int | None = None

    def __post_init__(self) -> None:
        found = normal_problems(self)
        if found:
            raise SpaceError(found)
        for name in ("mean", "std", "low", "high"):
            value = getattr(self, name)
            object.__setattr__(self, name, None if value is None else float(value))
        if _chance(self._z(self.low), self._z(self.high)) < _LEAST_CHANCE:
            raise SpaceError([_nothing_between(self)])

    def at(self, u: float) -> float:
        """Return the value at `u` in [0, 1) of the distribution."""
        z = _inverse(self._z(self.low), self._z(self.high), u)
        value = self.mean + self.std * z
        return self._within(math.exp(min(value, 709.0)) if self.log else value)

    def nearest(self, value: float) -> float:
        """Return the value within the bounds that lies nearest, with the digits of `at`."""
        return self._within(value)

    def grid(self) -> tuple[float, ...]:
        """Return the values of a grid, ascending; empty without points."""
        count = self.points or 0
        return tuple(dict.fromkeys(self.at((number + 0.5) / count) for number in range(count)))

    def grid_size(self) -> int:
        """Return the number of values of a grid; 0 without points."""
        return len(self.grid())

    def ends(self) -> tuple[float, float]:
        """Return the smallest and the largest value that can be drawn."""
        return (
            self.at(0.0) if self.low is None else self.low,
            self.at(1.0 - _SMALLEST) if self.high is None else self.high,
        )

    def usual(self) -> tuple[float, float]:
        """Return the range of all but the rarest draws, within the bounds."""
        return self.at(_USUAL[0]), self.at(_USUAL[1])

    def contains(self, value: object) -> bool:
        """Return whether `value` can have been drawn here, or stand in the grid."""
        if type(value) is not float or not math.isfinite(value) or (self.log and value <= 0):
            return False
        is_above = self.low is None or self.low <= value
        return is_above and (self.high is None or value <= self.high)

    def cardinality(self) -> None:
        """Return None: there is no end of different values."""

    def to_value(self) -> dict[str, Any]:
        """Return the form that it has in a file."""
        options = {name: getattr(self, name) for name in NORMAL_OPTIONS}
        kind = "lognormal" if self.log else "normal"
        return {kind: [self.mean, self.std]} | {k: v for k, v in options.items() if v is not None}

    def _z(self, bound: float | None) -> float | None:
        """Return a bound in standard deviations from the mean."""
        if bound is None:
            return None
        return ((math.log(bound) if self.log else bound) - self.mean) / self.std

    def _within(self, value: float) -> float:
        value = rounded(value, 1.0 if self.log else abs(value), self.std)
        low = -math.inf if self.low is None else self.low
        return min(max(value, low), math.inf if self.high is None else self.high)


def normal_from(kind: str, value: Mapping[str, Any]) -> Normal:
    """Return the parameter of a file's mapping that has no key but those of its kind.

    Raises:
        SpaceError: All that is wrong with it.
    """
    given = value[kind]
    if len(given) != 2:
        what = "of the natural logarithm" if kind == "lognormal" else "of the numbers"
        raise SpaceError([Problem((kind,), given, f"must be [mean, std] {what}, got {given!r}")])
    options = {name: value.get(name) for name in NORMAL_OPTIONS}
    return Normal(given[0], given[1], log=kind == "lognormal", **options)


def _inverse(first: float | None, last: float | None, u: float) -> float:
    """Return the z at `u` of the standard normal distribution between two z."""
    if first is not None and first > 0:
        # There are more floats near 0 than near 1: the upper tail is taken as the lower one.
        return -_inverse(None if last is None else -last, -first, 1 - u)
    below = 0.0 if first is None else _below(first)
    chance = below + _chance(first, last) * u
    return _STANDARD.inv_cdf(min(max(chance, _SMALLEST), 1 - _SMALLEST))


def _chance(first: float | None, last: float | None) -> float:
    """Return how much of the standard normal distribution lies between two z."""
    if first is not None and first > 0:
        return _chance(None if last is None else -last, -first)
    return (1.0 if last is None else _below(last)) - (0.0 if first is None else _below(first))


def _below(z: float) -> float:
    return math.erfc(-z / math.sqrt(2)) / 2


def _nothing_between(one: Normal) -> Problem:
    kind = "lognormal" if one.log else "normal"
    rule = (
        f"the bounds {[one.low, one.high]} leave almost nothing of a {kind} distribution with mean "
        f"{one.mean:g} and standard deviation {one.std:g}"
    )
    hint = "mean and std are of the natural logarithm" if one.log else "move or widen them"
    return Problem((kind,), [one.mean, one.std], rule, hint=hint)
