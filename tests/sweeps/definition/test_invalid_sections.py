"""A section that is wrong in itself is told once: nothing is said of the defaults in its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from sweeps.definition.loading import check_text
from sweeps.errors import SweepFileError

OWN = "def train(trial, a): ...\ndef loss(output, target): ...\n"
LOSSES = """\
name: t
data: {source: iris}
objective: {metric: dev_accuracy}
search: {method: random, trials: 4}
space:
  model: {kind: linear}
  optimizer: {kind: sgd, lr: {float: [0.1, 1.0]}}
  loss: {choice: [{kind: cross_entropy}, {kind: custom, target: "own:loss"}]}
  training: {epochs: 3}
"""
SCORED = """\
name: t
data: {source: iris}
metrics: {profit: {target: "own:loss", goal: max}}
objective: {metric: dev_profit}
search: {method: random, trials: 4}
space:
  model: {kind: linear}
  optimizer: {kind: sgd, lr: {float: [0.1, 1.0]}}
  training: {epochs: 3}
"""
CHOOSES = SCORED.replace("dev_profit", "dev_loss") + "final: {choose: {max: dev_profit}}\n"
OWN_LOOP = """\
name: t
metrics: {profit: {goal: max}}
objective: {metric: dev_profit}
search: {method: random, trials: 4}
space:
  training: {kind: custom, target: "own:train", epochs: 3, options: {a: {float: [0, 1]}}}
"""
PROGRAM = OWN_LOOP.replace(
    'kind: custom, target: "own:train"', 'kind: program, command: "python own.py {a}"'
)
POPULATION = """\
name: t
data: {source: iris}
search: {method: random, trials: 4}
stopping: {scheduler: pbt, interval_epochs: 1}
space:
  model: {kind: linear}
  optimizer: {kind: sgd, lr: {float: [0.1, 1.0]}}
  training: {epochs: 3}
"""
HELD = """\
name: t
data: {source: iris}
search: {method: random, trials: 4}
space:
  model: {kind: linear}
  optimizer: {kind: sgd, lr: {float: [0.1, 1.0]},
    momentum: {choice: [0.0, 0.9]}, nesterov: {choice: [true, false]}}
  training: {epochs: 3}
constraints: ["not optimizer.nesterov or optimizer.momentum > 0"]
"""

# What is changed, what it becomes, and the only places that are then told.
CASES = {
    "a goal in the objective": (LOSSES, "dev_accuracy", "dev_accuracy, goal: max",
                                ["objective.goal"]),
    "no metric in the objective": (LOSSES, "{metric: dev_accuracy}", "dev_accuracy",
                                   ["objective"]),
    "a metric's goal": (SCORED, "goal: max", "gaol: max", ["metrics.profit.gaol"]),
    "a metric's goal, with choose": (CHOOSES, "goal: max", "gaol: max", ["metrics.profit.gaol"]),
    "a metric of an own loop": (OWN_LOOP, "goal: max", "goal: high", ["metrics.profit.goal"]),
    "a metric of a program": (PROGRAM, "{profit: {goal: max}}", "3", ["metrics"]),
    "no space": (OWN_LOOP, "space:\n", "spaec:\n", ["spaec"]),
    "a space that is a list": (OWN_LOOP, "space:\n  training", "space:\n- training", ["space"]),
    "an own loop's kind": (OWN_LOOP, "kind: custom", "kind: costum", ["space.training.kind"]),
    "a program's kind": (PROGRAM, "kind: program", "kind: progam", ["space.training.kind"]),
    "a population's search": (POPULATION, "trials: 4", "trails: 4", ["search.trails"]),
    "a text as constraints": (HELD, HELD[HELD.index('["') :], '"model.kind == model.kind"\n',
                              ["constraints"]),
    "a constraint that is none": (HELD, "not optimizer", "nt optimizer", ["constraints.0"]),
}  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "own.py").write_text(OWN)
    return tmp_path


def told(text: str, folder: Path) -> list[str]:
    with pytest.raises(SweepFileError) as caught:
        check_text(text, "sweep.yaml", folder)
    return [problem.path for problem in caught.value.problems]


@pytest.mark.parametrize("text", [LOSSES, SCORED, CHOOSES, OWN_LOOP, PROGRAM, POPULATION, HELD])
def test_the_files_are_right_as_they_stand(folder: Path, text: str) -> None:
    check_text(text, "sweep.yaml", folder)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_wrong_section_alone_is_told(folder: Path, case: tuple[str, str, str, list[str]]) -> None:
    text, what, becomes, places = case
    assert what in text
    assert told(text.replace(what, becomes), folder) == places
