"""Problems of all sections are found in one go, each at its place, and nothing is half checked."""

from __future__ import annotations

from pathlib import Path

import pytest

from sweeps.definition.loading import check_sweep, check_text, load_sweep
from sweeps.definition.problems import at_place
from sweeps.errors import SweepFileError
from sweeps.search_spaces.problems import Problem
from tests.sweeps.definition.test_checks import GOOD, problems

BASELINE = "baseline: [{model: {kind: cnn}, optimizer: {kind: adam, lr: 0}}]"
MANY_WRONG = f"""\
name: t
seed: x
data: {{source: nope.csv, target: y}}
objective: {{metric: dev_acc}}
search: {{method: random, trials: 4, {BASELINE}}}
constraints: ["model.x > 3", 5, "("]
space:
  model: {{kind: mlp, hidden_units: {{int: [16, 4]}}, dropout: 2}}
  optimizer: {{kind: adam, momentum: 0.9}}
  training: {{epochs: 0}}
budget: {{time_s: .inf}}
"""


def paths(text: str, overrides: tuple[str, ...] = ()) -> list[str]:
    return [line.split(": ")[1] for line in problems(text, overrides)]


def test_a_fault_in_any_section_hides_none_in_the_others() -> None:
    assert paths(MANY_WRONG) == [
        "seed",
        "data.source",
        "objective.metric",
        "search.baseline.0.optimizer.lr",
        "constraints.0",
        "constraints.1",
        "constraints.2",
        "space.model.hidden_units.int",
        "space.model.dropout",
        "space.optimizer.momentum",
        "space.training.epochs",
        "budget.time_s",
    ]


def test_every_problem_of_a_file_has_its_line_and_column() -> None:
    found = problems(MANY_WRONG)
    assert found[0].startswith("f.yaml:2:7: seed: must be a whole number, got 'x'")
    assert found[-1].startswith("f.yaml:11:18: budget.time_s: must be a finite number, got inf")
    assert found[6].startswith("f.yaml:6:33: constraints.2: '(' was never closed")


@pytest.mark.parametrize("section", ["model", "optimizer", "training"])
def test_a_misspelt_section_is_told_as_an_unknown_key(section: str) -> None:
    found = problems(GOOD.replace(f"{section}:", f"{section}s:"))
    assert f"space.{section}s: unknown key '{section}s'" in found[0]
    assert f"did you mean '{section}'?" in found[0]


@pytest.mark.parametrize("key", ["kind", "method", "scheduler"])
def test_a_section_where_the_name_of_a_kind_stands_elsewhere_is_told(key: str) -> None:
    found = problems(GOOD.replace("training:", f"{key}:"))
    assert f"space.{key}: unknown key '{key}'" in "\n".join(found)


def test_a_value_of_a_megabyte_is_told_without_its_middle() -> None:
    [found] = problems(GOOD.replace("name: t", f"name: {'x' * 2**20}"))
    assert len(found) < 1200
    assert "name: must match" in found
    assert " characters) ... xxx" in found


def test_choices_of_a_megabyte_are_told_without_their_middle() -> None:
    problem = Problem(("data", "target"), "y", "must be a column", ("x" * 2**20, "z"))
    assert len(str(at_place(problem, "f.yaml"))) < 1200


def test_configurations_listed_in_a_faulty_search_are_checked_too() -> None:
    text = GOOD.replace("random, trials: 4", "manual, trials: 4, configurations: [{}]")
    assert paths(text) == [
        "search.trials",
        "search.configurations.0.model",
        "search.configurations.0.optimizer",
    ]


def test_a_faulty_space_is_blamed_once_and_not_for_each_listed_configuration() -> None:
    baseline = "baseline: [{model: {kind: linear}, optimizer: {kind: adam, lr: 0.1}}]"
    text = GOOD.replace("trials: 4", f"trials: 4, {baseline}").replace("epochs: 3", "epochs: 0")
    assert paths(text) == ["space.training.epochs"]


def test_a_missing_section_is_not_mistaken_for_what_stands_in_for_it() -> None:
    assert sorted(paths("name: t\n")) == ["data", "search", "space"]
    assert sorted(paths("name: t\nobjective: {metric: dev_r2}\n")) == ["data", "search", "space"]


def test_faulty_data_does_not_hide_a_metric_that_no_task_has() -> None:
    text = GOOD.replace("source: iris", "source: irsi") + "objective: {metric: dev_x}\n"
    assert paths(text) == ["data.source", "objective.metric"]
    assert "dev_mse, dev_mae, dev_r2" in problems(text)[1]


@pytest.mark.parametrize("seed", ["-1", "1.5", "99999999999999999999", "null"])
def test_a_seed_out_of_range_is_a_problem_and_no_crash(seed: str) -> None:
    assert paths(GOOD + f"seed: {seed}\n") == ["seed"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "f.yaml:1:1: the file is empty; see search_spaces/examples"),
        ("# nothing\n", "f.yaml:1:1: the file is empty"),
        ("- a\n", "f.yaml:1:1: the file must be a mapping: `key: value` lines"),
        ("name: t\n\tseed: 1\n", "indent with spaces, not tabs"),
        ("name: [t\n", "f.yaml:2:1: not YAML"),
        ("data:\n  source: a\n  source: b\n", "f.yaml:3:3: duplicate key 'source' (first on"),
    ],
)
def test_a_text_that_is_no_sweep_file_says_where_it_breaks(text: str, words: str) -> None:
    assert words in problems(text)[0]


@pytest.mark.parametrize("change", [("\n", "\r\n"), ("name", "\ufeffname")])
def test_line_ends_and_byte_order_marks_of_other_systems_are_read(change: tuple[str, str]) -> None:
    assert len(check_text(GOOD.replace(*change), "f.yaml", Path.cwd())[1]) == 4


def test_a_file_of_another_encoding_says_so(tmp_path: Path) -> None:
    (tmp_path / "f.yaml").write_bytes(b"name: \xe4\n")
    with pytest.raises(
        SweepFileError, match=r"f.yaml:1:7: not UTF-8: byte 6 is 0xe4; save the file"
    ):
        load_sweep(tmp_path / "f.yaml")


def test_data_files_and_modules_are_looked_for_beside_the_sweep_file(tmp_path: Path) -> None:
    code = "import numpy as np\ndef load():\n    return np.eye(30)[:, :3], np.arange(30) % 3\n"
    (tmp_path / "data_beside_a_sweep.py").write_text(code)
    (tmp_path / "f.yaml").write_text(GOOD.replace("iris", "'data_beside_a_sweep:load'"))
    sweep, planned = check_sweep(tmp_path / "f.yaml")
    assert sweep.data.outputs == 3
    assert len(planned) == 4
