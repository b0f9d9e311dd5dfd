"""Own training goes on with other options from what it keeps, as if they were set by hand."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from pydantic import ValidationError

from sweeps.models.own_training_configuration import OwnTrialConfig
from sweeps.models.training.training import Training
from tests.models.training.test_own_loop import BOTH, begin
from tests.models.trial_fixtures import blobs, finished, train, without_times

VALUES = {"lr": 0.01, "drop": 0.5, "smooth": 0.1}
EARLY = {"lr": 0.05, "drop": 0.2, "smooth": 0.0}
CHANGES = [{"from_epoch": 4, "values": {f"training.options.{k}": v for k, v in VALUES.items()}}]


def own(name: str, options: dict[str, Any], **sections: Any) -> OwnTrialConfig:
    target = f"tests.models.own_changing:{name}"
    training = {"kind": "custom", "target": target, "options": options, "epochs": 6}
    training |= sections.pop("training", {})
    return OwnTrialConfig.model_validate({"training": training, **sections})


def trial(name: str, changes: Any = CHANGES, data: Any = None) -> Training:
    return begin(own(name, EARLY, changes=changes), data or blobs(), declared=BOTH)


both_forms = pytest.mark.parametrize("name", ["changing", "Changing"])


@both_forms
def test_it_is_the_loop_that_sets_the_values_itself(name: str) -> None:
    by_hand = begin(own("by_hand", {"epoch": 4, **VALUES}), blobs(), declared=BOTH)
    plain = trial(name, [])
    assert without_times(finished(trial(name))) == without_times(finished(by_hand))
    assert without_times(finished(plain))[:3] == without_times(by_hand)[:3]
    assert without_times(plain)[3] != without_times(by_hand)[3]


@both_forms
@pytest.mark.parametrize("folds", [1, 2])
@pytest.mark.parametrize("stop", [1, 2, 3, 4, 5])
def test_a_stopped_one_goes_on_bit_for_bit(name: str, folds: int, stop: int) -> None:
    data = [blobs(), blobs(120)][:folds]
    twice = [*CHANGES, {"from_epoch": 6, "values": {"training.options.lr": 0.2}}]
    whole = finished(trial(name, twice, data))
    again = trial(name, twice, data)
    again.restore(train(trial(name, twice, data), stop).checkpoint())
    finished(again)
    assert without_times(again) == without_times(whole)
    torch.testing.assert_close(again.best_weights, whole.best_weights, rtol=0, atol=0)


@both_forms
def test_the_checkpoint_of_one_without_the_change_goes_on_as_the_whole(name: str) -> None:
    copy = trial(name)
    copy.restore(train(trial(name, []), 3).checkpoint())
    assert copy.best_row is None
    assert without_times(finished(copy)) == without_times(finished(trial(name)))
    assert copy.best_epoch is not None
    assert copy.best_epoch >= 4


@pytest.mark.parametrize(
    ("changes", "training", "told"),
    [
        ({"training.options.depth": 1.0}, {}, "that the trial has from the start"),
        ({"training.options.form": 1.0}, {}, "only a number can change"),
        ({"training.epochs": 9}, {}, "this value cannot change"),
        ({"training.options.lr": 0.1}, {"resume": "from_start"}, "begun anew from what it keeps"),
    ],
)
def test_changes_that_cannot_be_made_are_refused(changes: Any, training: Any, told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        own(
            "changing",
            {"lr": 0.1, "form": "round"},
            training=training,
            changes=[{"from_epoch": 2, "values": changes}],
        )


def test_a_configuration_without_changes_is_written_as_ever() -> None:
    assert "changes" not in own("changing", {}).model_dump(mode="json")
