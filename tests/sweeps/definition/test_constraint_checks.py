"""Constraints are held against the space before anything is drawn."""

from __future__ import annotations

from pathlib import Path

import pytest

from sweeps.definition.loading import check_text
from tests.sweeps.definition.test_checks import GOOD, problems


def constrained(*texts: str) -> str:
    return GOOD + "constraints:\n" + "".join(f'  - "{text}"\n' for text in texts)


# A constraint, and words of its only problem.
WRONG = {
    "misspelt name": ("model.hiden_units < 9", "did you mean 'model.hidden_units'?"),
    "misspelt section": ("modle.hidden_units < 9", "did you mean 'model.hidden_units'?"),
    "key of another optimizer": ("optimizer.momentum < 1",
                                 "allowed: optimizer.beta1, optimizer.beta2, optimizer.eps"),
    "another section of the file": (
        "data.source == 'iris'", "allowed: batch, loss, model, optimizer"
    ),
    "no expression": ("model.hidden_units <", "invalid syntax at the end"),
    "python": ("open('x')", "is not allowed: a constraint may have key paths"),
    "empty": (" ", "a constraint must not be empty"),
    "a number": ("model.hidden_units", "4 is the result, which is neither true nor false"),
    "text against number": ("model.kind > 3", "cannot be evaluated: '>' not supported"),
    "division by zero": ("1 / (training.epochs - 3) > 1", "division by zero"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG.values(), ids=WRONG)
def test_a_wrong_constraint_is_named_once_in_its_place(case: tuple[str, str]) -> None:
    text, words = case
    found = problems(constrained("training.epochs < 9", text))
    assert len(found) == 1
    assert found[0].startswith("f.yaml:10:5: constraints.1: ")
    assert words in found[0]


def test_all_wrong_constraints_are_shown_together() -> None:
    found = problems(constrained("model.x < 1", "(", "1"))
    assert [line.split(": ")[1] for line in found] == [f"constraints.{i}" for i in range(3)]


def test_defaults_that_the_file_does_not_mention_are_known_even_if_the_space_is_faulty() -> None:
    text = constrained("schedule.warmup_epochs < training.epochs", "optimizer.beta1 < 1")
    assert len(check_text(text, "f.yaml", Path.cwd())[1]) == 4
    found = problems(text.replace("epochs: 3", "epochs: 0"))
    assert [line.split(": ")[1] for line in found] == ["space.training.epochs"]


def test_an_earlier_constraint_protects_a_later_one() -> None:
    text = constrained("model.hidden_units > 4", "1 / (model.hidden_units - 4) < 2")
    assert len(check_text(text, "f.yaml", Path.cwd())[1]) == 4


NESTEROV = "{kind: sgd, momentum: {choice: [0.0, 0.9]}, nesterov: {choice: [false, true]}}"


def test_a_rule_within_a_section_asks_the_constraints_first() -> None:
    adam = "{kind: adam, lr: {float: [1.0e-3, 1.0e-1], log: true}}"
    text = constrained("not optimizer.nesterov or optimizer.momentum > 0").replace(adam, NESTEROV)
    assert len(check_text(text, "f.yaml", Path.cwd())[1]) == 4
    assert "nesterov needs a momentum" in problems(GOOD.replace(adam, NESTEROV))[0]


def test_a_rule_of_the_data_asks_the_constraints_first() -> None:
    cnn = "kind: cnn, conv_layers: {int: [1, 6]}, channel_growth: 1, pooling: {choice: [max, none]}"
    text = GOOD.replace("kind: mlp, hidden_units: {int: [4, 16]}", cnn).replace("iris", "digits")
    allowed = "constraints: [\"model.pooling == 'none' or model.conv_layers <= 3\"]\n"
    assert len(check_text(text + allowed, "f.yaml", Path.cwd())[1]) == 4
    assert "space.model.conv_layers.int.1: each pooling halves" in problems(text)[0]


@pytest.mark.parametrize("text", ["false", "model.hidden_units > 99", "training.epochs != 3"])
def test_constraints_that_leave_nothing_say_so(text: str) -> None:
    found = problems(constrained(text))
    assert found == [
        "f.yaml:9:3: constraints: the constraints rejected all of 10,000 draws from the space; "
        "loosen `constraints`, or move the ranges in `space` to where they hold"
    ]


def test_of_a_grid_it_is_known_that_nothing_is_left() -> None:
    text = (
        constrained("false")
        .replace("random, trials: 4", "grid")
        .replace(", log", ", points: 2, log")
    )
    assert (
        "constraints: the constraints reject every configuration of the space" in problems(text)[0]
    )
