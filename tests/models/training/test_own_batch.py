from __future__ import annotations

from typing import Any

import pytest
import torch

from sweeps.models.errors import NetError, OwnFunctionError
from sweeps.models.splits.splits import TrainDev
from sweeps.models.training.training import Training
from tests.models import own_batches
from tests.models.trial_fixtures import (
    DEV_LOSS,
    blobs,
    configuration,
    finished,
    without_times,
)

FULL = {"epochs": 3, "batch_size": "full", "device": "cpu"}


def own(name: str, **options: float) -> dict[str, Any]:
    return {"target": f"tests.models.own_batches:{name}", "options": options}


def trained(data: TrainDev, **sections: Any) -> Training:
    return finished(Training(configuration(**sections), data, DEV_LOSS, seed=3))


def test_a_function_that_changes_nothing_changes_no_curve() -> None:
    assert without_times(trained(blobs(), batch=own("same"))) == without_times(trained(blobs()))


def test_it_is_given_every_train_row_once_an_epoch_and_no_other() -> None:
    own_batches.SEEN.clear()
    data = blobs()
    trained(data, batch=own("same"), training={"epochs": 1, "batch_size": 16, "device": "cpu"})
    _, *epoch = own_batches.SEEN  # the first is the try before training
    seen = torch.cat(epoch)
    assert sorted(map(tuple, seen.tolist())) == sorted(map(tuple, data.x_train.tolist()))


@pytest.mark.parametrize("name", ["blank", "noise"])
@pytest.mark.parametrize("training", [FULL, {**FULL, "batch_size": 16}], ids=["full", "batches"])
def test_rows_that_are_evaluated_never_pass_through_it(name: str, training: dict[str, Any]) -> None:
    """Weights hardly move, so that only other rows could change what is measured of them."""
    options = {"std": 100.0} if name == "noise" else {}
    found = trained(blobs(), batch=own(name, **options), training=training, optimizer=STILL)
    plain = trained(blobs(), training=training, optimizer=STILL)
    for part in ("train_loss", "dev_loss"):
        assert found.history[-1][part] == pytest.approx(plain.history[-1][part], abs=1e-6)


@pytest.mark.parametrize("loss", [{"kind": "cross_entropy"}, {"kind": "focal", "gamma": 0.0}])
def test_probabilities_in_place_of_classes_are_smoothed_labels(loss: dict[str, Any]) -> None:
    """torch defines label smoothing e of k classes as the probabilities (1 - e) y + e / k."""
    found = trained(blobs(), batch=own("smoothed", share=0.2), loss=loss, training=FULL)
    smoothing = {"label_smoothing": 0.2}
    plain = trained(
        blobs(), regularization=smoothing, loss={"kind": "cross_entropy"}, training=FULL
    )
    for ours, theirs in zip(found.history, plain.history, strict=True):
        for part in ("train_loss", "dev_loss"):
            assert ours[part] == pytest.approx(theirs[part], abs=1e-6)


def test_a_single_logit_is_trained_on_a_probability() -> None:
    loss = {"kind": "binary_cross_entropy"}
    two = blobs(classes=2)
    found = trained(two, batch=own("second", certainty=1.0), loss=loss, training=FULL)
    plain = trained(two, loss=loss, training=FULL)
    assert without_times(found) == without_times(plain)
    unsure = trained(two, batch=own("second", certainty=0.6), loss=loss, training=FULL)
    assert without_times(unsure) != without_times(plain)


STILL = {"kind": "sgd", "lr": 1e-12}
BAD = {
    "inputs_alone": "must return (inputs, targets), not a Tensor",
    "fewer": "must return inputs as torch.float32 of shape (7, 5) on cpu, not as torch.float32 of"
    " shape (6, 5) on cpu",
    "doubles": "not as torch.float64 of shape (7, 5) on cpu",
    "wrong_class": "must return targets as torch.int64 of shape (7,) on cpu, not as torch.int32",
    "soft": "must return probabilities of classes in place of targets as torch.float32 of shape "
    "(7, 3) on cpu, not as torch.float32 of shape (7,)",
    "half": "probabilities of classes must lie between 0 and 1, those of a row add up to 1",
    "raising": "the function raised AttributeError: crop at own_bat",
    "no_such": "must have a function no_such",
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_function_is_an_error_with_its_place(name: str) -> None:
    with pytest.raises(OwnFunctionError) as caught:
        trained(blobs(), batch=own(name))
    assert str(caught.value).startswith("batch.target: ")
    assert BAD[name] in str(caught.value)


def test_a_net_that_does_not_take_the_rows_of_the_data_is_found_before_training() -> None:
    model = {"kind": "custom", "target": "tests.models.own_nets:tokens"}
    with pytest.raises(NetError, match=r"must take data rows, but raised \(IndexError") as caught:
        Training(configuration(model=model), blobs(), DEV_LOSS, seed=3)
    assert caught.value.is_permanent
