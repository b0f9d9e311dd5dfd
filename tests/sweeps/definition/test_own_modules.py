"""A user-defined net is looked for without running its module."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from sweeps.definition.loading import check_text
from sweeps.definition.own_files import make_importable
from sweeps.definition.own_modules import function_problem
from sweeps.errors import SweepFileError
from sweeps.models.own_code.roles import OwnFunction
from tests.sweeps.definition.test_checks import GOOD

MODULE = (
    "from os import path as build_elsewhere\nSIZE = 3\ndef build():\n    pass\nimport no_such\n"
)


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "own_net_to_find.py").write_text(MODULE)
    (tmp_path / "own_net_in_loop.py").write_text("for name in 'ab':\n    globals()[name] = 1\n")
    (tmp_path / "own_package_that_fails").mkdir()
    (tmp_path / "own_package_that_fails" / "__init__.py").write_text("1 / 0\n")
    monkeypatch.setattr(sys, "path", list(sys.path))
    make_importable(tmp_path)


@pytest.mark.parametrize("target", [
    "own_net_to_find:build", "own_net_to_find:build_elsewhere", "own_net_to_find:SIZE",
    "own_net_in_loop:a", "json:loads",
])  # fmt: skip
def test_what_may_be_a_function_is_let_through_and_not_run(target: str) -> None:
    assert function_problem(OwnFunction("net", target)) is None
    assert "own_net_to_find" not in sys.modules


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("no_such_module:build", "there is no module 'no_such_module'"),
        ("no_such_package.part:build", "there is no module 'no_such_package.part'"),
        ("own_net_to_find:biuld", "has no 'biuld', got 'own_net_to_find:biuld'"),
    ],
)
def test_what_can_be_no_net_says_why(target: str, words: str) -> None:
    problem = function_problem(OwnFunction("net", target))
    assert problem is not None
    assert words in problem.rule


def test_a_package_that_fails_is_found_where_code_is_run_and_left_alone_where_not(
    tmp_path: Path,
) -> None:
    (tmp_path / "own_package_that_fails" / "part.py").write_text(
        "def build(input_shape, outputs): ...\n"
    )
    net = "kind: custom, target: 'own_package_that_fails.part:build'"
    text = GOOD.replace("kind: mlp, hidden_units: {int: [4, 16]}", net)
    check_text(text, "f.yaml", tmp_path, run_code=False)
    with pytest.raises(SweepFileError, match=r"cannot import module .*ZeroDivisionError"):
        check_text(text, "f.yaml", tmp_path)


def test_a_misspelt_function_is_found_by_validation_with_the_ones_there_are(tmp_path: Path) -> None:
    net = "kind: custom, target: 'own_net_to_find:biuld'"
    text = GOOD.replace("kind: mlp, hidden_units: {int: [4, 16]}", net)
    with pytest.raises(SweepFileError) as caught:
        check_text(text, "f.yaml", tmp_path)
    assert str(caught.value).startswith("f.yaml:5:33: space.model.target: module")
    assert str(caught.value).endswith("did you mean 'build'?")


def test_a_folder_is_put_first_and_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path])
    make_importable(tmp_path)
    make_importable(tmp_path)
    assert sys.path.count(str(tmp_path)) == 1
    assert sys.path[0] == str(tmp_path)


def test_a_models_package_of_the_users_is_found_before_all_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path])
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "__init__.py").write_text("")
    (tmp_path / "models" / "tabnet.py").write_text("def build(input_shape, outputs): ...\n")
    make_importable(tmp_path)
    assert function_problem(OwnFunction("net", "models.tabnet:build")) is None
