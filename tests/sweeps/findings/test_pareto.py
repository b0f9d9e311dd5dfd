"""The front of several objectives is that of its definition, and Optuna's."""

from __future__ import annotations

from typing import Any

import optuna
from hypothesis import given
from hypothesis import strategies as st

from sweeps.findings.pareto import front

# Few values, so that many points are equal in one objective or in all.
VALUES = st.integers(-2, 2).map(float) | st.sampled_from([0.5, float("inf")])


@st.composite
def problems(draw: st.DrawFn) -> tuple[list[tuple[float, ...]], list[float]]:
    width = draw(st.integers(1, 4))
    point = st.tuples(*[VALUES] * width)
    signs = st.lists(st.sampled_from([-1.0, 1.0]), min_size=width, max_size=width)
    return draw(st.lists(point, max_size=25)), draw(signs)


def is_dominated(point: tuple[float, ...], points: list[Any], signs: list[float]) -> bool:
    """Return whether another point is nowhere worse and somewhere better, word by word."""

    def gains(other: tuple[float, ...]) -> list[bool]:
        return [s * o > s * p for s, o, p in zip(signs, other, point, strict=True)]

    def losses(other: tuple[float, ...]) -> list[bool]:
        return [s * o < s * p for s, o, p in zip(signs, other, point, strict=True)]

    return any(any(gains(other)) and not any(losses(other)) for other in points)


@given(problems())
def test_a_front_has_just_the_points_that_no_other_dominates(
    problem: tuple[list[tuple[float, ...]], list[float]],
) -> None:
    points, signs = problem
    expected = [at for at, one in enumerate(points) if not is_dominated(one, points, signs)]
    assert front(points, signs) == expected


@given(problems())
def test_a_front_is_that_of_optuna(
    problem: tuple[list[tuple[float, ...]], list[float]],
) -> None:
    points, signs = problem
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    directions = ["maximize" if sign > 0 else "minimize" for sign in signs]
    study = optuna.create_study(directions=directions)
    study.add_trials([optuna.trial.create_trial(values=list(one)) for one in points])
    of_optuna = {one.number for one in study.get_trials() if one in study.best_trials}
    found = front(points, signs)
    # Of one objective Optuna has the first of equals alone.
    assert of_optuna <= set(found) if len(signs) == 1 else of_optuna == set(found)


def test_a_point_without_a_value_is_on_no_front_and_dominates_nothing() -> None:
    nan = float("nan")
    assert front([(nan, 0.0), (1.0, 1.0), (0.0, nan), (2.0, 2.0)], [-1.0, -1.0]) == [1]
