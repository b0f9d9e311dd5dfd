"""`changes`: a trial whose rates and regularizers become others on its way."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from pydantic import ValidationError

from sweeps.models.configuration import TrialConfig
from sweeps.models.errors import WeightsError
from sweeps.models.training.training import Training
from tests.models.trial_fixtures import DEV_LOSS, blobs, configuration, finished, train

BASE: dict[str, Any] = {
    "model": {"kind": "mlp", "hidden_units": 8, "dropout": 0.3},
    "optimizer": {"kind": "adamw", "lr": 0.05},
    "regularization": {"l2": 1e-3, "label_smoothing": 0.1},
    "training": {"epochs": 6, "batch_size": 16, "device": "cpu"},
}
VALUES = {"optimizer.lr": 0.01, "model.dropout": 0.1, "regularization.label_smoothing": 0.0}
CHANGED = {**BASE, "changes": [{"from_epoch": 4, "values": VALUES}]}


def training(sections: dict[str, Any]) -> Training:
    return Training(configuration(**sections), blobs(), DEV_LOSS, seed=1)


def weights(one: Training) -> dict[str, torch.Tensor]:
    return one._nets[0].tensors()


def test_up_to_the_change_it_is_the_trial_without_and_then_another() -> None:
    plain, changed = finished(training(BASE)), finished(training(CHANGED))
    losses = [[row["train_loss"] for row in one.history] for one in (plain, changed)]
    assert losses[0][:3] == losses[1][:3]
    assert losses[0][3] != losses[1][3]
    assert [row["lr"] for row in changed.history] == [0.05] * 3 + [0.01] * 3


def test_a_copy_of_a_checkpoint_goes_on_as_the_whole_trial_would_have() -> None:
    parent = train(training(BASE), 3)
    copy = training(CHANGED)
    copy.restore(parent.checkpoint())
    assert copy.best_row is None
    finished(copy)
    whole = finished(training(CHANGED))
    expected = weights(whole)
    assert all(torch.equal(one, expected[name]) for name, one in weights(copy).items())
    assert copy.best_epoch == whole.best_epoch
    assert whole.best_epoch is not None
    assert whole.best_epoch >= 4


def test_a_checkpoint_after_the_change_is_of_that_change_alone() -> None:
    later = train(training(CHANGED), 4).checkpoint()
    with pytest.raises(WeightsError, match="its own configuration"):
        training(BASE).restore(later)
    again = training(CHANGED)
    again.restore(later)
    assert finished(again).outcome == "completed"


def test_a_trial_without_changes_has_the_same_configuration_as_ever() -> None:
    assert "changes" not in configuration(**BASE).model_dump(mode="json")
    assert configuration(**CHANGED).at(4).optimizer.lr == 0.01
    assert configuration(**CHANGED).until(3) == configuration(**BASE)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ([{"from_epoch": 7, "values": VALUES}], "up to the last epoch, 6"),
        ([{"from_epoch": 4, "values": VALUES}] * 2, "must rise"),
        (
            [{"from_epoch": 2, "values": {"training.batch_size": 8.0}}],
            "cannot change during training",
        ),
        ([{"from_epoch": 2, "values": {"optimizer.momentum": 0.5}}], "has from the start"),
        ([{"from_epoch": 2, "values": {"model.dropout": 1.5}}], "less than 1"),
    ],
)
def test_changes_that_cannot_be_made_are_refused(changes: Any, told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        TrialConfig.model_validate({**BASE, "changes": changes})


def test_dropout_that_begins_at_0_has_nothing_to_change() -> None:
    model = {**BASE["model"], "dropout": 0.0}
    with pytest.raises(ValidationError, match="above 0 at the start"):
        TrialConfig.model_validate({**CHANGED, "model": model})


FROZEN: dict[str, Any] = {
    **BASE,
    "model": {"kind": "mlp", "hidden_units": 8},
    "optimizer": {"kind": "adamw", "lr": 0.05, "groups": [{"parameters": "0.*", "lr_factor": 0}]},
}
UNFROZEN = {
    **FROZEN,
    "changes": [{"from_epoch": 3, "values": {"optimizer.groups.0.lr_factor": 0.5}}],
}


def of_first_layer(one: Training) -> torch.Tensor:
    net = one._nets[0]._net
    return torch.cat([parameter.detach().flatten() for parameter in net[0].parameters()]).clone()


@pytest.mark.parametrize("kind", ["sgd", "adam", "adamw", "RAdam", "rmsprop"])
def test_a_group_of_rate_0_keeps_every_bit(kind: str) -> None:
    groups = {"kind": kind, "lr": 0.05, "groups": [{"parameters": "0.*", "lr": 0}]}
    one = training({**FROZEN, "optimizer": groups})
    before = of_first_layer(one)
    rest = one._nets[0]._net[2].weight.detach().clone()
    assert torch.equal(of_first_layer(finished(one)), before)
    assert not torch.equal(one._nets[0]._net[2].weight, rest)


def test_a_frozen_group_learns_from_the_epoch_that_changes_say() -> None:
    one = training(UNFROZEN)
    before = of_first_layer(one)
    assert torch.equal(of_first_layer(train(one, 2)), before)
    assert not torch.equal(of_first_layer(train(one, 1)), before)


def test_a_frozen_trial_that_was_stopped_goes_on_as_the_whole_would_have() -> None:
    again = training(UNFROZEN)
    again.restore(train(training(UNFROZEN), 2).checkpoint())
    whole, expected = weights(finished(again)), weights(finished(training(UNFROZEN)))
    assert all(torch.equal(one, expected[name]) for name, one in whole.items())


@pytest.mark.parametrize(
    ("key", "told"),
    [
        ("optimizer.groups.1.lr_factor", "has from the start"),
        ("optimizer.groups.0.lr", "has from the start"),
        ("optimizer.groups.0.parameters", "cannot change during training"),
    ],
)
def test_what_a_group_does_not_begin_with_cannot_change(key: str, told: str) -> None:
    changes = [{"from_epoch": 3, "values": {key: 0.5}}]
    with pytest.raises(ValidationError, match=told):
        configuration(**{**FROZEN, "changes": changes})
