"""What must hold for a normal or log-normal parameter."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from sweeps.search_spaces.parameter_rules import is_number, points_problems
from sweeps.search_spaces.problems import Problem, number_hint

__all__ = ["normal_problems"]

# exp of more is no float, and of less is 0.
_LARGEST_LOG = 700.0
# Draws reach no further from the mean: a uniform number has 53 bits.
_MOST_DEVIATIONS = 9


class NormalNumbers(Protocol):
    """What the rules need to know of a normal parameter."""

    @property
    def mean(self) -> float: ...

    @property
    def std(self) -> float: ...

    @property
    def low(self) -> float | None: ...

    @property
    def high(self) -> float | None: ...

    @property
    def log(self) -> bool: ...

    @property
    def points(self) -> int | None: ...


def normal_problems(one: NormalNumbers) -> list[Problem]:
    """Return what is wrong with a normal parameter; types before values."""
    found = list(_type_problems(one))
    if found:
        return found
    found = [*_shape_problems(one), *_bound_problems(one)]
    return found if one.points is None else [*found, *points_problems(one.points)]


def _type_problems(one: NormalNumbers) -> Iterator[Problem]:
    kind = _kind(one)
    named = {(kind, 0): one.mean, (kind, 1): one.std, ("low",): one.low, ("high",): one.high}
    for path, value in named.items():
        is_absent = value is None and len(path) == 1
        if not is_absent and not is_number(value, "float"):
            rule = f"must be a finite number, got {value!r}"
            yield Problem(path, value, rule, hint=number_hint(value))
    if one.points is not None and not is_number(one.points, "int"):
        yield Problem(("points",), one.points, f"must be a whole number, got {one.points!r}")


def _shape_problems(one: NormalNumbers) -> Iterator[Problem]:
    kind = _kind(one)
    if one.std <= 0:
        yield Problem((kind, 1), one.std, f"the standard deviation must be above 0, got {one.std}")
        return
    furthest = abs(one.mean) + _MOST_DEVIATIONS * one.std
    if one.log and furthest > _LARGEST_LOG:
        given = [one.mean, one.std]
        rule = f"is too wide to compute with: {given} are of the natural logarithm of the numbers"
        yield Problem((kind,), given, rule)
    elif furthest > 1e300:
        yield Problem((kind,), [one.mean, one.std], "is too wide to compute with")


def _bound_problems(one: NormalNumbers) -> Iterator[Problem]:
    for name, bound in (("low", one.low), ("high", one.high)):
        if one.log and bound is not None and bound <= 0:
            rule = f"a lognormal number is always above 0, got a bound of {bound}"
            hint = "bounds are of the numbers, not of their logarithms; raise it or remove it"
            yield Problem((name,), bound, rule, hint=hint)
    if one.low is not None and one.high is not None and one.low >= one.high:
        rule = f"low must be below high = {one.high}, got {one.low}"
        yield Problem(("low",), one.low, rule, hint="swap them" if one.low > one.high else "")


def _kind(one: NormalNumbers) -> str:
    return "lognormal" if one.log else "normal"
