"""Configurations listed by hand are completed from the fixed part of the space, and checked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sweeps.definition.listed import complete
from sweeps.definition.loading import check_text
from sweeps.search_spaces.problems import SpaceError
from tests.sweeps.definition.test_checks import GOOD, problems

TEMPLATE = {
    "model": {"kind": "mlp", "hidden_layers": 2, "hidden_units": {"int": [4, 8]}},
    "optimizer": {"choice": [{"kind": "sgd"}, {"kind": "adam"}]},
    "training": {"epochs": 3, "batch_size": 16},
}
LINEAR = "model: {kind: linear}, optimizer: {kind: adam, lr: 0.1}"


def test_what_is_left_out_comes_from_the_fixed_part() -> None:
    completed = complete(TEMPLATE, {"model": {"hidden_units": 5}, "optimizer": {"kind": "sgd"}})
    assert completed["model"] == {"hidden_units": 5, "kind": "mlp", "hidden_layers": 2}
    assert completed["training"] == {"epochs": 3, "batch_size": 16}


def test_a_section_of_another_kind_takes_nothing_from_the_template() -> None:
    listed = {"model": {"kind": "linear"}, "optimizer": {"kind": "sgd"}, "training": {"epochs": 9}}
    completed = complete(TEMPLATE, listed)
    assert completed["model"] == {"kind": "linear"}
    assert completed["training"] == {"epochs": 9, "batch_size": 16}


@pytest.mark.parametrize(
    ("listed", "missing"),
    [
        ({}, ["model", "optimizer"]),
        ({"optimizer": {"kind": "sgd"}}, ["model"]),
        ({"model": {"kind": "mlp"}}, ["model.hidden_units", "optimizer"]),
    ],
)
def test_every_parameter_without_a_value_is_named(
    listed: dict[str, Any], missing: list[str]
) -> None:
    with pytest.raises(SpaceError) as caught:
        complete(TEMPLATE, listed)
    assert [".".join(map(str, one.path)) for one in caught.value.problems] == missing
    assert "holds a parameter" in str(caught.value)


def test_where_the_whole_space_is_a_choice_a_configuration_stands_for_itself() -> None:
    template = {"choice": [TEMPLATE, {"model": {"kind": "linear"}}]}
    listed = {"model": {"kind": "linear"}, "training": {"epochs": 1}}
    assert complete(template, listed) == listed


def test_completing_changes_neither_the_template_nor_the_listed() -> None:
    listed = {"model": {"hidden_units": 5}, "optimizer": {"kind": "sgd"}}
    complete(TEMPLATE, listed)["model"]["hidden_layers"] = 99
    assert TEMPLATE["model"]["hidden_layers"] == 2
    assert listed == {"model": {"hidden_units": 5}, "optimizer": {"kind": "sgd"}}


# A baseline, and the place, path and words of the first problem.
WRONG = {
    "illegal value": ("model: {kind: mlp, hidden_units: 0}, optimizer: {kind: adam, lr: 0.1}",
                      "3:82: search.baseline.0.model.hidden_units: must be at least 1, got 0"),
    "misspelt section": (f"{LINEAR}, traning: {{epochs: 3}}",
                         "3:106: search.baseline.0.traning: unknown key 'traning'"),
    "key of another kind": ("model: {kind: linear}, optimizer: {kind: sgd, beta1: 0.9}",
                            "3:95: search.baseline.0.optimizer.beta1: unknown key 'beta1'"),
    "a range": ("model: {kind: linear}, optimizer: {kind: adam, lr: {float: [0.1, 1]}}",
                "3:100: search.baseline.0.optimizer.lr: must be a number"),
    "parameter left out": ("model: {kind: linear}, optimizer: {kind: adam}",
                           "3:83: search.baseline.0.optimizer.lr: missing: `space.optimizer.lr`"),
    "net that data cannot feed": ("model: {kind: cnn}, optimizer: {kind: adam, lr: 0.1}",
                                  "3:63: search.baseline.0.model.kind: a cnn needs images"),
    "rule between sections": (f"{LINEAR}, schedule: {{kind: step, warmup_epochs: 5}}",
                              "3:144: search.baseline.0.schedule.warmup_epochs: warm-up must"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG.values(), ids=WRONG)
def test_a_wrong_configuration_is_named_in_its_place(case: tuple[str, str]) -> None:
    listed, words = case
    found = problems(GOOD.replace("trials: 4", f"trials: 4, baseline: [{{{listed}}}]"))
    assert found[0].startswith(f"f.yaml:{words}")
    assert len(found) == 1


def test_manual_configurations_are_held_against_the_data_too() -> None:
    listed = f"{LINEAR}, regularization: {{label_smoothing: 0.1}}"
    text = GOOD.replace("random, trials: 4", f"manual, configurations: [{{{listed}}}]")
    assert len(check_text(text, "f.yaml", Path.cwd())[1]) == 1
    found = problems(text.replace("iris", "diabetes"))
    assert "search.configurations.0.regularization.label_smoothing: label smoothing is" in found[0]


def test_a_constraint_that_rejects_a_listed_configuration_says_which() -> None:
    text = GOOD.replace("trials: 4", f"trials: 4, baseline: [{{{LINEAR}}}]")
    found = problems(text + 'constraints: ["optimizer.lr < 0.05"]\n')
    assert found == [
        "f.yaml:3:48: search.baseline.0: the constraint 'optimizer.lr < 0.05' rejects this "
        "configuration; change the configuration or the constraint"
    ]
