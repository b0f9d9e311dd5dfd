"""Parameters: checked at construction, equal by value, exact values, written back as read."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweeps.search_spaces.parameters import (
    Choice,
    FloatRange,
    IntRange,
    Normal,
    looks_like_parameter,
    parameter_from,
)
from sweeps.search_spaces.problems import Problem, SpaceError
from tests.search_spaces.spaces_to_draw import QUICK

ALMOST_ONE = 1.0 - 2**-53
uniforms = st.floats(0.0, 1.0, exclude_max=True)
wide_bounds = st.tuples(*2 * [st.floats(-1e300, 1e300)]).filter(lambda both: both[0] < both[1])
int_bounds = st.tuples(*2 * [st.integers(-(2**53), 2**53)]).filter(lambda both: both[0] < both[1])


def _problems(value: dict[str, Any]) -> list[Problem]:
    with pytest.raises(SpaceError) as caught:
        parameter_from(value)
    return caught.value.problems


@pytest.mark.parametrize(("value", "path", "rule"), [
    ({"float": [1, 0]}, ("float",), "the low bound must be below the high one, got [1, 0]"),
    ({"int": [3, 3]}, ("int",), "the low bound must be below the high one, got [3, 3]"),
    ({"float": [0.0, 1.0], "log": True}, ("float", 0), "a log range must lie above 0"),
    ({"int": [0, 8], "log": True}, ("int", 0), "a log range must lie above 0, got [0, 8]"),
    ({"float": [0, "x"]}, ("float", 1), "must be a finite number, got 'x'"),
    ({"float": [0, float("inf")]}, ("float", 1), "must be a finite number, got inf"),
    ({"float": [float("nan"), 1]}, ("float", 0), "must be a finite number, got nan"),
    ({"float": [0, 10**400]}, ("float", 1), "must be a finite number, got 1000"),
    ({"float": [-1.7e308, 1.7e308]}, ("float",), "is too wide to compute with: [-1.7e+308"),
    ({"float": [False, 1]}, ("float", 0), "must be a finite number, got False"),
    ({"int": [1, 2.0]}, ("int", 1), "must be a whole number, got 2.0"),
    ({"int": [0, 2**53 + 1]}, ("int",), "whole numbers must be within 9,007,199,254,740,992 of 0"),
    ({"float": [0, 1, 2]}, ("float",), "must be [low, high], got [0, 1, 2]"),
    ({"int": None}, ("int",), "must be [low, high], got None"),
    ({"int": [1, 9], "step": 3}, ("step",), "steps of 3 from 1 must reach 9; the last one is 7"),
    ({"int": [0, 10**10], "step": 3}, ("step",), "the last one is 9999999999"),
    ({"float": [0, 1], "step": 0.3}, ("step",), "steps of 0.3 from 0 must reach 1; the last"),
    ({"float": [0, 1e9], "step": 0.6}, ("step",), "makes more than 1,000,000,000 values"),
    ({"float": [0, 1e300], "step": 1e-300}, ("step",), "makes more than 1,000,000,000 values"),
    ({"float": [0, 1e8], "step": 0.3}, ("step",), "must reach 100000000.0; the last one is"),
    ({"int": [0, 1], "step": 2}, ("step",), "must be at most high - low = 1, got 2"),
    ({"int": [0, 4], "step": 0}, ("step",), "must be above 0, got 0"),
    ({"float": [1, 5], "step": 2, "log": True}, ("step",), "a log range of float cannot have a"),
    ({"int": [1, 6], "step": 2, "log": True}, ("step",), "steps of 2 from 1 must reach 6; the"),
    ({"normal": [0]}, ("normal",), "must be [mean, std] of the numbers, got [0]"),
    ({"lognormal": []}, ("lognormal",), "must be [mean, std] of the natural logarithm, got []"),
    ({"normal": [0, 0]}, ("normal", 1), "the standard deviation must be above 0, got 0"),
    ({"normal": ["x", 1]}, ("normal", 0), "must be a finite number, got 'x'"),
    ({"normal": [None, 1]}, ("normal", 0), "must be a finite number, got None"),
    ({"normal": [0, 1], "low": "a"}, ("low",), "must be a finite number, got 'a'"),
    ({"normal": [0, 1], "low": 2, "high": 1}, ("low",), "low must be below high = 1, got 2"),
    ({"normal": [0, 1], "low": 9, "high": 10}, ("normal",), "leave almost nothing of a normal"),
    ({"normal": [0, 1], "low": 9}, ("normal",), "the bounds [9.0, None] leave almost nothing"),
    ({"lognormal": [0, 1], "low": 0}, ("low",), "a lognormal number is always above 0, got"),
    ({"lognormal": [0.001, 100]}, ("lognormal",), "is too wide to compute with: [0.001, 100]"),
    ({"normal": [0, 1e300]}, ("normal",), "is too wide to compute with"),
    ({"normal": [0, 1], "points": 1}, ("points",), "must be at least 2, for both bounds, got 1"),
    ({"normal": [0, 1], "points": "a"}, ("points",), "must be a whole number, got 'a'"),
    ({"normal": [0, 1], "log": True}, ("log",), "unknown key 'log'"),
    ({"normal": [0, 1], "step": 1}, ("step",), "unknown key 'step'"),
    ({"int": [1, 5], "step": 2, "points": 2}, ("points",), "give either step or points, not"),
    ({"float": [0, 1], "points": 1}, ("points",), "must be at least 2, for both bounds, got 1"),
    ({"float": [0, 1], "points": 10**9}, ("points",), "must be at most 10,000, got 1000000000"),
    ({"float": [0, 1], "points": 2.5}, ("points",), "must be a whole number, got 2.5"),
    ({"float": [0, 1], "log": "yes"}, ("log",), "must be true or false, got 'yes'"),
    ({"choice": []}, ("choice",), "a choice needs at least one option"),
    ({"choice": None}, ("choice",), "must be a list, got None"),
    ({"choice": "abc"}, ("choice",), "must be a list, got 'abc'"),
    ({"choice": [1, 2, 1]}, ("choice", 2), "1 is listed twice in this choice"),
    ({"choice": [1, 2], "weights": 3}, ("weights",), "must be a list, got 3"),
    ({"choice": [1, 2], "weights": [1]}, ("weights",), "2 options need 2 weights, got 1"),
    ({"choice": [1, 2], "weights": [1, 0]}, ("weights", 1), "must be a number above 0, got 0"),
    ({"choice": [1, 2], "weights": [1e308, 1e308]}, ("weights",), "the sum of the weights"),
    ({"int": [1, 2], "steps": 1}, ("steps",), "unknown key 'steps'"),
    ({"float": [0, 1], "int": [0, 1]}, ("int",), "unknown key 'int'"),
    ({"flaot": [0, 1], "log": True}, ("flaot",), "unknown key 'flaot'"),
    ({"kind": "mlp"}, (), "a parameter must have a kind"),
], ids=str)  # fmt: skip
def test_what_is_wrong_is_said_with_its_place(
    value: dict[str, Any], path: tuple[str | int, ...], rule: str
) -> None:
    (problem,) = _problems(value)
    assert problem.path == path
    assert rule in problem.rule


def test_all_that_is_wrong_is_said_together() -> None:
    problems = _problems({"float": [-1.0, -2.0], "log": True, "step": -1})
    assert [one.path for one in problems] == [("float",), ("float", 0), ("step",), ("step",)]
    assert [problem.path for problem in _problems({"int": [1.5, "x"], "points": "y"})] == [
        ("int", 0), ("int", 1), ("points",),
    ]  # fmt: skip


@pytest.mark.parametrize(("value", "hint"), [
    ({"float": [1, 0]}, "swap them"),
    ({"float": [1, 1]}, "write the value itself instead of a range"),
    ({"int": [0, 8], "step": 3}, "make the high bound 6"),
    ({"int": [0, 8, 2]}, "a step is a key of its own: `step: ...`"),
    ({"int": [3]}, "a fixed value needs no range"),
    ({"flaot": [0, 1]}, "did you mean 'float'?"),
    ({"Int": [0, 1]}, "did you mean 'int'?"),
    ({"integer": [0, 1]}, "did you mean 'int'?"),
    ({"itn": [0, 1]}, "did you mean 'int'?"),
    ({"int": [0, 8], "pionts": 3}, "did you mean 'points'?"),
    ({"normal": [0, 1], "log": True}, "write `lognormal: [mean, std]`, of the natural logarithm"),
    ({"normal": [0, 1], "lwo": 0}, "did you mean 'low'?"),
])  # fmt: skip
def test_the_next_step_is_named(value: dict[str, Any], hint: str) -> None:
    (problem,) = _problems(value)
    assert problem.hint == hint


@pytest.mark.parametrize(("value", "expected"), [
    ({"float": [0, 1]}, True),
    ({"choice": None}, True),
    ({"chocie": [1, 2]}, True),
    ({"log": True, "flaot": [0, 1]}, True),
    ({"Int": [1, 2]}, True),
    ({"itn": [1, 2]}, True),
    ({"integer": [1, 2]}, True),
    ({"normal": [0, 1]}, True),
    ({"lognormal": [], "low": 1}, True),
    ({"normal": 3}, False),
    ({"init": [0.0, 0.02]}, False),
    ({"interval": [0, 1]}, False),
    ({"points": [1, 2]}, False),
    ({"kind": "sgd", "lr": 0.1}, False),
    ({"milestones": [3, 6]}, False),
    ({}, False),
    ([1, 2], False),
    ("float", False),
], ids=str)  # fmt: skip
def test_a_parameter_is_told_from_a_section(value: object, expected: bool) -> None:
    assert looks_like_parameter(value) is expected


@pytest.mark.parametrize(("parameter", "expected"), [
    (FloatRange(0, 1, points=3), [0.0, 0.5, 1.0]),
    (FloatRange(-0.1, 0.5, points=7), [-0.1, 0.0, 0.1, 0.2, 0.3, 0.4, 0.5]),
    (FloatRange(1e-3, 1.0, log=True, points=4), [1e-3, 1e-2, 1e-1, 1.0]),
    (FloatRange(1e6, 1e6 + 3e-7, step=1e-7), [1e6, 1000000.0000001, 1000000.0000002, 1e6 + 3e-7]),
    (FloatRange(1.23456789, 1.2345679, points=3), [1.23456789, 1.234567895, 1.2345679]),
    (FloatRange(0, 1), []),
    (IntRange(1, 9, step=2), [1, 3, 5, 7, 9]),
    (IntRange(1, 100, points=3), [1, 50, 100]),
    (IntRange(1, 100, log=True, points=3), [1, 10, 100]),
    (IntRange(1, 3, points=50), [1, 2, 3]),
    (IntRange(10**9 + 1, 10**9 + 10, points=4), [10**9 + 1, 10**9 + 4, 10**9 + 7, 10**9 + 10]),
], ids=str)  # fmt: skip
def test_a_grid_has_exact_values(
    parameter: FloatRange | IntRange, expected: list[float | int]
) -> None:
    assert [repr(value) for value in parameter.grid()] == [repr(value) for value in expected]
    assert parameter.grid_size() == len(expected)


@pytest.mark.parametrize("points", [2, 5, 100])
def test_grids_are_spaced_as_numpys(points: int) -> None:
    linear, log = FloatRange(-3.0, 7.0, points=points), FloatRange(0.01, 7.0, True, points=points)
    np.testing.assert_allclose(linear.grid(), np.linspace(-3, 7, points), rtol=1e-7, atol=1e-15)
    np.testing.assert_allclose(log.grid(), np.geomspace(0.01, 7, points), rtol=1e-7)


def test_the_size_of_a_huge_grid_is_known_without_making_it() -> None:
    assert IntRange(1, 10**12).grid_size() == 10**12
    assert FloatRange(0, 1e6, step=1e-3).grid_size() == FloatRange(0, 1e6, step=1e-3).cardinality()
    assert FloatRange(0, 1e6, step=1e-3).cardinality() == 10**9 + 1


@pytest.mark.parametrize(("parameter", "u", "expected"), [
    (IntRange(1, 3), 0.0, 1),
    (IntRange(1, 3), 1 / 3, 2),
    (IntRange(1, 3), ALMOST_ONE, 3),
    (IntRange(1, 9, step=4), ALMOST_ONE, 9),
    (IntRange(1, 8, log=True), 0.0, 1),
    (IntRange(1, 8, log=True), ALMOST_ONE, 8),
    (FloatRange(1, 2), 0.0, 1.0),
    (FloatRange(1, 2), ALMOST_ONE, 2.0),
    (FloatRange(1, 100, log=True), 0.5, 10.0),
    (FloatRange(-0.3, 0.3, step=0.1), 0.5, 0.0),
    (Choice(("a", "b"), (1.0, 3.0)), 0.2499, "a"),
    (Choice(("a", "b"), (1.0, 3.0)), 0.25, "b"),
    (Choice(("a", "b")), ALMOST_ONE, "b"),
], ids=str)  # fmt: skip
def test_values_at_known_places(
    parameter: FloatRange | IntRange | Choice, u: float, expected: object
) -> None:
    assert repr(parameter.at(u)) == repr(expected)


@QUICK
@given(bounds=wide_bounds, u=uniforms)
def test_a_float_lies_within_its_bounds(bounds: tuple[float, float], u: float) -> None:
    parameter = FloatRange(*bounds)
    assert bounds[0] <= parameter.at(u) <= bounds[1]
    assert parameter.contains(parameter.at(u))


@QUICK
@given(bounds=wide_bounds, u=uniforms)
def test_a_log_float_lies_within_its_bounds(bounds: tuple[float, float], u: float) -> None:
    low, high = sorted((abs(bounds[0]) + 1e-9, abs(bounds[0]) * 1.5 + 1.0))
    assert low <= FloatRange(low, high, log=True).at(u) <= high
    assert all(low <= one <= high for one in FloatRange(low, high, True, points=5).grid())


@QUICK
@given(bounds=int_bounds, points=st.integers(2, 9), u=uniforms)
def test_an_int_lies_within_its_bounds(bounds: tuple[int, int], points: int, u: float) -> None:
    low, high = bounds
    grid = IntRange(low, high, points=points).grid()
    assert low <= IntRange(low, high).at(u) <= high
    assert (grid[0], grid[-1]) == bounds
    assert list(grid) == sorted(set(grid))


@QUICK
@given(low=st.integers(-500, 500), hundredths=st.integers(1, 99), count=st.integers(1, 60))
def test_stepped_floats_are_what_one_would_write(low: int, hundredths: int, count: int) -> None:
    written = [f"{(low + n * hundredths) / 100:.2f}" for n in range(count + 1)]
    parameter = FloatRange(float(written[0]), float(written[-1]), step=hundredths / 100)
    assert parameter.grid() == tuple(map(float, written))
    assert all(parameter.contains(float(value)) for value in written)


@pytest.mark.parametrize(("parameter", "value"), [
    (IntRange(1, 9, step=2), 4),
    (IntRange(1, 9), 2.0),
    (IntRange(0, 1), True),
    (IntRange(1, 9), 10),
    (FloatRange(0, 1), 1),
    (FloatRange(0, 1), "0.5"),
    (FloatRange(0, 1), float("nan")),
    (FloatRange(0, 1, step=0.25), 0.3),
    (IntRange(8, 64, step=8, log=True), 12),
    (Normal(0, 1), 1),
    (Normal(0, 1), float("inf")),
    (Normal(0, 1, low=0), -0.5),
    (Normal(0, 1, high=1), 1.5),
    (Normal(0, 1, log=True), -1.0),
], ids=str)  # fmt: skip
def test_other_values_are_not_contained(
    parameter: FloatRange | IntRange | Normal, value: object
) -> None:
    assert not parameter.contains(value)


@pytest.mark.parametrize("value", [
    {"float": [0.0, 1.0]},
    {"float": [1e-6, 1.0], "log": True, "points": 4},
    {"float": [0.0, 1.0], "step": 0.25},
    {"int": [1, 9], "step": 4},
    {"int": [1, 9], "log": True},
    {"int": [8, 64], "log": True, "step": 8},
    {"normal": [0.0, 1.0]},
    {"normal": [0.5, 0.25], "low": 0.0, "high": 1.0, "points": 5},
    {"lognormal": [-7.0, 1.5], "low": 1e-5},
    {"choice": ["a", None, True, [1, 2], {"kind": "x", "lr": {"float": [0, 1]}}]},
    {"choice": ["a", "b"], "weights": [1, 2.5]},
], ids=str)  # fmt: skip
def test_a_parameter_is_written_back_as_it_was_read(value: dict[str, Any]) -> None:
    parameter = parameter_from(value)
    assert json.dumps(parameter.to_value()) == json.dumps(value)
    assert parameter_from(parameter.to_value()) == parameter


@QUICK
@given(bounds=wide_bounds, points=st.none() | st.integers(2, 10_000))
def test_any_range_survives_json(bounds: tuple[float, float], points: int | None) -> None:
    parameter = FloatRange(*bounds, points=points)
    assert parameter_from(json.loads(json.dumps(parameter.to_value()))) == parameter


def test_parameters_are_equal_and_hash_by_value() -> None:
    assert FloatRange(0, 1) == FloatRange(0.0, 1.0) != FloatRange(0, 1, points=2)
    assert len({IntRange(1, 2), IntRange(1, 2), Choice(([1], {"a": 1})), Choice(([2],))}) == 3
    with pytest.raises(AttributeError, match="cannot assign to field 'low'"):
        IntRange(1, 2).low = 0  # type: ignore[misc]


@pytest.mark.parametrize(("parameter", "expected"), [
    (FloatRange(0, 1, points=3), None),
    (FloatRange(0, 1, step=0.25), 5),
    (IntRange(1, 9), 9),
    (IntRange(1, 9, step=4), 3),
    (IntRange(1, 9, log=True), 9),
    (IntRange(8, 64, log=True, step=8), 8),
    (Normal(0, 1), None),
    (Choice((1, 2)), 2),
], ids=str)  # fmt: skip
def test_cardinality_counts_what_can_be_drawn(
    parameter: FloatRange | IntRange | Choice | Normal, expected: int | None
) -> None:
    assert parameter.cardinality() == expected


@pytest.mark.parametrize("parameter", [
    Normal(0, 1), Normal(0.5, 0.2, low=0.0), Normal(0, 1, low=3, high=5), Normal(-7, 1.5, log=True),
    Normal(1e6, 1e-3), Normal(0, 1, high=-4),
], ids=str)  # fmt: skip
@QUICK
@given(u=uniforms)
def test_every_number_of_a_normal_parameter_is_one_of_its_own(parameter: Normal, u: float) -> None:
    low, high = parameter.ends()
    value = parameter.at(u)
    assert parameter.contains(value)
    assert low <= value <= high
