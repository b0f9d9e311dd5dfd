"""docs/python.md has what `sweeps` exports: functions with signatures, attributes and errors."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

import sweeps
from sweeps import errors

PAGE = (Path(__file__).resolve().parent.parent / "docs" / "python.md").read_text(encoding="utf-8")
FUNCTIONS = sorted(set(sweeps.__all__) - {"Results"})
EXAMPLE = """
name: t
data: {source: iris}
search: {method: random, trials: 2}
final: {top_k: 1, seeds: 1}
space:
  model: {kind: linear}
  optimizer: {kind: adam, lr: {float: [0.01, 0.1]}}
  training: {epochs: 1}
"""


def signature(name: str) -> str:
    parameters = inspect.signature(getattr(sweeps, name)).parameters.values()
    plain = [one.replace(annotation=inspect.Parameter.empty) for one in parameters]
    return f"sweeps.{name}{inspect.Signature(plain)}"


def section(title: str) -> str:
    return re.split(r"^#+ ", PAGE.split(f"# {title}\n", maxsplit=1)[1], flags=re.MULTILINE)[0]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_each_function_has_its_section_with_its_signature(name: str) -> None:
    assert f"```text\n{signature(name)}\n```\n" in section(name)


def test_no_other_function_has_a_section() -> None:
    assert sorted(re.findall(r"^### (\w+)$", PAGE, flags=re.MULTILINE)) == FUNCTIONS


def test_each_attribute_of_results_is_described() -> None:
    public = {name for name in dir(sweeps.Results) if not name.startswith("_")}
    named = set(re.findall(r"^\| `(\w+)(?:\(\))?` \|", section("Results"), flags=re.MULTILINE))
    assert named == public | {"missing_in_mlflow"}


def test_each_error_is_described() -> None:
    classes = {
        name
        for name, one in vars(errors).items()
        if isinstance(one, type) and issubclass(one, errors.SweepError)
    }
    named = set(re.findall(r"^\| `(\w+)` \|", section("Errors"), flags=re.MULTILINE))
    assert named == classes - {"SweepError"}


def test_the_example_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "sweep.yaml").write_text(EXAMPLE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "none")
    (block,) = re.findall(r"^```python\n(.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL)
    exec(block, {})
    assert "'test_accuracy': Interval(" in capsys.readouterr().out
