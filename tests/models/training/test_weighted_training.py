"""Rows that do not count alike in training: by their class, and by a column."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from sweeps.models.splits.splits import TrainDev
from sweeps.models.training.training import Training
from tests.models.trial_fixtures import DEV_LOSS, blobs, configuration, finished, line

FULL = {"epochs": 20, "batch_size": "full", "device": "cpu"}
BALANCED = {"kind": "cross_entropy", "class_weights": "balanced"}


def rare(rows: int = 2000, share: float = 0.01) -> TrainDev:
    """Two classes that overlap, of which the second has one row in a hundred."""
    random = np.random.default_rng(0)
    labels = (np.arange(rows) % round(1 / share) == 0).astype(np.int64)
    x = random.normal(size=(rows, 3)).astype(np.float32)
    x[:, 0] += 1.8 * labels
    cut = rows // 2
    return TrainDev(x[:cut], labels[:cut], x[cut:], labels[cut:], "classification", 2, (3,))


def curve(data: TrainDev, **sections: Any) -> list[float]:
    config = configuration(**{"training": FULL, **sections})
    return [row["dev_loss"] for row in finished(Training(config, data, DEV_LOSS, 3)).history]


@pytest.mark.parametrize("data", [blobs(), line()], ids=["classes", "numbers"])
def test_a_row_of_weight_two_is_as_two_rows(data: TrainDev) -> None:
    weights = 1.0 + np.arange(len(data.x_train)) % 2
    twice = np.repeat(np.arange(len(data.x_train)), weights.astype(int))
    repeated = replace(data, x_train=data.x_train[twice], y_train=data.y_train[twice])
    assert curve(replace(data, weights=weights)) == pytest.approx(curve(repeated), rel=1e-4)


def test_equal_weights_leave_the_curve_as_it_is() -> None:
    data = blobs()
    weighted = replace(data, weights=np.full(len(data.x_train), 7.0))
    assert curve(weighted) == pytest.approx(curve(data), rel=1e-5)


def test_weights_follow_their_rows_into_shuffled_and_accumulated_batches() -> None:
    data = blobs()
    training = {"epochs": 30, "batch_size": 4, "accumulate": 2, "device": "cpu"}
    # Rows of class 2 weigh nothing, so that the net learns that there are none.
    data = replace(data, weights=(data.y_train != 2).astype(float))
    done = finished(Training(configuration(training=training), data, DEV_LOSS, 0))
    weights = {name: tensor for name, tensor in done.best_weights.items() if "bias" in name}
    (bias,) = weights.values()
    assert bias.argmin() == 2


def test_balanced_classes_come_to_scikit_learns_logistic_regression() -> None:
    data = rare(share=0.1)
    sections = {"optimizer": {"kind": "adam", "lr": 0.1}, "loss": BALANCED}
    training = {"epochs": 800, "batch_size": "full", "device": "cpu"}
    done = finished(Training(configuration(training=training, **sections), data, DEV_LOSS, 0))
    reference = LogisticRegression(C=np.inf, class_weight="balanced", tol=1e-8)
    reference.fit(data.x_train, data.y_train)
    expected = -np.log(reference.predict_proba(data.x_dev)[np.arange(1000), data.y_dev]).mean()
    assert done.history[-1]["dev_loss"] == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize(
    ("loss", "low", "high"), [({"kind": "auto"}, 0.5, 0.6), (BALANCED, 0.75, 1.0)]
)
def test_balanced_weights_find_one_row_in_a_hundred_where_the_default_answers_the_majority(
    loss: dict[str, Any], low: float, high: float
) -> None:
    training, optimizer = {**FULL, "epochs": 60}, {"kind": "adam", "lr": 0.05}
    config = configuration(loss=loss, training=training, optimizer=optimizer)
    done = finished(Training(config, rare(), DEV_LOSS, 0))
    assert low <= done.history[-1]["dev_balanced_accuracy"] <= high


def test_the_reported_loss_has_no_weights() -> None:
    still = {"kind": "sgd", "lr": 1e-30}
    plain = Training(configuration(optimizer=still), rare(), DEV_LOSS, 0).train_epoch()
    weighted = configuration(optimizer=still, loss=BALANCED)
    row = Training(weighted, rare(), DEV_LOSS, 0).train_epoch()
    assert row["dev_loss"] == plain["dev_loss"]
    assert row["train_loss"] == plain["train_loss"]


def test_a_weighted_trial_continues_bit_for_bit() -> None:
    config = configuration(loss=BALANCED)
    whole = finished(Training(config, rare(400), DEV_LOSS, 5))
    begun = Training(config, rare(400), DEV_LOSS, 5)
    begun.train_epoch()
    resumed = Training(config, rare(400), DEV_LOSS, 5)
    resumed.restore(begun.checkpoint())
    finished(resumed)
    names = [name for name in whole.history[-1] if name != "epoch_s"]
    assert [resumed.history[-1][n] for n in names] == [whole.history[-1][n] for n in names]
    assert all(
        torch.equal(tensor, resumed.best_weights[name])
        for name, tensor in whole.best_weights.items()
    )
