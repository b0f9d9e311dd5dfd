"""The three kinds of parameter: float, int and choice; frozen, checked, with closed bounds.

Bounds are real values, never exponents, and both belong to the range. A value follows from one
uniform number, so that random and Sobol draws share one code path.
"""

from __future__ import annotations

import bisect
import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from search_spaces.problems import Problem, SpaceError, did_you_mean

__all__ = [
    "Choice",
    "FloatRange",
    "IntRange",
    "Parameter",
    "looks_like_parameter",
    "parameter_from",
]

_KINDS = ("float", "int", "choice")
# Digits kept of a drawn float: exp and log differ in their last bits between machines.
_DIGITS = 8
_STEP_TOLERANCE = 1e-9


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
        _check_range(self)

    def at(self, u: float) -> float:
        """Return the value at `u` in [0, 1) of the distribution."""
        if self.step is not None:
            return self._stepped(_bucket(u, self._steps + 1))
        if self.log:
            value = math.exp(_between(math.log(self.low), math.log(self.high), u))
        else:
            value = _between(self.low, self.high, u)
        return min(max(_rounded(value), self.low), self.high)

    def grid(self) -> tuple[float, ...]:
        """Return the values of a grid, ascending; empty for a continuous range without points."""
        if self.step is not None:
            return tuple(self._stepped(number) for number in range(self._steps + 1))
        return () if self.points is None else _spaced(self.low, self.high, self.points, self.log)

    def ends(self) -> tuple[float, float]:
        """Return both bounds."""
        return self.low, self.high

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
        assert self.step is not None
        return self.high if number == self._steps else _rounded(self.low + number * self.step, 12)


@dataclass(frozen=True)
class IntRange:
    """Whole numbers from `low` to `high`, both included; attributes as in FloatRange.

    With `log`, and no step, a number's chance is that of its neighbourhood of half a unit to both
    sides, cut at the bounds' own neighbourhoods.
    """

    low: int
    high: int
    log: bool = False
    step: int | None = None
    points: int | None = None

    def __post_init__(self) -> None:
        _check_range(self)

    def at(self, u: float) -> int:
        """Return the value at `u` in [0, 1) of the distribution."""
        if not self.log:
            return self.low + _bucket(u, self._count) * (self.step or 1)
        low, high = math.log(self.low - 0.5), math.log(self.high + 0.5)
        value = round(math.exp(_between(low, high, u)))
        return min(max(value, self.low), self.high)

    def grid(self) -> tuple[int, ...]:
        """Return the values of a grid, ascending: `points` of them, or all."""
        if self.points is None:
            return tuple(range(self.low, self.high + 1, self.step or 1))
        spaced = _spaced(self.low, self.high, self.points, self.log)
        return tuple(dict.fromkeys(round(value) for value in spaced))

    def ends(self) -> tuple[int, int]:
        """Return both bounds."""
        return self.low, self.high

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
        problems = _choice_problems(self)
        if problems:
            raise SpaceError(problems)

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


Parameter = FloatRange | IntRange | Choice
_CLASSES: dict[str, type[FloatRange] | type[IntRange]] = {"float": FloatRange, "int": IntRange}


def looks_like_parameter(value: object) -> bool:
    """Return whether a value is meant as a parameter: a mapping with a kind, or one misspelt."""
    if not isinstance(value, Mapping):
        return False
    if any(kind in value for kind in _KINDS):
        return True
    return len(value) == 1 and _misspelt_kind(value) != ""


def parameter_from(value: Mapping[str, Any]) -> Parameter:
    """Return the parameter that a file's mapping describes.

    Raises:
        SpaceError: All that is wrong with it, with paths inside the mapping.
    """
    kinds = [kind for kind in _KINDS if kind in value]
    if not kinds:
        key = next(iter(value))
        rule = f"unknown key {key!r}"
        raise SpaceError([Problem((key,), value[key], rule, _KINDS, _misspelt_kind(value))])
    kind = kinds[0]
    allowed = ("choice", "weights") if kind == "choice" else (kind, "log", "step", "points")
    unknown = [
        Problem((key,), value[key], f"unknown key {key!r}", allowed, did_you_mean(key, allowed))
        for key in value
        if key not in allowed
    ]
    if unknown:
        raise SpaceError(unknown)
    return _choice_from(value) if kind == "choice" else _range_from(kind, value)


def _choice_from(value: Mapping[str, Any]) -> Choice:
    options, weights = value["choice"], value.get("weights")
    for key, found in (("choice", options), ("weights", weights)):
        if found is not None and not isinstance(found, list):
            raise SpaceError([Problem((key,), found, f"must be a list, got {found!r}")])
    return Choice(tuple(options), None if weights is None else tuple(weights))


def _range_from(kind: str, value: Mapping[str, Any]) -> FloatRange | IntRange:
    bounds = value[kind]
    if not isinstance(bounds, list) or len(bounds) != 2:
        rule = f"must be two bounds, [low, high], got {bounds!r}"
        raise SpaceError([Problem((kind,), bounds, rule)])
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


def _check_range(range_: FloatRange | IntRange) -> None:
    kind = "int" if isinstance(range_, IntRange) else "float"
    problems = _type_problems(range_, kind) or _value_problems(range_, kind)
    if problems:
        raise SpaceError(problems)


def _type_problems(range_: FloatRange | IntRange, kind: str) -> list[Problem]:
    wanted = "a whole number" if kind == "int" else "a finite number"
    found = []
    for position, bound in enumerate((range_.low, range_.high)):
        if not _is_number(bound, kind):
            found.append(Problem((kind, position), bound, f"must be {wanted}, got {bound!r}"))
    if range_.step is not None and not _is_number(range_.step, kind):
        found.append(Problem(("step",), range_.step, f"must be {wanted}, got {range_.step!r}"))
    if range_.points is not None and not _is_number(range_.points, "int"):
        rule = f"must be a whole number, got {range_.points!r}"
        found.append(Problem(("points",), range_.points, rule))
    if not isinstance(range_.log, bool):
        found.append(Problem(("log",), range_.log, f"must be true or false, got {range_.log!r}"))
    return found


def _value_problems(range_: FloatRange | IntRange, kind: str) -> list[Problem]:
    low, high, step = range_.low, range_.high, range_.step
    bounds, found = [low, high], []
    if low >= high:
        hint = "swap them" if low > high else "write the value itself instead of a range"
        rule = f"the low bound must be below the high one, got {bounds}"
        found.append(Problem((kind,), bounds, rule, hint=hint))
    if range_.log and low <= 0:
        rule = f"a log range must lie above 0, got {bounds}"
        found.append(Problem((kind, 0), low, rule, hint="raise the low bound or leave out log"))
    if range_.log and step is not None:
        found.append(Problem(("step",), step, "a log range has no step", hint="use points"))
    if step is not None and step <= 0:
        found.append(Problem(("step",), step, f"must be above 0, got {step!r}"))
    elif step is not None and low < high and not _reaches(low, high, step):
        last = low + math.floor((high - low) / step + _STEP_TOLERANCE) * step
        rule = f"steps of {step!r} from {low!r} must reach {high!r}; the last one is {last:.12g}"
        found.append(Problem(("step",), step, rule, hint=f"make the high bound {last:.12g}"))
    if range_.points is not None and step is not None:
        found.append(Problem(("points",), range_.points, "a range has step or points, not both"))
    elif range_.points is not None and range_.points < 2:
        rule = f"must be at least 2, for both bounds, got {range_.points}"
        found.append(Problem(("points",), range_.points, rule))
    return found


def _choice_problems(choice: Choice) -> list[Problem]:
    options, weights = choice.options, choice.weights
    if not options:
        return [Problem(("choice",), [], "a choice needs at least one option")]
    found = [
        Problem(("choice", position), option, f"{option!r} stands twice in this choice")
        for position, option in enumerate(options)
        if any(_same(option, before) for before in options[:position])
    ]
    if weights is None:
        return found
    if len(weights) != len(options):
        rule = f"{len(options)} options need as many weights, got {len(weights)}"
        return [*found, Problem(("weights",), list(weights), rule)]
    for position, weight in enumerate(weights):
        if not _is_number(weight, "float") or weight <= 0:
            rule = f"must be a number above 0, got {weight!r}"
            found.append(Problem(("weights", position), weight, rule))
    return found


def _same(first: object, second: object) -> bool:
    return type(first) is type(second) and first == second


def _is_number(value: object, kind: str) -> bool:
    if isinstance(value, bool):
        return False
    return isinstance(value, int) or (
        kind == "float" and isinstance(value, float) and math.isfinite(value)
    )


def _reaches(low: float, high: float, step: float) -> bool:
    steps = (high - low) / step
    return abs(steps - round(steps)) < _STEP_TOLERANCE * max(1.0, steps)


def _misspelt_kind(value: Mapping[str, Any]) -> str:
    """Return a did-you-mean where the first key is nearly a kind and holds a list."""
    key = next(iter(value), None)
    if not isinstance(key, str) or not isinstance(value[key], list):
        return ""
    return did_you_mean(key, _KINDS)


def _bucket(u: float, count: int) -> int:
    return min(int(u * count), count - 1)


def _between(low: float, high: float, u: float) -> float:
    return low + (high - low) * u


def _rounded(value: float, digits: int = _DIGITS) -> float:
    return float(f"{value:.{digits}g}")


def _spaced(low: float, high: float, points: int, log: bool) -> tuple[float, ...]:
    """Return `points` values, evenly spaced (in the logarithm, with `log`), both ends exact."""
    inner = []
    for number in range(1, points - 1):
        u = number / (points - 1)
        value = math.exp(_between(math.log(low), math.log(high), u)) if log else (
            _between(low, high, u)
        )  # fmt: skip
        inner.append(_rounded(value))
    return (low, *inner, high)
