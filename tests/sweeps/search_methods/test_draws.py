"""Every parameter kind under every method; each method against a reference of its own."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import optuna
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.stats import qmc

from sweeps.search_methods.draws import draw_random
from sweeps.search_methods.grid import GridSearch
from sweeps.search_methods.sobol import draw_sobol
from sweeps.search_spaces.problems import SpaceError
from sweeps.search_spaces.space import Space
from tests.search_spaces.spaces_to_draw import FINITE, QUICK, is_legal, templates


def draw_grid(space: Space) -> Iterator[dict[str, Any]]:
    return GridSearch(method="grid").draws(space, 0, (), lambda: 0)


Draw = Callable[[Space, int], Iterator[dict[str, Any]]]
ENDLESS: dict[str, Draw] = {"random": draw_random, "sobol": draw_sobol}
endless = pytest.mark.parametrize("draw", ENDLESS.values(), ids=ENDLESS.keys())
finite = pytest.mark.parametrize(("template", "legal"), FINITE.values(), ids=FINITE.keys())
continuous = pytest.mark.parametrize(
    "template",
    [
        {"float": [-2.0, 3.0]},
        {"float": [1e-6, 1e-2], "log": True},
        {"float": [1000.0, 1000.001]},
        {"float": [0.9999999, 1.0], "log": True},
        {"int": [-(2**53), 2**53]},
        {"int": [1, 10**9], "log": True},
        {"normal": [0.0, 1.0]},
        {"normal": [1e6, 1e-3], "low": 1e6},
        {"lognormal": [-7.0, 1.5], "low": 1e-5, "high": 1e-1},
        {"lognormal": [3.0, 1e-6]},
        {"normal": [0.0, 1.0], "low": 5.5},
        {"normal": [0.0, 1.0], "high": -5.0, "low": -5.5},
    ],
    ids=str,
)


def _draws(draw: Draw, template: dict[str, Any], count: int, seed: int = 1) -> list[Any]:
    return [one["x"] for one in itertools.islice(draw(Space({"x": template}), seed), count)]


@endless
@finite
def test_drawn_values_are_exactly_the_legal_ones(
    draw: Draw, template: dict[str, Any], legal: list[Any]
) -> None:
    drawn = _draws(draw, template, 1024)
    assert {repr(value) for value in drawn} == {repr(value) for value in legal}


@finite
def test_a_grid_has_each_legal_value_once_in_order(
    template: dict[str, Any], legal: list[Any]
) -> None:
    grid = [one["x"] for one in draw_grid(Space({"x": template}))]
    assert list(map(repr, grid)) == list(map(repr, legal))


@endless
@continuous
def test_draws_of_a_wide_range_stay_inside_and_differ(draw: Draw, template: dict[str, Any]) -> None:
    drawn = _draws(draw, template, 256)
    assert all(is_legal(template, value) for value in drawn)
    assert len(set(drawn)) > 150


@endless
@pytest.mark.parametrize(("template", "median"), [
    ({"float": [-2.0, 3.0]}, 0.5),
    ({"float": [1e-6, 1e-2], "log": True}, 1e-4),
    ({"int": [0, 1000]}, 500),
    ({"int": [1, 10**6], "log": True}, 1000),
    ({"normal": [3.0, 2.0]}, 3.0),
    ({"lognormal": [-4.0, 2.0]}, math.exp(-4.0)),
], ids=str)  # fmt: skip
def test_half_of_the_draws_lie_below_the_middle(
    draw: Draw, template: dict[str, Any], median: float
) -> None:
    below = np.mean([value < median for value in _draws(draw, template, 4096)])
    assert below == pytest.approx(0.5, abs=0.03)


@endless
@QUICK
@given(template=templates(), seed=st.integers(0, 2**63))
def test_every_draw_is_legal_and_lacks_what_was_not_chosen(
    draw: Draw, template: dict[str, Any], seed: int
) -> None:
    drawn = itertools.islice(draw(Space(template), seed), 20)
    assert all(is_legal(template, configuration) for configuration in drawn)


@QUICK
@given(template=templates())
def test_every_point_of_a_grid_is_legal_and_different(template: dict[str, Any]) -> None:
    grid = list(itertools.islice(draw_grid(Space(template)), 500))
    assert all(is_legal(template, configuration) for configuration in grid)
    assert len(set(map(repr, grid))) == len(grid)


@endless
@QUICK
@given(template=templates(), seed=st.integers(0, 99), lengths=st.tuples(*2 * [st.integers(0, 40)]))
def test_a_longer_draw_starts_with_the_shorter_one(
    draw: Draw, template: dict[str, Any], seed: int, lengths: tuple[int, int]
) -> None:
    short, long = sorted(lengths)
    first = list(itertools.islice(draw(Space(template), seed), short))
    assert list(itertools.islice(draw(Space(template), seed), long))[:short] == first


@endless
def test_other_seeds_give_other_draws(draw: Draw) -> None:
    template = {"float": [0.0, 1.0]}
    assert _draws(draw, template, 5, seed=1) == _draws(draw, template, 5, seed=1)
    assert _draws(draw, template, 5, seed=1) != _draws(draw, template, 5, seed=2)


@endless
def test_a_space_without_parameters_repeats_its_only_configuration(draw: Draw) -> None:
    assert list(itertools.islice(draw(Space({"a": 1}), 0), 2)) == [{"a": 1}, {"a": 1}]


def test_sobol_draws_are_the_points_of_scipys_sequence() -> None:
    space = Space({"a": {"float": [0.0, 1.0]}, "b": {"float": [0.0, 1.0]}})
    drawn = [[one["a"], one["b"]] for one in itertools.islice(draw_sobol(space, 7), 1024)]
    expected = qmc.Sobol(2, scramble=True, rng=np.random.default_rng(7)).random(1024)
    np.testing.assert_allclose(drawn, expected, rtol=1e-7, atol=0)
    assert qmc.discrepancy(drawn) < 1e-5


def test_random_draws_are_numpys_uniform_numbers() -> None:
    space = Space({"a": {"float": [0.0, 1.0]}, "b": {"float": [0.0, 10.0]}})
    drawn = [[one["a"], one["b"]] for one in itertools.islice(draw_random(space, 7), 100)]
    expected = np.random.default_rng(7).random((100, 2)) * [1.0, 10.0]
    np.testing.assert_allclose(drawn, expected, rtol=1e-7, atol=0)


def test_sobol_refuses_more_parameters_than_the_sequence_has() -> None:
    space = Space({"x": [{"int": [0, 1]}] * 21_202})
    with pytest.raises(SpaceError, match=r"sobol takes at most 21,201 parameters, got 21,202"):
        next(draw_sobol(space, 0))


@pytest.mark.parametrize(("low", "high"), [(1, 8), (3, 20)])
def test_log_ints_follow_the_log_uniform_law_of_half_a_unit_around(low: int, high: int) -> None:
    drawn = _draws(draw_random, {"int": [low, high], "log": True}, 20_000)
    counts = np.bincount(drawn, minlength=high + 1)[low:]
    edges = np.log(np.arange(low, high + 2) - 0.5)
    expected = np.diff(edges) / (edges[-1] - edges[0]) * 20_000
    assert stats.chisquare(counts, expected).pvalue > 0.01


@pytest.mark.parametrize(("low", "high", "step", "first"), [(8, 64, 8, 4), (1, 41, 10, 0.5)])
def test_stepped_log_ints_follow_the_law_of_half_a_step_around(
    low: int, high: int, step: int, first: float
) -> None:
    template = {"int": [low, high], "step": step, "log": True}
    drawn = np.array(_draws(draw_random, template, 20_000))
    counts = np.bincount((drawn - low) // step)
    edges = np.log([first, *np.arange(low + step / 2, high + step, step)])
    expected = np.diff(edges) / (edges[-1] - edges[0]) * 20_000
    assert stats.chisquare(counts, expected).pvalue > 0.01


def test_log_ints_with_a_step_of_one_are_those_without() -> None:
    stepped = _draws(draw_sobol, {"int": [1, 200], "log": True, "step": 1}, 512)
    assert stepped == _draws(draw_sobol, {"int": [1, 200], "log": True}, 512)


NORMAL = {
    "unbounded": ({"normal": [2.0, 0.5]}, stats.norm(2.0, 0.5)),
    "bounded": (
        {"normal": [2.0, 0.5], "low": 1.8, "high": 3.0},
        stats.truncnorm(-0.4, 2.0, 2.0, 0.5),
    ),
    "from below": ({"normal": [0.0, 1.0], "low": 0.0}, stats.truncnorm(0, np.inf)),
    "from above": ({"normal": [0.0, 1.0], "high": -1.0}, stats.truncnorm(-np.inf, -1.0)),
    "far above": ({"normal": [0.0, 1.0], "low": 5.0, "high": 5.8}, stats.truncnorm(5.0, 5.8)),
    "far below": ({"normal": [0.0, 1.0], "low": -5.8, "high": -5.0}, stats.truncnorm(-5.8, -5.0)),
    "log": ({"lognormal": [-7.0, 1.5]}, stats.lognorm(1.5, scale=np.exp(-7.0))),
}


@endless
@pytest.mark.parametrize(("template", "law"), NORMAL.values(), ids=NORMAL)
def test_normal_draws_follow_scipys_law(draw: Draw, template: dict[str, Any], law: Any) -> None:
    assert stats.kstest(_draws(draw, template, 4096), law.cdf).pvalue > 0.01


@pytest.mark.parametrize(("template", "law"), NORMAL.values(), ids=NORMAL)
def test_a_number_of_a_normal_parameter_is_scipys_quantile(
    template: dict[str, Any], law: Any
) -> None:
    shares = [1e-9, 1e-4, 0.1, 0.5, 0.9, 0.9999]
    space = Space({"x": template})
    got = [space.configuration([share])["x"] for share in shares]
    assert got == pytest.approx(law.ppf(shares).tolist(), rel=1e-6, abs=1e-9)


def test_a_bounded_lognormal_is_the_exponential_of_a_bounded_normal() -> None:
    template = {"lognormal": [-7.0, 1.5], "low": 1e-5, "high": 1e-2}
    bounds = (np.log([1e-5, 1e-2]) + 7.0) / 1.5
    law = stats.truncnorm(*bounds, loc=-7.0, scale=1.5)
    drawn = np.log(_draws(draw_random, template, 4096))
    assert stats.kstest(drawn, law.cdf).pvalue > 0.01
    assert (drawn.min(), drawn.max()) >= (np.log(1e-5), -np.inf)


def test_a_grid_of_a_normal_parameter_has_the_middles_of_parts_of_equal_chance() -> None:
    grid = [one["x"] for one in draw_grid(Space({"x": {"normal": [1.0, 2.0], "points": 5}}))]
    expected = stats.norm(1.0, 2.0).ppf([0.1, 0.3, 0.5, 0.7, 0.9])
    assert grid == pytest.approx(expected.tolist())
    with pytest.raises(SpaceError, match="a grid needs `points`"):
        list(draw_grid(Space({"x": {"normal": [1.0, 2.0]}})))


def test_log_ints_are_spread_as_optunas() -> None:
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=3))
    theirs = [study.ask().suggest_int("x", 1, 8, log=True) for _ in range(3000)]
    ours = _draws(draw_random, {"int": [1, 8], "log": True}, 3000)
    table = [np.bincount(values, minlength=9)[1:] for values in (ours, theirs)]
    assert stats.chi2_contingency(table).pvalue > 0.01


def test_weights_are_relative_chances() -> None:
    template = {"choice": ["a", "b", "c"], "weights": [1, 2, 5]}
    drawn = _draws(draw_random, template, 8000)
    counts = [drawn.count(option) for option in "abc"]
    assert stats.chisquare(counts, [1000, 2000, 5000]).pvalue > 0.01


def test_log_draws_are_even_in_the_logarithm() -> None:
    drawn = _draws(draw_random, {"float": [1e-5, 1e-1], "log": True}, 2000)
    decades = [math.log10(value) for value in drawn]
    assert stats.kstest(decades, stats.uniform(-5, 4).cdf).pvalue > 0.01


PINNED = {
    "lr": {"float": [1e-4, 1e-1], "log": True},
    "units": {"int": [16, 256], "log": True},
    "dropout": {"float": [0.0, 0.5]},
    "activation": {"choice": ["relu", "tanh", "gelu"]},
}


@pytest.mark.parametrize(("draw", "expected"), [
    (draw_random, [
        {"lr": 0.007503889, "units": 192, "dropout": 0.38784285, "activation": "relu"},
        {"lr": 0.00079524117, "units": 180, "dropout": 0.0026326523, "activation": "gelu"},
    ]),
    (draw_sobol, [
        {"lr": 0.0089388275, "units": 203, "dropout": 0.050228236, "activation": "gelu"},
        {"lr": 0.00024258856, "units": 31, "dropout": 0.29175598, "activation": "relu"},
    ]),
], ids=["random", "sobol"])  # fmt: skip
def test_draws_are_the_same_on_every_machine(draw: Draw, expected: list[dict[str, Any]]) -> None:
    assert list(itertools.islice(draw(Space(PINNED), 7), len(expected))) == expected


@pytest.mark.parametrize("method", sorted(ENDLESS))
def test_balanced_choices_take_turns_and_leave_other_draws_alone(method: str) -> None:
    template = {
        "kind": {"choice": ["a", "b", "c"]},
        "size": {"choice": [1, 2]},
        "lr": {"float": [0.0, 1.0]},
    }
    space, draw = Space(template), {"random": draw_random, "sobol": draw_sobol}[method]
    found = list(itertools.islice(draw(space, 5, [0, 1]), 600))
    counts = Counter((one["kind"], one["size"]) for one in found)
    assert set(counts.values()) == {100}
    assert [one["lr"] for one in found] == [
        one["lr"] for one in itertools.islice(draw(space, 5), 600)
    ]
    assert found[:7] == list(itertools.islice(draw(space, 5, [0, 1]), 7))
