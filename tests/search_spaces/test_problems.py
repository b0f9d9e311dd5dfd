"""What is wrong, and how it is said."""

from __future__ import annotations

import pickle

import pytest

from sweeps.search_spaces.problems import Problem, SpaceError, did_you_mean
from sweeps.search_spaces.yaml_reader import YamlError

FULL = Problem(("model", "layers", 0), "x", "must be a number", ("1", "2"), "use 1")


@pytest.mark.parametrize(("problem", "text"), [
    (FULL, "model.layers.0: must be a number; allowed: 1, 2; use 1"),
    (Problem((), None, "the file is empty"), "the file is empty"),
    (Problem(("a",), 1, "no", hint="leave it out"), "a: no; leave it out"),
])  # fmt: skip
def test_a_problem_reads_as_place_rule_choices_and_next_step(problem: Problem, text: str) -> None:
    assert str(problem) == text


def test_problems_with_unhashable_values_can_be_told_apart() -> None:
    same, other = Problem(("a",), [1], "no"), Problem(("a",), [2], "no")
    assert len({Problem(("a",), [1], "no"), same, other}) == 2


def test_an_error_shows_one_line_a_problem() -> None:
    error = SpaceError(iter([FULL, Problem((), None, "empty")]))
    assert str(error) == f"{FULL}\nempty"
    assert error.problems[0] is FULL


def test_an_error_survives_pickling() -> None:
    again = pickle.loads(pickle.dumps(SpaceError([FULL])))
    assert again.problems == [FULL]
    assert str(again) == str(FULL)


def test_a_yaml_error_survives_pickling_with_its_place() -> None:
    again = pickle.loads(pickle.dumps(YamlError("not YAML", 3, 4, hint="look")))
    assert (again.line, again.column) == (3, 4)
    assert str(again) == "not YAML; look"


@pytest.mark.parametrize(("word", "hint"), [
    ("flaot", "did you mean 'float'?"), ("zzz", ""), (3, ""), ("INT", "did you mean 'int'?"),
])  # fmt: skip
def test_the_nearest_choice_is_suggested(word: str, hint: str) -> None:
    assert did_you_mean(word, ("float", "int")) == hint


@pytest.mark.parametrize(("word", "meant"), [
    ("Adma", "Adam"), ("Adan", "Adam"), ("adammax", "Adamax"), ("AdmaW", "AdamW"),
])  # fmt: skip
def test_two_letters_that_were_swapped_are_one_slip(word: str, meant: str) -> None:
    optimizers = ("Adamax", "Adam", "AdamW", "NAdam", "RAdam")
    assert did_you_mean(word, optimizers) == f"did you mean {meant!r}?"
