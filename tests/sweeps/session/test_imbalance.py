"""A class of one row in a hundred can be searched for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import sweeps
from sweeps.definition.loading import check_sweep
from tests.sweeps.sweep_files import write_sweep

BALANCED = "{kind: cross_entropy, class_weights: balanced}"
ADAM = "{kind: adam, lr: {choice: [0.02, 0.05]}}"
TRAINING = "{epochs: 20, batch_size: 256, device: cpu}"


def sweep_on_a_rare_class(folder: Path, loss: str, objective: str, **sections: str) -> Path:
    """Write a grid over data of which one row in a hundred is bad."""
    random = np.random.default_rng(0)
    bad = np.arange(6000) % 100 == 0
    x = random.normal(size=(6000, 3)) + np.outer(bad, [2.5, 0, 0])
    rows = [f"{a},{b},{c},{'zbad' if one else 'ok'}" for (a, b, c), one in zip(x, bad, strict=True)]
    (folder / "rare.csv").write_text("\n".join(["a,b,c,y", *rows]))
    space = f"{{model: {{kind: linear}}, loss: {loss}, optimizer: {ADAM}, training: {TRAINING}}}"
    chosen = {"search": "{method: grid}", "final": "{top_k: 1, seeds: 1}", **sections}
    return write_sweep(
        folder,
        data="{source: rare.csv, target: y}",
        objective=f"{{metric: {objective}}}",
        metrics="[f1_binary, average_precision]",
        space=space,
        **chosen,
    )


@pytest.mark.parametrize(
    ("loss", "objective", "low", "high"),
    [
        ("{kind: auto}", "dev_loss", 0.5, 0.6),
        (f"{{choice: [{{kind: auto}}, {BALANCED}]}}", "dev_balanced_accuracy", 0.75, 1.0),
    ],
)
def test_the_winner_finds_a_rare_class_where_the_objective_and_the_loss_ask_for_it(
    tmp_path: Path, loss: str, objective: str, low: float, high: float
) -> None:
    path = sweep_on_a_rare_class(tmp_path, loss, objective)
    runs = tmp_path / "runs"
    results = sweeps.run(path, runs=runs, runner="local", tracking_uri="none")
    found = results.openings[-1].metrics
    assert low <= found["test_balanced_accuracy"].value <= high
    assert {"test_f1_binary", "test_average_precision"} <= found.keys()


def test_weights_of_a_class_may_be_a_list_among_other_choices(tmp_path: Path) -> None:
    loss = "{kind: focal, gamma: {float: [0, 3]}, class_weights: {choice: [none, [1, 9]]}}"
    path = sweep_on_a_rare_class(tmp_path, loss, "dev_auc", search="{method: random, trials: 6}")
    _, plan = check_sweep(path)
    found = [trial.configuration["loss"]["class_weights"] for trial in plan]
    assert "none" in found
    assert [1.0, 9.0] in found
