"""A sweep file with own training is told what is wrong with it before anything starts."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from sweeps.definition.loading import check_text
from sweeps.errors import SweepFileError

GOOD = """name: t
data: {source: iris}
objective: {metric: dev_reward}
metrics: {reward: {goal: max}, loss: {}}
search: {method: random, trials: 3}
space:
  training:
    kind: custom
    target: "own:train"
    options: {lr: {float: [0.001, 0.1]}}
    epochs: 4
"""
CODE = "def train(trial, lr, width=3):\n    yield\n"


def problems(folder: Path, text: str, code: str = CODE) -> list[str]:
    (folder / "own.py").write_text(code)
    with pytest.raises(SweepFileError) as caught:
        check_text(text, "f.yaml", folder, run_code=False)
    return [f"{one.path}: {one.rule} {one.hint}" for one in caught.value.problems]


def test_metrics_and_their_directions_come_from_the_file(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(CODE)
    sweep, plan = check_text(GOOD, "f.yaml", tmp_path, run_code=False)
    assert (sweep.objective.metric, sweep.objective.mode) == ("dev_reward", "max")
    assert plan[0].configuration["training"]["options"].keys() == {"lr"}


@pytest.mark.parametrize(
    ("declared", "bounds"),
    [
        ("accuracy: {goal: max}", (0, 1)),
        ("accuracy: {}", (0, 1)),
        ("accuracy: {goal: max, bounds: [0, 100]}", (0, 100)),
        ("accuracy: {goal: min}", (-math.inf, math.inf)),
        ("r2: {}", (-math.inf, 1)),
        ("loss: {}", (-math.inf, math.inf)),
        ("reward: {goal: max}", (-math.inf, math.inf)),
    ],
)
def test_a_metric_by_a_known_name_has_its_range(
    tmp_path: Path, declared: str, bounds: tuple[float, float]
) -> None:
    (tmp_path / "own.py").write_text(CODE)
    text = GOOD.replace("dev_reward", f"dev_{declared.partition(':')[0]}")
    text = text.replace("{reward: {goal: max}, loss: {}}", f"{{{declared}}}")
    assert check_text(text, "f.yaml", tmp_path, run_code=False)[0].objective.bounds == bounds


def test_a_constraint_reads_an_option(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(CODE)
    text = GOOD + 'constraints: ["training.options.lr <= 0.01"]\n'
    _, plan = check_text(text, "f.yaml", tmp_path, run_code=False)
    assert max(trial.configuration["training"]["options"]["lr"] for trial in plan) <= 0.01


@pytest.mark.parametrize("section", ["model", "optimizer", "loss", "schedule"])
def test_a_section_that_own_training_does_not_read_is_refused(tmp_path: Path, section: str) -> None:
    text = GOOD.replace("space:\n", f"space:\n  {section}: {{kind: linear}}\n")
    [found] = problems(tmp_path, text)
    assert found.startswith(
        f"space.{section}: your own training builds its net, and would ignore this section"
    )
    assert "training.options" in found


CHANGES = {
    "a sample for metrics that it measures itself": (
        ("{source: iris}", "{source: iris, train_sample: 50}"),
        "data.train_sample: your own training computes its own metrics",
    ),
    "an option that it does not take": (
        ("lr: {float: [0.001, 0.1]}", "lr: 0.1, depth: {int: [1, 3]}"),
        "space.training.options.depth: unknown key 'depth', which own:train does not take",
    ),
    "an option that is missing": (
        ("lr: {float: [0.001, 0.1]}", "width: 3"),
        "space.training.options: missing key 'lr', which own:train has no default for",
    ),
    "a module that is not there": (
        ("own:train", "owm:train"),
        "space.training.target: there is no module 'owm'",
    ),
    "a function that is not there": (
        ("own:train", "own:tain"),
        "space.training.target: module 'own' has no 'tain'",
    ),
    "an objective that is not declared": (
        ("dev_reward", "dev_loss_of_mine"),
        "objective.metric: 'dev_loss_of_mine' is not a declared metric of your own",
    ),
    "an objective of no part": (
        ("metric: dev_reward", "metric: reward"),
        "objective.metric: 'reward' is not a declared metric of your own training",
    ),
    "no direction": (
        ("reward: {goal: max}", "reward: {}"),
        "metrics.reward: missing key 'goal'",
    ),
    "a name with a space": (
        ("loss: {}", "'my loss': {goal: min}"),
        "metrics.my loss: the name of a metric must consist of letters",
    ),
    "epochs of none": (
        ("epochs: 4", "epochs: 0"),
        "space.training.epochs: must be at least 1, got 0",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("change", "words"), CHANGES.values(), ids=CHANGES)
def test_a_mistake_is_named_with_its_place(
    tmp_path: Path, change: tuple[str, str], words: str
) -> None:
    assert change[0] in GOOD
    assert any(one.startswith(words) for one in problems(tmp_path, GOOD.replace(*change)))


def test_a_goal_of_a_metric_that_is_known_is_refused_without_own_training(tmp_path: Path) -> None:
    text = (
        "name: t\ndata: {source: iris}\nmetrics: {auc: {goal: max}}\n"
        "search: {method: random, trials: 1}\n"
        "space: {model: {kind: linear}, optimizer: {kind: sgd}, training: {epochs: 2}}\n"
    )
    [found] = problems(tmp_path, text)
    assert found.startswith("metrics.auc.goal: goal is only for your own metrics")


def test_own_training_beside_a_net_is_refused(tmp_path: Path) -> None:
    both = (
        "{choice: [{kind: custom, target: 'own:train', epochs: 2, options: {lr: 1}}, {epochs: 2}]}"
    )
    text = GOOD.partition("space:")[0] + f"space: {{training: {both}}}\n"
    words = "space.training: either all trials of a sweep or none must be trained by your own code"
    assert any(one.startswith(words) for one in problems(tmp_path, text))
