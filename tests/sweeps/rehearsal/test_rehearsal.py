"""What own training promises is tried before a sweep relies on it."""

from __future__ import annotations

from typing import Any

import pytest

from sweeps.definition.planning import PlannedTrial
from sweeps.models.scoring.metric_configuration import MetricOptions
from sweeps.models.scoring.objective import Objective
from sweeps.models.trial_kinds import read_trial
from sweeps.rehearsal.rehearsal import Finding, rehearse
from tests.models.trial_fixtures import blobs


def rehearsed(name: str, **training: Any) -> str:
    """Return what is found of own training, as one text."""
    target = f"tests.models.own_trainings:{name}"
    section = {"kind": "custom", "target": target, "epochs": 4, **training}
    complete = read_trial({"training": section}).model_dump(mode="json")
    declared = {"loss": MetricOptions(goal="min"), "hits": MetricOptions(goal="max")}
    if name not in ("steps", "Steps"):
        del declared["hits"]
    goal = Objective("dev_loss", "min", declared)
    planned = [PlannedTrial(0, "0", 7, complete)]
    return "\n".join(map(str, rehearse(planned, [blobs()], goal)))


def rehearsed_net(name: str, *options: dict[str, Any], **sections: Any) -> list[Finding]:
    """Return what is found of a net of the user's own, in a trial for each of its options."""
    target = f"tests.sweeps.rehearsal.rehearsed_nets:{name}"
    planned = []
    for index, one in enumerate(options or ({},)):
        configuration = {
            "model": {"kind": "custom", "target": target, "options": one},
            "optimizer": {"kind": "sgd", "lr": 0.1},
            "training": {"epochs": 1, "batch_size": 16},
            **sections,
        }
        complete = read_trial(configuration).model_dump(mode="json")
        planned.append(PlannedTrial(index, str(index), 7, complete))
    return list(rehearse(planned, [blobs()], Objective("dev_loss", "min")))


@pytest.mark.parametrize("name", ["steps", "Steps", "two_nets", "Bandit"])
def test_what_keeps_its_promises_passes(name: str) -> None:
    assert rehearsed(name) == ""


@pytest.mark.parametrize("name", ["forgets_its_momentum", "counts_in_a_local"])
def test_state_that_is_not_kept_is_found(name: str) -> None:
    found = rehearsed(name)
    assert found.startswith(
        "a trial that continues from its checkpoint differs in epoch 2 (dev_loss"
    )
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


@pytest.mark.parametrize(
    "name", ["dropout", "DrawsInEvaluation", "norms_as_usual", "ends_in_log_softmax"]
)
def test_a_net_that_keeps_its_promises_passes(name: str) -> None:
    assert rehearsed_net(name) == []


def test_a_loss_of_ones_own_may_take_probabilities() -> None:
    loss = {"kind": "custom", "target": "tests.models.own_losses:likelihood"}
    assert rehearsed_net("ends_in_softmax", loss=loss) == []


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Unseeded", "two runs from one seed differ in epoch "),
        ("CountsInAnAttribute", "a trial that continues from its checkpoint differs in epoch 2 "),
        ("CountsEvaluations", "evaluating once more changes what follows in epoch 2 "),
        ("CentresTheBatch", "the answer to a row depends on the rows evaluated with it"),
        ("ends_in_softmax", "the net must return logits, and returns probabilities"),
        ("norms_of_the_batch", "the answer to a row depends on the rows evaluated with it"),
    ],
)
def test_what_a_net_does_not_keep_is_found_at_its_name(name: str, words: str) -> None:
    (found,) = rehearsed_net(name)
    assert (found.trial, found.key) == (0, ("model", "target"))
    assert found.rule.startswith(words)
    assert found.hint


def test_an_option_that_changes_nothing_is_found_and_one_that_does_is_not() -> None:
    options = [{"width": 4, "rate": 0.5}, {"width": 8, "rate": 0.1}, {"width": 16, "rate": 0.2}]
    (found,) = rehearsed_net("swallows", *options)
    assert found.key == ("model", "options", "rate")
    assert "with 0.5 and 0.1 two epochs of training are equal bit for bit" in found.rule


def test_an_option_that_counts_only_beside_another_is_not_called_unused() -> None:
    options = [{"deep": False, "width": 4}, {"deep": True, "width": 8}, {"deep": True, "width": 2}]
    assert rehearsed_net("wide_where_deep", *options) == []


def test_a_net_that_no_trial_can_train_is_found_and_one_in_three_is_for_its_trial() -> None:
    (found,) = rehearsed_net("wants", {"width": 1}, {"width": 2})
    assert "must be 4" in found.rule
    assert rehearsed_net("wants", {"width": 1}, {"width": 4}) == []
