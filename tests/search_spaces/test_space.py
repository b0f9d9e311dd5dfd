"""A space's configurations, grid, counts and places, against itertools and by hand."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from sweeps.search_methods.draws import draw_random
from sweeps.search_spaces.parameters import parameter_from
from sweeps.search_spaces.problems import Problem, SpaceError
from sweeps.search_spaces.space import Space
from tests.search_spaces.spaces_to_draw import FINITE, QUICK, is_legal, templates

OPTIMIZERS = {
    "optimizer": {
        "choice": [
            {"kind": "sgd", "lr": {"float": [0.1, 1.0]}, "momentum": {"choice": [0.0, 0.9]}},
            {"kind": "adam", "lr": {"float": [0.001, 0.01]}},
        ]
    },
    "epochs": 30,
}
flat_parts = st.dictionaries(
    st.sampled_from("abcd"),
    st.one_of(
        st.lists(st.integers(-9, 9), min_size=1, max_size=4, unique=True),
        st.tuples(st.integers(-9, 9), st.integers(1, 3)),
    ),
    min_size=1,
)


def _flat(part: list[int] | tuple[int, int]) -> tuple[dict[str, Any], list[int]]:
    """Return a flat parameter and its values."""
    if isinstance(part, list):
        return {"choice": part}, part
    low, width = part
    return {"int": [low, low + width]}, list(range(low, low + width + 1))


def _template_at(template: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        template = template[key]
    return template


def _range_of(path: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return the path of the range itself for one that ends in its bounds or one of them."""
    ends = [path[:at] for at in range(len(path)) if path[at] in ("int", "float", "normal")]
    return ends[0] if ends else path


def _leaves(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[tuple[Any, ...], Any]]:
    if not isinstance(value, dict | list):
        return [(path, value)]
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    return [leaf for key, one in inner for leaf in _leaves(one, (*path, key))]


def _problems(template: dict[str, Any]) -> list[Problem]:
    with pytest.raises(SpaceError) as caught:
        Space(template)
    return caught.value.problems


def test_a_parameter_of_an_option_that_is_not_chosen_is_absent() -> None:
    space = Space(OPTIMIZERS)
    sgd, adam = space.configuration([0.0, 0.0, 0.9, 0.5]), space.configuration([0.9, 0.5, 0.5, 0.0])
    assert sgd == {"optimizer": {"kind": "sgd", "lr": 0.1, "momentum": 0.9}, "epochs": 30}
    assert adam == {"optimizer": {"kind": "adam", "lr": 0.001}, "epochs": 30}


def test_dimensions_stand_in_document_order_with_those_of_all_options() -> None:
    assert [path for path, _ in Space(OPTIMIZERS).dimensions] == [
        ("optimizer",),
        ("optimizer", "choice", 0, "lr"),
        ("optimizer", "choice", 0, "momentum"),
        ("optimizer", "choice", 1, "lr"),
    ]


def test_a_point_has_one_number_a_dimension() -> None:
    with pytest.raises(ValueError, match="4 dimensions need 4 numbers"):
        Space(OPTIMIZERS).configuration([0.5])


def test_drawn_configurations_share_nothing_that_can_be_changed() -> None:
    space = Space({"layers": [1, {"choice": [[2], [3]]}]})
    space.configuration([0.0])["layers"][1].append(4)
    assert space.configuration([0.0]) == {"layers": [1, [2]]}


@pytest.mark.parametrize("draws", [
    lambda space: space.grid(),
    lambda space: (configuration for configuration, _ in space.representatives()),
], ids=["grid", "representatives"])  # fmt: skip
def test_listed_configurations_share_nothing_that_can_be_changed(
    draws: Callable[[Space], Iterator[dict[str, Any]]],
) -> None:
    first, second = draws(Space({"model": {"sizes": [8]}, "x": {"int": [1, 2]}}))
    first["model"]["sizes"].append(4)
    assert second == {"model": {"sizes": [8]}, "x": 2}


@QUICK
@given(parts=flat_parts)
def test_a_flat_grid_is_itertools_product(parts: dict[str, Any]) -> None:
    flat = {key: _flat(part) for key, part in parts.items()}
    space = Space({key: template for key, (template, _) in flat.items()})
    expected = [
        dict(zip(flat, values, strict=True))
        for values in itertools.product(*(values for _, values in flat.values()))
    ]
    assert list(space.grid()) == expected
    assert space.grid_size() == space.cardinality() == len(expected)


@QUICK
@given(template=templates())
def test_a_nested_grid_is_what_the_product_of_all_dimensions_resolves_to(
    template: dict[str, Any],
) -> None:
    space = Space(template)
    counts = [parameter.cardinality() for _, parameter in space.dimensions]
    assume(not any(getattr(one, "log", False) for _, one in space.dimensions))
    places = [[(k + 0.5) / count for k in range(count)] for count in counts if count is not None]
    assume(len(places) == len(counts) and math.prod(map(len, places)) <= 2000)
    resolved = {repr(space.configuration(point)) for point in itertools.product(*places)}
    assert {repr(configuration) for configuration in space.grid()} == resolved


@QUICK
@given(template=templates())
def test_every_parameter_of_a_space_survives_json(template: dict[str, Any]) -> None:
    parameters = [parameter for _, parameter in Space(template).dimensions]
    written = json.loads(json.dumps([parameter.to_value() for parameter in parameters]))
    assert list(map(parameter_from, written)) == parameters


@QUICK
@given(template=templates())
def test_a_grid_has_at_most_its_size(template: dict[str, Any]) -> None:
    space = Space(template)
    found = len(list(itertools.islice(space.grid(), 2000)))
    assert min(found, 1) <= found <= space.grid_size()
    assert found <= (space.cardinality() or math.inf)


@pytest.mark.parametrize(("template", "legal"), FINITE.values(), ids=FINITE.keys())
def test_each_finite_parameter_counts_its_legal_values(
    template: dict[str, Any], legal: list[Any]
) -> None:
    space = Space({"x": template, "y": [{"int": [1, 3]}]})
    assert space.grid_size() == space.cardinality() == 3 * len(legal)


def test_doubles_of_nested_choices_come_once() -> None:
    space = Space({"x": {"choice": [{"int": [1, 3]}, {"int": [2, 4]}]}})
    assert [one["x"] for one in space.grid()] == [1, 2, 3, 4]
    assert space.grid_size() == 6


def test_a_grid_over_continuous_ranges_is_refused_at_once_naming_all() -> None:
    space = Space(OPTIMIZERS)
    with pytest.raises(SpaceError) as caught:
        space.grid()
    assert [problem.path for problem in caught.value.problems] == [
        ("optimizer", "choice", 0, "lr"),
        ("optimizer", "choice", 1, "lr"),
    ]
    assert "a grid needs `points` for a continuous range" in str(caught.value)


def test_the_size_of_a_huge_grid_is_known_without_making_it() -> None:
    space = Space({"a": {"int": [1, 10**9]}, "b": {"int": [1, 10**9]}})
    assert space.grid_size() == 10**18
    assert Space({"a": {"float": [0, 1]}}).cardinality() is None


def test_representatives_show_each_option_and_both_ends_one_at_a_time() -> None:
    space = Space({"a": {"int": [1, 9]}, "b": {"choice": [{"c": {"float": [2, 3]}}, "d"]}, "e": 0})
    assert list(space.representatives()) == [
        ({"a": 1, "b": {"c": 2.0}, "e": 0}, None),
        ({"a": 9, "b": {"c": 2.0}, "e": 0}, ("a",)),
        ({"a": 1, "b": {"c": 3.0}, "e": 0}, ("b", "choice", 0, "c")),
        ({"a": 1, "b": "d", "e": 0}, ("b", "choice", 1)),
    ]


@QUICK
@given(template=templates())
def test_representatives_are_legal(template: dict[str, Any]) -> None:
    space = Space(template)
    shown = list(space.representatives())
    assert all(is_legal(template, configuration) for configuration, _ in shown)
    assert shown[0][1] is None
    assert {varied for _, varied in shown[1:]}.isdisjoint({None})


@QUICK
@given(template=templates(), seed=st.integers(0, 999))
def test_a_template_path_leads_to_what_made_the_value(template: dict[str, Any], seed: int) -> None:
    space = Space(template)
    configuration = next(draw_random(space, seed))
    made = [
        (_template_at(template, _range_of(space.template_path(configuration, path))), value)
        for path, value in _leaves(configuration)
    ]
    assert all(is_legal(source, value) for source, value in made)


@pytest.mark.parametrize(("path", "expected"), [
    (("optimizer",), ("optimizer", "choice", 0)),
    (("optimizer", "kind"), ("optimizer", "choice", 0, "kind")),
    (("optimizer", "lr"), ("optimizer", "choice", 0, "lr", "float", 1)),
    (("optimizer", "momentum"), ("optimizer", "choice", 0, "momentum", "choice", 1)),
    (("optimizer", "nesterov"), ("optimizer", "choice", 0, "nesterov")),
    (("epochs",), ("epochs",)),
    (("seed", "x"), ("seed", "x")),
    ((), ()),
])  # fmt: skip
def test_template_paths_of_a_known_configuration(
    path: tuple[str, ...], expected: tuple[str | int, ...]
) -> None:
    chosen = {"optimizer": {"kind": "sgd", "lr": 1.0, "momentum": 0.9}, "epochs": 30}
    assert Space(OPTIMIZERS).template_path(chosen, path) == expected


@pytest.mark.parametrize(("options", "value", "option"), [
    ([{"int": [1, 3]}, {"float": [1, 3]}], 2.5, 1),
    ([{"float": [1, 3]}, {"int": [1, 3]}], 2, 1),
    ([{"int": [0, 8], "step": 2}, {"int": [1, 9], "step": 2}], 3, 1),
    ([1, True], True, 1),
    ([[1, 2], [1, {"int": [2, 9]}]], [1, 5], 1),
], ids=str)  # fmt: skip
def test_the_option_that_can_have_made_a_value_is_found(
    options: list[Any], value: object, option: int
) -> None:
    path = Space({"x": {"choice": options}}).template_path({"x": value}, ("x",))
    assert path[:3] == ("x", "choice", option)


@pytest.mark.parametrize("configuration", [
    {"optimizer": {"kind": "sgd", "lr": 5.0, "momentum": 0.9}, "epochs": 30},
    {"optimizer": {"kind": "adam"}},
    {"optimizer": 3},
    {},
], ids=str)  # fmt: skip
def test_a_configuration_of_another_space_has_no_template_path(
    configuration: dict[str, Any],
) -> None:
    with pytest.raises(KeyError):
        Space(OPTIMIZERS).template_path(configuration, ("optimizer", "lr"))


def test_a_list_in_the_place_of_a_section_has_no_template_path() -> None:
    with pytest.raises(KeyError, match=r"\[1\] has no 'b', which a has"):
        Space({"a": {"b": 1}}).template_path({"a": [1]}, ("a", "b"))


def test_problems_of_all_depths_are_reported_together() -> None:
    problems = _problems({
        "a": {"int": [3, 1]},
        "b": [{"choice": [{"c": {"flaot": [0, 1], "log": True}}, 1, 1]}],
    })  # fmt: skip
    assert [problem.path for problem in problems] == [
        ("a", "int"),
        ("b", 0, "choice", 2),
        ("b", 0, "choice", 0, "c", "flaot"),
    ]
    assert problems[2].hint == "did you mean 'float'?"


@pytest.mark.parametrize("template", [
    {"int": [1, 2]}, {"choice": [1, 2]}, {"choice": [{"a": 1}, 2]},
], ids=str)  # fmt: skip
def test_a_space_whose_configurations_are_no_sections_is_refused(template: dict[str, Any]) -> None:
    (problem,) = _problems(template)
    assert problem.rule == "every configuration must be a mapping of keys"


def test_a_whole_space_may_be_a_choice_of_sections() -> None:
    space = Space({"choice": [{"a": 1}, {"b": {"int": [1, 2]}}]})
    assert list(space.grid()) == [{"a": 1}, {"b": 1}, {"b": 2}]
    assert space.template_path({"b": 2}, ("b",)) == ("choice", 1, "b", "int", 1)
