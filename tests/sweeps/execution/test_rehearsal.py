"""What own training promises is tried before a sweep relies on it."""

from __future__ import annotations

from typing import Any

import pytest

from sweeps.definition.planning import PlannedTrial
from sweeps.execution.rehearsal import rehearse
from sweeps.models.scoring.metric_configuration import MetricOptions
from sweeps.models.scoring.objective import Objective
from sweeps.models.trial_kinds import read_trial
from tests.models.trial_fixtures import blobs


def rehearsed(name: str, **training: Any) -> str:
    target = f"tests.models.own_trainings:{name}"
    section = {"kind": "custom", "target": target, "epochs": 4, **training}
    complete = read_trial({"training": section}).model_dump(mode="json")
    declared = {"loss": MetricOptions(goal="min"), "hits": MetricOptions(goal="max")}
    if name not in ("steps", "Steps"):
        del declared["hits"]
    goal = Objective("dev_loss", "min", declared)
    return rehearse(PlannedTrial(0, "0", 7, complete), [blobs()], goal)


@pytest.mark.parametrize("name", ["steps", "Steps", "two_nets", "Bandit"])
def test_what_keeps_its_promises_passes(name: str) -> None:
    assert rehearsed(name) == ""


@pytest.mark.parametrize("name", ["forgets_its_momentum", "counts_in_a_local"])
def test_state_that_is_not_kept_is_found(name: str) -> None:
    found = rehearsed(name)
    assert found.startswith("a trial that goes on from its checkpoint differs in epoch 2 (dev_loss")
    assert "trial.keep(...)" in found


@pytest.mark.parametrize("name", ["draws_what_nobody_seeds", "keeps_what_nobody_seeds"])
def test_numbers_that_nobody_seeds_are_found(name: str) -> None:
    found = rehearsed(name)
    assert found.startswith("two runs from one seed differ in ")
    assert "trial.seed" in found


@pytest.mark.parametrize("name", ["forgets_its_momentum", "counts_in_a_local"])
def test_what_begins_again_need_not_go_on(name: str) -> None:
    assert rehearsed(name, resume="from_start") == ""


def test_one_epoch_tells_nothing() -> None:
    assert rehearsed("counts_in_a_local", epochs=1) == ""
