"""A loss that is not finite ends its trial at that epoch, and no scheduler ever sees it."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

import sweeps
from sweeps.findings.results import Results
from tests.sweeps.drivers import events
from tests.sweeps.sweep_files import custom_model, own_net, space, write_sweep

SCHEDULERS = {
    "none": "{scheduler: none}",
    "asha": "{scheduler: asha, grace_epochs: 1, reduction_factor: 2}",
    "median": "{scheduler: median, grace_epochs: 1, min_samples: 1}",
    "hyperband": "{scheduler: hyperband, reduction_factor: 3}",
    "bandit": "{scheduler: bandit, slack: 0.5}",
}
# Weights become not finite in the fifth epoch of trial 0: three batches and one pass an epoch.
BREAKS = """
        if self.training and self.number == 1:
            self.epochs = getattr(self, 'epochs', 0) + 1
            if self.epochs > 4: out = out * float('{value}')
"""


def run(folder: Path, value: str, stopping: str) -> Results:
    target = own_net(folder, f"breaks_{abs(hash(folder))}", BREAKS.replace("{value}", value))
    models = f"{{choice: [{', '.join(custom_model(target, n) for n in (1, 2, 3, 4))}]}}"
    text = space(models, "{kind: adam, lr: 0.01}").replace("batch_size: 32", "batch_size: full")
    path = write_sweep(folder, search="{method: grid}", stopping=stopping, space=text)
    return sweeps.run(path, runs=folder / "runs", runner="local", tracking_uri="none")


@pytest.mark.parametrize("value", ["nan", "inf", "-inf"])
@pytest.mark.parametrize("scheduler", list(SCHEDULERS))
def test_a_trial_diverges_at_its_first_value_that_is_not_finite(
    tmp_path: Path, scheduler: str, value: str
) -> None:
    results = run(tmp_path, value, SCHEDULERS[scheduler])
    diverged = results.record.trials[0]
    assert (str(diverged.outcome), diverged.epochs) == ("diverged", 5)
    assert "epoch 5" in diverged.reason
    assert diverged.best_epoch == 4


def test_the_weights_kept_of_a_diverged_trial_are_those_of_its_best_epoch(tmp_path: Path) -> None:
    from sweeps.models.training.weights import load_weights

    results = run(tmp_path, "nan", SCHEDULERS["none"])
    _, about = load_weights(results.folder.weights / "000000-0004.safetensors")
    best = results.record.trials[0].best
    assert best is not None
    assert about["metrics"] == {name: value for name, value in best.items() if name != "epoch_s"}


@pytest.mark.parametrize("value", ["nan", "inf"])
def test_no_rung_holds_a_value_that_is_not_finite(tmp_path: Path, value: str) -> None:
    results = run(tmp_path, value, SCHEDULERS["asha"])
    seen = [event["seen"] for event in events(results.path, "decision")]
    cutoffs = [rung["cutoff"] for rung in seen if rung["cutoff"] is not None]
    entered = {(event["trial"], event["epoch"]) for event in events(results.path, "decision")}
    assert all(map(math.isfinite, cutoffs))
    assert (0, 5) not in entered
