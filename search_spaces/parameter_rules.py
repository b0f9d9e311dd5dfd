"""What must hold for a parameter: the rules that ranges and choices are checked against.

Every rule that a parameter breaks is reported, with its path inside the parameter's mapping.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any, Protocol

from sweeps.search_spaces.problems import Problem, number_hint

__all__ = ["choice_problems", "is_number", "points_problems", "range_problems"]

# Above it, a float no longer tells neighbouring whole numbers apart.
_LARGEST_INT = 2**53
# A grid of one parameter; a mistyped zero must not fill the memory.
_MOST_POINTS = 10_000
# Above it, the rounding of (high - low) / step could come near to half a step.
_MOST_STEPS = 10**9
# How far from a whole number of steps a range may end.
_STEP_TOLERANCE = 1e-6


class Range(Protocol):
    """What the rules need to know of a range of numbers."""

    @property
    def low(self) -> float: ...

    @property
    def high(self) -> float: ...

    @property
    def log(self) -> bool: ...

    @property
    def step(self) -> float | None: ...

    @property
    def points(self) -> int | None: ...


class Options(Protocol):
    """What the rules need to know of a choice."""

    @property
    def options(self) -> tuple[Any, ...]: ...

    @property
    def weights(self) -> tuple[float, ...] | None: ...


def range_problems(range_: Range, kind: str) -> list[Problem]:
    """Return what is wrong with a range of `kind` "float" or "int"; types before values."""
    found = _type_problems(range_, kind)
    if found:
        return found
    found = _bounds_problems(range_, kind)
    if range_.step is not None:
        found += _step_problems(range_, range_.step, kind)
    if range_.points is not None:
        is_stepped = range_.step is not None
        rule = "give either step or points, not both"
        found += [Problem(("points",), range_.points, rule)] if is_stepped else []
        found += [] if is_stepped else points_problems(range_.points)
    return found


def choice_problems(choice: Options) -> list[Problem]:
    """Return what is wrong with a choice."""
    options = choice.options
    if not options:
        return [Problem(("choice",), [], "a choice needs at least one option")]
    found = [
        Problem(("choice", position), option, f"{option!r} is listed twice in this choice")
        for position, option in enumerate(options)
        if any(_same(option, before) for before in options[:position])
    ]
    return found if choice.weights is None else found + _weights_problems(choice, choice.weights)


def _type_problems(range_: Range, kind: str) -> list[Problem]:
    wanted = "a whole number" if kind == "int" else "a finite number"
    found = []
    for position, bound in enumerate((range_.low, range_.high)):
        if not is_number(bound, kind):
            rule = f"must be {wanted}, got {bound!r}"
            found.append(Problem((kind, position), bound, rule, hint=number_hint(bound)))
    if range_.step is not None and not is_number(range_.step, kind):
        found.append(Problem(("step",), range_.step, f"must be {wanted}, got {range_.step!r}"))
    if range_.points is not None and not is_number(range_.points, "int"):
        rule = f"must be a whole number, got {range_.points!r}"
        found.append(Problem(("points",), range_.points, rule))
    if not isinstance(range_.log, bool):
        found.append(Problem(("log",), range_.log, f"must be true or false, got {range_.log!r}"))
    return found


def _bounds_problems(range_: Range, kind: str) -> list[Problem]:
    low, high = range_.low, range_.high
    bounds, found = [low, high], []
    if low >= high:
        hint = "swap them" if low > high else "write the value itself instead of a range"
        rule = f"the low bound must be below the high one, got {bounds}"
        found.append(Problem((kind,), bounds, rule, hint=hint))
    if kind == "int" and max(abs(low), abs(high)) > _LARGEST_INT:
        rule = f"whole numbers must be within {_LARGEST_INT:,} of 0, got {bounds}"
        found.append(Problem((kind,), bounds, rule))
    elif not math.isfinite(float(high) - float(low)):
        found.append(Problem((kind,), bounds, f"is too wide to compute with: {bounds}"))
    if range_.log and low <= 0:
        rule = f"a log range must lie above 0, got {bounds}"
        found.append(Problem((kind, 0), low, rule, hint="raise the low bound or remove log"))
    return found


def _step_problems(range_: Range, step: float, kind: str) -> list[Problem]:
    low, high = range_.low, range_.high
    found = []
    if range_.log and kind == "float":
        rule = "a log range of float cannot have a step"
        found.append(Problem(("step",), step, rule, hint="use points, or int"))
    if step <= 0:
        return [*found, Problem(("step",), step, f"must be above 0, got {step!r}")]
    if low >= high:
        return found
    if step > (high - low) * (1 + _STEP_TOLERANCE):
        rule = f"must be at most high - low = {high - low:.12g}, got {step!r}"
        return [*found, Problem(("step",), step, rule)]
    if kind == "float" and (high - low) / step > _MOST_STEPS:
        rule = f"makes more than {_MOST_STEPS:,} values, got {step!r}"
        return [*found, Problem(("step",), step, rule, hint="remove step")]
    last = _last_step(low, high, step, kind)
    if last is not None:
        rule = f"steps of {step!r} from {low!r} must reach {high!r}; the last one is {last}"
        found.append(Problem(("step",), step, rule, hint=f"make the high bound {last}"))
    return found


def _last_step(low: float, high: float, step: float, kind: str) -> str | None:
    """Return the last value below `high` that steps reach, or None where they reach `high`."""
    if kind == "int":
        beyond = (high - low) % step
        return str(high - beyond) if beyond else None
    # Exact, from the numbers as they were written; the tolerance is for a step such as 1 / 3.
    first, width = Fraction(repr(low)), Fraction(repr(step))
    steps = (Fraction(repr(high)) - first) / width
    if abs(steps - round(steps)) < _STEP_TOLERANCE:
        return None
    return f"{float(first + math.floor(steps) * width):.15g}"


def points_problems(points: int) -> list[Problem]:
    """Return what is wrong with the number of values that a grid takes of a parameter."""
    if points < 2:
        return [Problem(("points",), points, f"must be at least 2, for both bounds, got {points}")]
    if points > _MOST_POINTS:
        return [Problem(("points",), points, f"must be at most {_MOST_POINTS:,}, got {points}")]
    return []


def _weights_problems(choice: Options, weights: tuple[float, ...]) -> list[Problem]:
    if len(weights) != len(choice.options):
        rule = (
            f"{len(choice.options)} options need {len(choice.options)} weights, got {len(weights)}"
        )
        return [Problem(("weights",), list(weights), rule)]
    found = [
        Problem(("weights", position), weight, f"must be a number above 0, got {weight!r}")
        for position, weight in enumerate(weights)
        if not is_number(weight, "float") or weight <= 0
    ]
    if not found and not math.isfinite(sum(map(float, weights))):
        found = [
            Problem(
                ("weights",),
                list(weights),
                "the sum of the weights is larger than a float can hold",
            )
        ]
    return found


def _same(first: object, second: object) -> bool:
    return type(first) is type(second) and first == second


def is_number(value: object, kind: str) -> bool:
    """Return whether a value is a finite number, for `kind` "int" a whole one."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    if kind == "int":
        return isinstance(value, int)
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number beyond the largest float
        return False
