from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from sweeps.models.errors import OwnFunctionError, TrialConfigError
from sweeps.models.splits.splits import TrainDev
from sweeps.models.training.training import Training
from tests.models.trial_fixtures import (
    DEV_LOSS,
    blobs,
    configuration,
    finished,
    line,
    without_times,
)

MLP = {"kind": "mlp", "hidden_layers": 1, "hidden_units": 8, "dropout": 0.2}


def own(name: str, **options: float) -> dict[str, Any]:
    return {"kind": "custom", "target": f"tests.models.own_losses:{name}", "options": options}


def trained(data: TrainDev, loss: dict[str, Any]) -> Training:
    config = configuration(model=MLP, optimizer={"kind": "adam"}, loss=loss)
    return finished(Training(config, data, DEV_LOSS, seed=3))


WEIGHTS = np.linspace(0, 2, len(blobs().y_train))


@pytest.mark.parametrize(
    ("data", "name", "kind"),
    [
        (blobs(), "entropy", "cross_entropy"),
        (line(), "square", "mse"),
        (replace(blobs(), weights=WEIGHTS), "entropy", "cross_entropy"),
    ],
    ids=["classes", "numbers", "weighted rows"],
)
def test_an_own_loss_trains_as_the_products_own_of_the_same_formula(
    data: TrainDev, name: str, kind: str
) -> None:
    ours = without_times(trained(data, {"kind": kind}))
    assert without_times(trained(data, own(name))) == [
        {name: pytest.approx(value, rel=1e-4) for name, value in row.items()} for row in ours
    ]


def test_what_an_own_loss_changes_in_place_is_its_own() -> None:
    plain, spoiling = (trained(blobs(), own(name)) for name in ("entropy", "spoiling_entropy"))
    assert without_times(spoiling) == without_times(plain)


def test_what_a_trial_reports_as_its_loss_is_the_mean_of_its_own() -> None:
    data = line()
    plain, shifted = (trained(data, own(name)) for name in ("square", "shifted_square"))
    for_plain, for_shifted = (one.history[-1]["dev_loss"] for one in (plain, shifted))
    assert for_shifted == pytest.approx(for_plain - 100, rel=1e-5)
    assert shifted.best_epoch == plain.best_epoch


def test_the_options_of_an_own_loss_reach_it() -> None:
    found = trained(blobs(), own("focal", gamma=1.7))
    ours = trained(blobs(), {"kind": "focal", "gamma": 1.7})
    torch.testing.assert_close(found.best_weights, ours.best_weights, rtol=1e-4, atol=1e-5)


BAD = {
    "scalar": ("returned one of shape ()", "Do not average (for torch's losses: reduction"),
    "by_class": ("returned one of shape (7, 3)", "Average over all dimensions but the first"),
    "a_number": ("returned a float", ""),
    "whole_numbers": ("with gradients, and returned torch.bool", ""),
    "detached": ("must be differentiable with respect to `outputs`", "without .detach(), .item()"),
    "raising": ("the function raised KeyError: 'alpha' at own_losses.py:", ""),
    "later_raising": ("raised IndexError: . at own_losses.py:", ""),
    "focal": ("missing 1 required keyword-only argument: 'gamma'", ""),
    "no_such": ("must have a function no_such", ""),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_loss_is_an_error_with_its_place_and_the_way_out(name: str) -> None:
    with pytest.raises(OwnFunctionError) as caught:
        trained(blobs(), own(name))
    rule, hint = BAD[name]
    assert str(caught.value).startswith("loss.target: ")
    assert rule in str(caught.value)
    assert hint in caught.value.hint


@pytest.mark.parametrize("name", ["scalar", "raising", "later_raising", "detached"])
def test_what_would_be_wrong_again_is_not_tried_again(name: str) -> None:
    with pytest.raises(OwnFunctionError) as caught:
        trained(blobs(), own(name))
    assert caught.value.is_permanent


def test_a_loss_that_runs_out_of_memory_may_be_tried_again() -> None:
    with pytest.raises(torch.OutOfMemoryError):
        trained(blobs(), own("out_of_memory"))


def test_rows_against_all_rows_are_called_that() -> None:
    with pytest.raises(OwnFunctionError, match="The result was broadcast across rows"):
        trained(line(), own("squared_table"))


def test_label_smoothing_is_not_for_an_own_loss() -> None:
    config = configuration(loss=own("entropy"), regularization={"label_smoothing": 0.1})
    with pytest.raises(TrialConfigError, match="the loss is custom"):
        Training(config, blobs(), DEV_LOSS, seed=0)
