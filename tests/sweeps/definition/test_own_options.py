"""The options of a user-defined net are held against its function's text, which is not run."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from sweeps.definition.loading import check_text
from sweeps.definition.own_files import make_importable
from sweeps.definition.own_options import option_problems
from sweeps.errors import SweepFileError
from sweeps.models.own_code.roles import OwnFunction
from tests.sweeps.definition.test_checks import GOOD

PLAIN = "def build(input_shape, outputs, width=32, *, depth, bias=True): pass\n"


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", list(sys.path))
    make_importable(tmp_path)


def module(folder: Path, text: str, name: str = "own_options_net") -> None:
    (folder / f"{name}.py").write_text(f"1 / 0\n{text}")


def problems(folder: Path, text: str, **options: object) -> list[str]:
    module(folder, text)
    return [
        str(one) for one in option_problems(OwnFunction("net", "own_options_net:build", options))
    ]


def test_options_that_the_function_takes_are_right(tmp_path: Path) -> None:
    assert problems(tmp_path, PLAIN, depth=2) == []
    assert problems(tmp_path, PLAIN, depth=2, width=3, bias=False) == []


def test_an_option_that_it_does_not_take_is_said_with_those_it_does(tmp_path: Path) -> None:
    assert problems(tmp_path, PLAIN, depth=2, widht=3) == [
        "model.options.widht: unknown key 'widht', which own_options_net:build does not take; "
        "allowed: width, depth, bias; did you mean 'width'?"
    ]


def test_an_option_without_a_default_has_to_be_given(tmp_path: Path) -> None:
    missing = "missing key 'depth', which own_options_net:build has no default for"
    assert problems(tmp_path, PLAIN) == [f"model.options: {missing}"]
    assert len(problems(tmp_path, PLAIN, dept=2)) == 1  # that it is missing is said by the hint


STEPS = """class Lion(Optimizer):
    def __init__(self, params, lr=0.1, betas=(0.9, 0.99), *, decay): pass

def build(weights, lr, momentum=0.9): pass
"""


@pytest.mark.parametrize(
    ("name", "options", "found"),
    [
        ("Lion", {"decay": 1}, []),
        ("Lion", {}, ["optimizer.options: missing key 'decay', which steps:Lion has no default"]),
        ("Lion", {"decay": 1, "beta": 1}, ["optimizer.options.beta: unknown key 'beta', which"]),
        ("build", {"momentum": 0}, []),
        ("build", {"params": 0}, ["optimizer.options.params: unknown key 'params', which"]),
    ],
)
def test_an_optimizer_takes_parameters_first_and_a_class_what_its_init_does(
    tmp_path: Path, name: str, options: dict[str, object], found: list[str]
) -> None:
    module(tmp_path, STEPS, "steps")
    said = [str(one) for one in option_problems(OwnFunction("optimizer", f"steps:{name}", options))]
    assert [text[: len(start)] for text, start in zip(said, found, strict=True)] == found


def test_an_option_cannot_stand_where_the_function_gets_its_inputs(tmp_path: Path) -> None:
    module(
        tmp_path, "def augment(inputs, targets, strength=0.1): return inputs, targets\n", "own_b"
    )
    [found] = option_problems(OwnFunction("batch", "own_b:augment", {"strength": 0.2}))
    assert "own_b:augment is called with (inputs, targets, generator) and the options" in str(found)
    assert found.hint == "give it these 3 parameters before 'strength'"


def test_a_function_of_other_arguments_is_no_net(tmp_path: Path) -> None:
    [found] = problems(tmp_path, "def build(shape, outputs): pass\n")
    assert found.startswith("model.target: own_options_net:build is called with input_shape, ")
    assert found.endswith("but does not accept input_shape")


@pytest.mark.parametrize(
    "text",
    [
        "def build(**options): pass\n",
        "@some.decorator\ndef build(): pass\n",
        "class build:\n    pass\n",
        "async def build(): pass\n",
        "from elsewhere import build\n",
        "from elsewhere import *\ndef build(): pass\n",
        "def build(): pass\nbuild = wrapped(build)\n",
        "if True:\n    def build(): pass\n",
        "def build(: pass\n",
    ],
)
def test_what_the_text_does_not_tell_is_let_through(tmp_path: Path, text: str) -> None:
    assert problems(tmp_path, text, anything=1) == []


@pytest.mark.parametrize("target", ["math:sqrt", "no_such_module:build"])
def test_a_module_without_a_text_is_let_through(target: str) -> None:
    assert list(option_problems(OwnFunction("net", target, {"anything": 1}))) == []


def test_a_misspelt_option_is_found_by_validation_once_with_its_place(tmp_path: Path) -> None:
    module(tmp_path, PLAIN, "own_options_checked")
    net = "kind: custom, target: 'own_options_checked:build', "
    options = "options: {depth: 1, widht: {int: [8, 64]}}"
    text = GOOD.replace("kind: mlp, hidden_units: {int: [4, 16]}", net + options)
    with pytest.raises(SweepFileError) as caught:
        check_text(text, "f.yaml", tmp_path)
    [problem] = caught.value.problems
    assert str(problem).startswith("f.yaml:5:82: space.model.options.widht: unknown key 'widht'")
    assert problem.choices == ("width", "depth", "bias")
    assert problem.hint == "did you mean 'width'?"


def test_a_missing_option_of_one_of_two_nets_is_found_at_that_net(tmp_path: Path) -> None:
    module(tmp_path, PLAIN, "own_options_missing")
    nets = ["{kind: linear}", "{kind: custom, target: 'own_options_missing:build'}"]
    text = GOOD.replace(
        "{kind: mlp, hidden_units: {int: [4, 16]}}", f"{{choice: [{', '.join(nets)}]}}"
    )
    with pytest.raises(SweepFileError, match="missing key 'depth'") as caught:
        check_text(text, "f.yaml", tmp_path)
    assert [one.path for one in caught.value.problems] == ["space.model.choice.1.options"]
