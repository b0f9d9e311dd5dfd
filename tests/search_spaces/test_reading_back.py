"""What a configuration says of the point that it was drawn from, against the point itself."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from sweeps.search_spaces.parameters import Choice
from sweeps.search_spaces.space import Space

DEFAULTS: dict[str, Any] = {"net": {"dropout": 0.0, "width": 8}, "steps": [1, 2], "l2": 0.0}
# Ranges that include the default, which is as good as never drawn.
DROPOUT = {"float": [0.0, 0.5]}
L2 = {"float": [0.0, 1e-2]}


def complete(configuration: dict[str, Any]) -> dict[str, Any]:
    made = DEFAULTS | configuration
    return made | {"net": DEFAULTS["net"] | made["net"]}


@pytest.mark.parametrize(
    "template",
    [
        {"net": {"choice": [{}, {"dropout": DROPOUT}]}},
        {"net": {"choice": [{"dropout": DROPOUT}, {}]}},
        {"net": {"choice": [{}, {"width": {"int": [9, 64]}}, {"dropout": DROPOUT}]}},
        {"net": {"choice": [{"width": 8}, {"width": {"choice": [4, {"int": [16, 64]}]}}]}},
        {"net": {"choice": [{}, {"choice": [{"dropout": DROPOUT}, {"width": 16}]}]}},
        {"l2": {"choice": [L2, 0.0]}},
        {"l2": {"choice": [{"lognormal": [-7.0, 1.0]}, 0.0]}},
        {"net": {"choice": [{}, {"dropout": {"normal": [0.3, 0.1], "low": 0.0, "high": 0.9}}]}},
        {"steps": [{"choice": [{"int": [8, 64], "log": True, "step": 8}, 7]}]},
        {"steps": [{"choice": [{"int": [1, 9]}, 100]}, {"choice": [7, {"float": [0.0, 5.0]}]}]},
        {"net": {"choice": [{}, {"dropout": DROPOUT}]}, "l2": {"choice": [0.0, L2]}},
    ],
)
def test_the_option_that_was_drawn_is_read_where_defaults_fit_others(
    template: dict[str, Any],
) -> None:
    space = Space(template)
    choices = {
        at: parameter
        for at, (path, parameter) in enumerate(space.dimensions)
        if isinstance(parameter, Choice) and "choice" not in path
    }
    for point in np.random.default_rng(0).random((60, len(space.dimensions))).tolist():
        found = space.values(complete(space.configuration(point)), complete)
        drawn = {at: one.index_at(point[at]) for at, one in choices.items()}
        assert {at: found[at] for at in drawn} == drawn


def test_without_defaults_the_option_that_says_most_counts() -> None:
    space = Space({"net": {"choice": [{}, {"width": {"int": [4, 64]}}]}})
    assert space.values({"net": {"width": 16, "dropout": 0.0}}) == [1, 16]
    assert space.values({"net": {"dropout": 0.0}}) == [0, None]


def test_a_configuration_of_no_option_has_no_number_there() -> None:
    space = Space({"net": {"choice": [{"width": 4}, {"width": 16}]}, "l2": L2})
    assert space.values({"net": {"width": 99}, "l2": 7.0}, complete) == [None, 7.0]
