"""`--set` changes any value, is checked like the file, and says itself what it got wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sweeps.definition.loading import check_text
from sweeps.definition.overrides import apply_overrides, parse_override
from sweeps.errors import SweepFileError
from tests.sweeps.definition.test_checks import GOOD, problems


@pytest.mark.parametrize(
    ("text", "path", "value"),
    [
        ("search.trials=10", ("search", "trials"), 10),
        ("space.optimizer.lr=1e-3", ("space", "optimizer", "lr"), 1e-3),
        ("space.optimizer.choice.0.lr={float: [0.1, 1]}",
         ("space", "optimizer", "choice", 0, "lr"), {"float": [0.1, 1]}),
        ("data.source=a=b.csv", ("data", "source"), "a=b.csv"),
        ("budget.target=", ("budget", "target"), None),
    ],
)  # fmt: skip
def test_a_value_is_read_as_yaml(text: str, path: tuple[str | int, ...], value: object) -> None:
    override = parse_override(text)
    assert override.path == path
    assert override.value == value


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("search.trials", "write --set key.path=value"),
        ("=5", "write --set key.path=value"),
        ("search..trials=5", "write --set key.path=value"),
        ("search=[1", "the value '[1' is not valid YAML"),
        ("search.trials=1\nseed: 2", "give one value, got"),
    ],
)
def test_a_text_that_is_no_override_says_how_one_is_written(text: str, words: str) -> None:
    with pytest.raises(SweepFileError) as caught:
        parse_override(text)
    assert str(caught.value).startswith(f"--set {text}: ")
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("text", "changed"),
    [
        ("a.b=2", {"a": {"b": 2}, "c": [1, 2], "d": None}),
        ("c.1=5", {"a": {"b": 1}, "c": [1, 5], "d": None}),
        ("d.e.f=1", {"a": {"b": 1}, "c": [1, 2], "d": {"e": {"f": 1}}}),
        ("n.m=1", {"a": {"b": 1}, "c": [1, 2], "d": None, "n": {"m": 1}}),
    ],
)
def test_an_override_changes_a_copy_and_makes_missing_sections(
    text: str, changed: dict[str, Any]
) -> None:
    value = {"a": {"b": 1}, "c": [1, 2], "d": None}
    assert apply_overrides(value, [parse_override(text)]) == changed
    assert value == {"a": {"b": 1}, "c": [1, 2], "d": None}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name.x=3", "name is 't', and has no 'x' inside"),
        ("space.model.hidden_units.int.5=3", "is a list with positions 0 to 1, got 5"),
        ("space.model.hidden_units.int.x=3", "is a list with positions 0 to 1, got 'x'"),
        ("space.0=3", "space has keys; 0 is a position in a list"),
    ],
)
def test_a_place_that_is_not_there_is_named(text: str, words: str) -> None:
    found = problems(GOOD, (text,))
    assert found[0].startswith(f"--set {text}: ")
    assert words in found[0]


def test_all_wrong_overrides_are_shown_together_with_what_is_wrong_in_the_file() -> None:
    found = problems(GOOD.replace("epochs: 3", "epochs: 0"), ("x", "y", "search.trials=0"))
    assert [line.split(": ")[0] for line in found] == [
        "--set x", "--set y", "--set search.trials=0", "f.yaml:7:22"
    ]  # fmt: skip


@pytest.mark.parametrize(
    "overrides",
    [
        ("search.trials=5", "search.trials=0"),
        ("search={method: random, trials: 2}", "search.trials=0"),
    ],
)
def test_of_several_overrides_of_one_value_the_last_holds_and_is_blamed(
    overrides: tuple[str, ...],
) -> None:
    expected = "--set search.trials=0: search.trials: must be at least 1, got 0"
    assert problems(GOOD, overrides) == [expected]
    assert len(check_text(GOOD, "f.yaml", Path.cwd(), overrides[::-1])[1]) > 1


def test_an_override_can_mend_a_file() -> None:
    wrong = GOOD.replace("trials: 4", "trials: 0")
    sweep, planned = check_text(wrong, "f.yaml", Path.cwd(), ("search.trials=3",))
    assert len(planned) == 3
    assert sweep.overrides == ("search.trials=3",)


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("search.trails=5", "search.trails: unknown key 'trails'; allowed: method, trials"),
        ("space.optimizer.kind=admm", "did you mean 'adam'?"),
        ("space.model.hidden_units={int: [9, 4]}", "the low bound must be below the high one"),
        ("space.model.hidden_units.int.0=0", "space.model.hidden_units.int.0: must be at least 1"),
        ("objective.metric=dev_f2", "did you mean 'dev_f1'?"),
        ("constraints=['model.x > 3']", "constraints.0: unknown name 'model.x'"),
    ],
)
def test_a_problem_that_an_override_brings_is_named_by_it(override: str, words: str) -> None:
    found = problems(GOOD, (override,))
    assert found[0].startswith(f"--set {override}: ")
    assert words in found[0]
