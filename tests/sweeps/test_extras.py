"""What an extra lacks is named as pip takes it, wherever the distribution itself came from."""

from __future__ import annotations

import shlex
import tomllib
from importlib import util
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import sweeps.errors
from sweeps.definition.loading import check_text
from sweeps.errors import MissingExtraError, require_extra
from sweeps.search_methods.learning import require_sampler

EXTRAS = tomllib.loads((Path(__file__).resolve().parents[2] / "pyproject.toml").read_text())[
    "project"
]["optional-dependencies"]
FILE = """\
name: t
data: {source: iris}
search: {method: METHOD, trials: 60, startup: 5}
space:
  model: {kind: linear}
  optimizer: {kind: sgd, lr: {float: [0.1, 1.0]}}
  training: {epochs: 3}
"""


@pytest.fixture
def hidden(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    names: set[str] = set()
    found = util.find_spec
    monkeypatch.setattr(
        sweeps.errors, "find_spec", lambda name: None if name in names else found(name)
    )
    return names


def wanted(error: MissingExtraError) -> set[Requirement]:
    return set(map(Requirement, shlex.split(str(error).partition(": pip install ")[2])))


def test_only_what_a_method_imports_is_asked_for(hidden: set[str]) -> None:
    hidden.add("cmaes")
    for method in ("tpe", "gp"):
        require_sampler(check_text(FILE.replace("METHOD", method), "t", Path())[0].file.search)
    needs = check_text(FILE.replace("METHOD", "cmaes"), "t", Path())[0].file.search
    with pytest.raises(MissingExtraError, match=r"`method: cmaes` needs .* \(cmaes\)") as caught:
        require_sampler(needs)
    assert wanted(caught.value) == {Requirement(EXTRAS["search"][0])}


def test_an_extra_whose_modules_have_other_names_is_asked_for_as_a_whole(hidden: set[str]) -> None:
    hidden.add("flask_wtf")  # which mlflow[auth] brings
    with pytest.raises(MissingExtraError) as caught:
        require_extra("server", "a cluster")
    own, *others = map(Requirement, EXTRAS["server"])
    assert own.extras == {"cluster"}
    assert wanted(caught.value) == {*others, *map(Requirement, EXTRAS["cluster"])}
