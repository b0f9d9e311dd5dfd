"""What `scheduler: pbt` cannot go with is said before anything starts; what copies try is legal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sweeps.definition.exploring import Explorer
from sweeps.definition.loading import check_text
from sweeps.errors import SweepFileError
from sweeps.schedulers.population import PopulationBased

FILE = """\
name: t
seed: 4
data: {source: iris}
search: {method: random, trials: 8}
stopping: {scheduler: pbt, interval_epochs: 3}
space:
  model: {kind: mlp, dropout: {float: [0.0, 0.5]}}
  optimizer: {choice: [{kind: sgd, lr: {float: [1.0e-3, 1.0], log: true}}, {kind: adam}]}
  regularization: {l2: {float: [1.0e-6, 1.0e-2], log: true}}
  training: {epochs: 9}
constraints: ["regularization.l2 <= 0.005"]
"""


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("method: random", "method: tpe, startup: 2", "tpe proposes trials one at a time"),
        ("trials: 8", "trials: 1", "at least 2 trials"),
        ("interval_epochs: 3", "interval_epochs: 9", "no trial copies another"),
        ("epochs: 9", "epochs: {choice: [9, 12]}", "the same number of epochs"),
        ("regularization: {", "regularization: {early_stopping: {patience: 2}, ", "stop early"),
        ("data:", "roles: {scientific: [optimizer]}\ndata:", "roles need independent draws"),
        (
            "  training",
            "  changes: [{from_epoch: 2, values: {regularization.l2: 0.1}}]\n  training",
            "writes changes itself",
        ),
    ],
)
def test_what_does_not_go_with_a_population_is_refused_with_a_way_out(
    old: str, new: str, told: str
) -> None:
    with pytest.raises(SweepFileError, match=told):
        check_text(FILE.replace(old, new), "f.yaml", Path.cwd())


def test_a_fault_elsewhere_in_the_space_is_told_and_no_more() -> None:
    text = FILE.replace(
        "{choice: [{kind: sgd, lr: {float: [1.0e-3, 1.0], log: true}}, ", "{kind: 1"
    )
    with pytest.raises(SweepFileError) as raised:
        check_text(text.replace("1{kind: adam}]}", "1}"), "f.yaml", Path.cwd())
    assert [one.path for one in raised.value.problems] == ["space.optimizer.kind"]


def test_a_population_needs_something_to_change() -> None:
    space = "space:\n  model: {kind: linear}\n  optimizer: {kind: adam}\n"
    text = f"{FILE.partition('space:')[0]}{space}  training: {{epochs: {{int: [9, 9]}}}}\n"
    with pytest.raises(SweepFileError, match="a range that can change"):
        check_text(text.replace("{int: [9, 9]}", "9"), "f.yaml", Path.cwd())


def explorer() -> tuple[Explorer, list[dict[str, Any]]]:
    sweep, planned = check_text(FILE, "f.yaml", Path.cwd())
    assert isinstance(sweep.file.stopping, PopulationBased)
    return Explorer(sweep.file, sweep.file.stopping), [one.configuration for one in planned]


def test_values_are_multiplied_or_drawn_within_their_ranges_and_constraints() -> None:
    draws, planned = explorer()
    found = [(one, draws.values(trial, 3, one)) for one in planned for trial in range(40)]
    l2 = [values["regularization.l2"] / one["regularization"]["l2"] for one, values in found]
    multiplied = [ratio for ratio in l2 if abs(ratio - 0.8) < 1e-6 or abs(ratio - 1.2) < 1e-6]
    assert 0.6 < len(multiplied) / len(l2) < 0.85
    assert all(1e-6 <= values["regularization.l2"] <= 0.005 for _, values in found)
    assert all(0 < values["model.dropout"] <= 0.5 for _, values in found)


def test_only_what_was_drawn_from_a_range_is_changed() -> None:
    draws, planned = explorer()
    kinds = {one["optimizer"]["kind"]: set(draws.values(0, 3, one)) for one in planned}
    both = {"model.dropout", "regularization.l2"}
    assert kinds == {"sgd": both | {"optimizer.lr"}, "adam": both}


def test_a_draw_is_a_function_of_seed_trial_and_epoch() -> None:
    draws, planned = explorer()
    again, _ = explorer()
    assert draws.values(1, 3, planned[0]) == again.values(1, 3, planned[0])
    assert draws.values(1, 3, planned[0]) != draws.values(1, 6, planned[0])
    assert {draws.source(trial, 3, [5, 7]) for trial in range(20)} == {5, 7}
