"""Ranges are held against the user's own Pydantic model, at both ends, where code may be run."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from sweeps.cli.entry import main
from sweeps.definition.loading import check_text
from sweeps.errors import SweepFileError

FILE = """\
name: modelled
objective: {{metric: dev_loss}}
metrics: {{loss: {{goal: min}}}}
search: {{method: random, trials: 1}}
space:
  training:
    kind: custom
    target: "tests.models.own_models:{target}"
    epochs: 2
    options:
      {options}
"""


def problems(folder: Path, options: str, target: str = "train") -> list[str]:
    with pytest.raises(SweepFileError) as caught:
        check_text(FILE.format(target=target, options=options), "f", folder)
    return [f"{one.line}:{one.column} {one.path}: {one.rule}" for one in caught.value.problems]


WRONG = {
    "low end": ("lr: {float: [0.0, 1.0]}", "11:20 space.training.options.lr.float.0: "
                "must be greater than 0, got 0.0"),
    "high end": ("lr: {float: [0.5, 2.0]}", "11:25 space.training.options.lr.float.1: "
                 "must be at most 1, got 2.0"),
    "choice": ("{lr: 1.0, form: {choice: [wide, flat]}}",
               "11:39 space.training.options.form.choice.1: 'flat' is not allowed"),
    "unknown": ("{lr: 1.0, wdth: 3}", "11:17 space.training.options.wdth: unknown key 'wdth'"),
    "missing": ("{width: 8}", "11:7 space.training.options.lr: missing key 'lr'"),
}  # fmt: skip


@pytest.mark.parametrize(("options", "said"), WRONG.values(), ids=WRONG)
def test_a_broken_rule_is_said_with_its_place(tmp_path: Path, options: str, said: str) -> None:
    assert problems(tmp_path, options) == [said]


def test_values_that_do_not_go_together_are_said_and_a_constraint_helps(tmp_path: Path) -> None:
    options = "{lr: 1.0, width: {int: [60, 90]}, form: {choice: [wide, deep]}}"
    text = FILE.format(target="train", options=options).replace("trials: 1", "trials: 20")
    with pytest.raises(SweepFileError, match="a deep net must be at most 64 wide"):
        check_text(text, "f", tmp_path)
    rule = "training.options.form == 'wide' or training.options.width <= 64"
    assert len(check_text(f'{text}constraints: ["{rule}"]\n', "f", tmp_path)[1]) == 20


def test_a_model_that_fails_itself_is_said(tmp_path: Path) -> None:
    said = "Crashes must take these options (RuntimeError: out of ideas)"
    assert said in problems(tmp_path, "lr: 1.0", "crashes")[0]


def test_validate_runs_nothing_unless_asked_and_says_what_it_left(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", list(sys.path))
    text = "from pydantic import BaseModel\n1 / 0\ndef train(trial, options: BaseModel): pass\n"
    (tmp_path / "not_run.py").write_text(text)
    file = FILE.replace("tests.models.own_models", "not_run")
    (tmp_path / "f.yaml").write_text(file.format(target="train", options="lr: 1.0"))
    assert main(["validate", str(tmp_path / "f.yaml")]) == 0
    assert "not checked: the options of not_run:train" in capsys.readouterr().out
    assert main(["validate", "--run-code", str(tmp_path / "f.yaml")]) != 0
    assert "ZeroDivisionError" in capsys.readouterr().err
