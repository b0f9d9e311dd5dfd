"""The kinds of parameter: float, int, choice, normal, lognormal; frozen, checked, closed bounds.

Bounds are real values, never exponents, and both belong to the range. A value follows from one
uniform number, so that random and Sobol draws share one code path.
"""

from __future__ import annotations

import bisect
import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from decimal import Decimal
from fractions import Fraction
from typing import Any

from sweeps.search_spaces.normal import NORMAL_KINDS, NORMAL_OPTIONS, Normal, normal_from
from sweeps.search_spaces.parameter_rules import choice_problems, range_problems
from sweeps.search_spaces.problems import Problem, SpaceError, did_you_mean
from sweeps.search_spaces.rounding import rounded

__all__ = [
    "Choice",
    "FloatRange",
    "IntRange",
    "Normal",
    "Parameter",
    "looks_like_parameter",
    "parameter_from",
]

_KINDS = ("float", "int", "choice", *NORMAL_KINDS)
_RANGE_OPTIONS = ("log", "step", "points")
_OPTIONS: dict[str, tuple[str, ...]] = {
    "choice": ("weights",),
    **dict.fromkeys(("float", "int"), _RANGE_OPTIONS),
    **dict.fromkeys(NORMAL_KINDS, NORMAL_OPTIONS),
}


@dataclass(frozen=True)
class FloatRange:
    """Real numbers from `low` to `high`, both included.

    Attributes:
        low: Smallest value.
        high: Largest value, above `low`.
        log: Draw evenly in the logarithm; `low` is then above 0.
        step: Only low, low + step, ..., high, which it must reach; not with `log`.
        points: How many values a grid takes, both bounds included; not with `step`.
    """

    low: float
    high: float
    log: bool = False
    step: float | None = None
    points: int | None = None

    def __post_init__(self) -> None:
        _check(range_problems(self, "float"))
        for name in ("low", "high", "step"):
            value = getattr(self, name)
            object.__setattr__(self, name, None if value is None else float(value))

    def at(self, u: float) -> float:
        """Return the value at `u` in [0, 1) of the distribution."""
        if self.step is not None:
            return self._stepped(_bucket(u, self._steps + 1))
        if self.log:
            value = math.exp(_between(math.log(self.low), math.log(self.high), u))
        else:
            value = _between(self.low, self.high, u)
        return _rounded(value, self.low, self.high)

    def nearest(self, value: float) -> float:
        """Return the value of this range that lies nearest to a number, with the digits of `at`."""
        if self.step is not None:
            number = round((value - self.low) / self.step)
            return self._stepped(min(max(number, 0), self._steps))
        return _rounded(value, self.low, self.high)

    def grid(self) -> tuple[float, ...]:
        """Return the values of a grid, ascending; empty for a continuous range without points."""
        if self.step is not None:
            return tuple(self._stepped(number) for number in range(self._steps + 1))
        if self.points is None:
            return ()
        inner = _spaced_between(self.low, self.high, self.points, self.log)
        return (self.low, *(_rounded(value, self.low, self.high) for value in inner), self.high)

    def grid_size(self) -> int:
        """Return the number of values of a grid; 0 for a continuous range without points."""
        return self._steps + 1 if self.step is not None else self.points or 0

    def ends(self) -> tuple[float, float]:
        """Return both bounds."""
        return self.low, self.high

    def contains(self, value: object) -> bool:
        """Return whether `value` can have been drawn here, or stand in the grid."""
        if type(value) is not float or not self.low <= value <= self.high:
            return False
        if self.step is None:
            return True
        return value == self._stepped(min(round((value - self.low) / self.step), self._steps))

    def cardinality(self) -> int | None:
        """Return the number of different values, or None for a continuous range."""
        return None if self.step is None else self._steps + 1

    def to_value(self) -> dict[str, Any]:
        """Return the form that it has in a file."""
        return _range_value("float", self)

    @property
    def _steps(self) -> int:
        assert self.step is not None
        return round((self.high - self.low) / self.step)

    def _stepped(self, number: int) -> float:
        # In decimals, as the bounds were written: -0.3 + 3 * 0.1 is 0, and 3 * 0.1 is 0.3.
        if number == self._steps:
            return self.high
        return float(Decimal(repr(self.low)) + number * Decimal(repr(self.step)))


@dataclass(frozen=True)
class IntRange:
    """Whole numbers from `low` to `high`, both included; attributes as in FloatRange.

    With `log`, a number's chance is that of its neighbourhood of half a step (or unit) to both
    sides, that of `low` reaching no further down than to its half.
    """

    low: int
    high: int
    log: bool = False
    step: int | None = None
    points: int | None = None

    def __post_init__(self) -> None:
        _check(range_problems(self, "int"))

    def at(self, u: float) -> int:
        """Return the value at `u` in [0, 1) of the distribution."""
        step = self.step or 1
        if not self.log:
            return self.low + _bucket(u, self._count) * step
        first, last = max(self.low - step / 2, self.low / 2), self.high + step / 2
        return self.nearest(math.exp(_between(math.log(first), math.log(last), u)))

    def nearest(self, value: float) -> int:
        """Return the value of this range that lies nearest to a number."""
        step = self.step or 1
        found = self.low + round((value - self.low) / step) * step
        return min(max(found, self.low), self.high)

    def grid(self) -> tuple[int, ...]:
        """Return the values of a grid, ascending: `points` of them, or all."""
        if self.points is None:
            return tuple(range(self.low, self.high + 1, self.step or 1))
        inner = _spaced_between(self.low, self.high, self.points, self.log)
        return tuple(dict.fromkeys((self.low, *map(round, inner), self.high)))

    def grid_size(self) -> int:
        """Return the number of values of a grid."""
        return self._count if self.points is None else len(self.grid())

    def ends(self) -> tuple[int, int]:
        """Return both bounds."""
        return self.low, self.high

    def contains(self, value: object) -> bool:
        """Return whether `value` can have been drawn here, or stand in the grid."""
        if type(value) is not int or not self.low <= value <= self.high:
            return False
        return (value - self.low) % (self.step or 1) == 0

    def cardinality(self) -> int:
        """Return the number of different values."""
        return self._count

    def to_value(self) -> dict[str, Any]:
        """Return the form that it has in a file."""
        return _range_value("int", self)

    @property
    def _count(self) -> int:
        return (self.high - self.low) // (self.step or 1) + 1


@dataclass(frozen=True)
class Choice:
    """One of `options`: values, or whole sections that may hold parameters themselves.

    Attributes:
        options: At least one, all different.
        weights: Relative chances, one an option, each above 0; None makes all equal.
    """

    options: tuple[Any, ...]
    weights: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        _check(choice_problems(self))

    def __hash__(self) -> int:
        return hash((len(self.options), self.weights))

    def index_at(self, u: float) -> int:
        """Return the position of the option at `u` in [0, 1)."""
        if self.weights is None:
            return _bucket(u, len(self.options))
        cumulative = list(itertools.accumulate(self.weights))
        position = bisect.bisect_right(cumulative, u * cumulative[-1])
        return min(position, len(self.options) - 1)

    def at(self, u: float) -> Any:
        """Return the option at `u` in [0, 1), as it is written."""
        return self.options[self.index_at(u)]

    def grid(self) -> tuple[Any, ...]:
        """Return all options."""
        return self.options

    def ends(self) -> tuple[Any, ...]:
        """Return all options."""
        return self.options

    def cardinality(self) -> int:
        """Return the number of options; what is inside them is the space's to count."""
        return len(self.options)

    def to_value(self) -> dict[str, Any]:
        """Return the form that it has in a file."""
        value: dict[str, Any] = {"choice": list(self.options)}
        return value if self.weights is None else value | {"weights": list(self.weights)}


Parameter = FloatRange | IntRange | Choice | Normal
_CLASSES: dict[str, type[FloatRange] | type[IntRange]] = {"float": FloatRange, "int": IntRange}


def looks_like_parameter(value: object) -> bool:
    """Return whether a value is meant as a parameter: a mapping with a kind, or one misspelt."""
    if not isinstance(value, Mapping):
        return False
    return _kind_of(value) is not None or _misspelt_kind(value) is not None


def parameter_from(value: Mapping[str, Any]) -> Parameter:
    """Return the parameter that a file's mapping describes.

    Raises:
        SpaceError: All that is wrong with it, with paths inside the mapping.
    """
    kind = _kind_of(value)
    if kind is None:
        raise SpaceError([_no_kind(value)])
    _check([_unknown(key, kind, value) for key in value if key not in (kind, *_OPTIONS[kind])])
    if kind == "choice":
        return _choice_from(value)
    return normal_from(kind, value) if kind in NORMAL_KINDS else _range_from(kind, value)


def _kind_of(value: Mapping[str, Any]) -> str | None:
    """Return the first kind among the keys; `normal: 3` is an option of a net's own."""
    kinds = (kind for kind in _KINDS if kind in value)
    return next((k for k in kinds if k not in NORMAL_KINDS or isinstance(value[k], list)), None)


def _unknown(key: str, kind: str, value: Mapping[str, Any]) -> Problem:
    allowed = (kind, *_OPTIONS[kind])
    hint = did_you_mean(key, allowed)
    if kind == "normal" and key == "log":
        hint = "write `lognormal: [mean, std]`, of the natural logarithm"
    return Problem((key,), value[key], f"unknown key {key!r}", allowed, hint, kind="unknown_key")


def _no_kind(value: Mapping[str, Any]) -> Problem:
    key = _misspelt_kind(value)
    if key is None:
        return Problem((), dict(value), "a parameter must have a kind", _KINDS)
    hint = did_you_mean(key, _KINDS)
    return Problem((key,), value[key], f"unknown key {key!r}", _KINDS, hint, kind="unknown_key")


def _choice_from(value: Mapping[str, Any]) -> Choice:
    options, weights = value["choice"], value.get("weights")
    wrong = [
        Problem((key,), found, f"must be a list, got {found!r}")
        for key, found in (("choice", options), ("weights", weights))
        if not isinstance(found, list) and not (key == "weights" and found is None)
    ]
    _check(wrong)
    return Choice(tuple(options), None if weights is None else tuple(weights))


_BOUNDS_HINTS = {1: "a fixed value needs no range", 3: "a step is a key of its own: `step: ...`"}


def _range_from(kind: str, value: Mapping[str, Any]) -> FloatRange | IntRange:
    bounds = value[kind]
    if not isinstance(bounds, list) or len(bounds) != 2:
        rule = f"must be [low, high], got {bounds!r}"
        hint = _BOUNDS_HINTS.get(len(bounds), "") if isinstance(bounds, list) else ""
        raise SpaceError([Problem((kind,), bounds, rule, hint=hint)])
    return _CLASSES[kind](
        bounds[0],
        bounds[1],
        log=value.get("log", False),
        step=value.get("step"),
        points=value.get("points"),
    )


def _range_value(kind: str, range_: FloatRange | IntRange) -> dict[str, Any]:
    options = {
        field.name: getattr(range_, field.name)
        for field in fields(range_)
        if field.name not in ("low", "high") and getattr(range_, field.name) not in (None, False)
    }
    return {kind: [range_.low, range_.high], **options}


def _check(problems: list[Problem]) -> None:
    if problems:
        raise SpaceError(problems)


def _misspelt_kind(value: Mapping[str, Any]) -> str | None:
    """Return the only key beside a parameter's options, where it is nearly a kind with a list."""
    others = [key for key in value if key not in (*_RANGE_OPTIONS, "weights")]
    if len(others) != 1 or not isinstance(value[others[0]], list):
        return None
    return others[0] if _is_nearly_a_kind(others[0]) else None


def _is_nearly_a_kind(word: str) -> bool:
    # By likeness alone, `init`, `point` and `hint`, names of real options, would be `int` too.
    if sorted(word.lower()) == sorted("int") or word.lower() in ("ints", "integer"):
        return True
    return bool(did_you_mean(word, ("float", "choice")))


def _bucket(u: float, count: int) -> int:
    return min(int(u * count), count - 1)


def _between(low: float, high: float, u: float) -> float:
    return low + (high - low) * u


def _rounded(value: float, low: float, high: float) -> float:
    """Return `value` with the digits that its range needs, within the bounds."""
    return min(max(rounded(value, max(abs(low), abs(high)), high - low), low), high)


def _spaced_between(low: float, high: float, points: int, log: bool) -> list[float]:
    """Return the inner ones of `points` evenly spaced values (in the logarithm, with `log`)."""
    shares = [Fraction(number, points - 1) for number in range(1, points - 1)]
    if log:
        first, last = math.log(low), math.log(high)
        return [math.exp(_between(first, last, float(share))) for share in shares]
    # Exact, from the bounds as they were written: from -0.1 to 0.5 lies 0, not -1.4e-17.
    first_exact, last_exact = Fraction(repr(low)), Fraction(repr(high))
    return [float(first_exact + (last_exact - first_exact) * share) for share in shares]
