"""Which configurations a space has, and what was done to one; the rules that were measured."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.evidence.former_rules import next_space
from tests.evidence.landscapes import LANDSCAPES, changes, holds
from tests.sweeps.analysis.evidence_examples import evidence

RATE = {"float": [0.001, 0.1], "log": True}
WIDER = {"float": [0.001, 1.0], "log": True}
SPACE: dict[str, Any] = {
    "model": {"kind": "mlp", "activation": {"choice": ["relu", "tanh"]}},
    "optimizer": {"choice": [{"kind": "sgd", "lr": RATE}, {"kind": "adam", "lr": RATE}]},
}


@pytest.mark.parametrize(
    ("activation", "optimizer", "is_held"),
    [
        ("relu", {"kind": "adam", "lr": 0.1, "beta1": 0.9}, True),
        ("gelu", {"kind": "adam", "lr": 0.1}, False),
        ("tanh", {"kind": "sgd", "lr": 0.2}, False),
        ("tanh", {"kind": "rmsprop", "lr": 0.01}, False),
    ],
)
def test_a_space_holds_what_it_could_have_drawn(
    activation: str, optimizer: dict[str, Any], is_held: bool
) -> None:
    drawn = {"model": {"kind": "mlp", "activation": activation, "dropout": 0.0}}
    assert holds(SPACE, {**drawn, "optimizer": optimizer}) is is_held


@pytest.mark.parametrize(
    ("optimizer", "done"),
    [
        (SPACE["optimizer"], set()),
        ({"kind": "adam", "lr": RATE}, {"dropped"}),
        ({"kind": "adam", "lr": {"float": [0.01, 0.1], "log": True}}, {"dropped", "narrowed"}),
        ({"choice": [{"kind": "sgd", "lr": WIDER}, {"kind": "adam", "lr": RATE}]}, {"widened"}),
    ],
)  # fmt: skip
def test_what_was_done_to_a_space_is_told_apart(optimizer: Any, done: set[str]) -> None:
    assert changes(SPACE, {**SPACE, "optimizer": optimizer}) == done


def test_the_rules_that_were_measured_narrow_and_drop() -> None:
    random = np.random.default_rng(0)
    trials = [
        {"model": {"kind": "mlp", "activation": ("relu", "tanh")[at % 2]},
         "optimizer": {"kind": "adam", "lr": float(10 ** random.uniform(-3, -1))}}
        for at in range(80)
    ]  # fmt: skip
    losses = [(np.log10(one["optimizer"]["lr"]) + 2) ** 2 + 9 * (at % 2)
              for at, one in enumerate(trials)]  # fmt: skip
    space = {**SPACE, "optimizer": {"kind": "adam", "lr": RATE}}
    made = next_space(evidence(space, trials, losses), space, lambda one: True)
    assert changes(space, made) == {"narrowed", "dropped"}
    assert made["model"]["activation"] == "relu"


@pytest.mark.parametrize("name", LANDSCAPES)
def test_a_landscape_draws_the_same_for_equal_seeds_and_is_positive(name: str) -> None:
    one, again = (LANDSCAPES[name].draw(LANDSCAPES[name].space, 50, 3) for _ in range(2))
    assert one.configurations == again.configurations
    assert (one.dev == again.dev).all()
    assert one.truth.min() > 0
    assert np.std(np.log(one.dev / one.truth)) == pytest.approx(0.05, rel=0.4)
