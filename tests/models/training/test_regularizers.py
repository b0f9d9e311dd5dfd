from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from sklearn.linear_model import Lasso, LogisticRegression, Ridge
from torch import nn

from sweeps.models.configuration import Regularization
from sweeps.models.optimizers.flat_parameters import FlatParameters
from sweeps.models.scoring.metrics import Mode
from sweeps.models.training.regularizers import Patience, gradient_changes
from sweeps.models.training.training import Training
from sweeps.models.training.weights import unpack
from tests.models.trial_fixtures import DEV_LOSS, blobs, configuration, finished, line


def regularization(**keys: object) -> Regularization:
    return configuration(regularization=keys).regularization


def linear_after(
    epochs: int, lr: float, task: str, schedule: dict[str, Any], **penalty: float
) -> dict[str, np.ndarray[Any, Any]]:
    """Weights of a linear net after batch gradient descent, which ends at the optimum."""
    config = configuration(
        optimizer={"kind": "sgd", "lr": lr},
        schedule=schedule,
        regularization=penalty,
        training={"epochs": epochs, "batch_size": "full", "device": "cpu"},
    )
    data = blobs() if task == "classification" else line()
    training = finished(Training(config, data, DEV_LOSS, seed=0))
    tensors, _ = unpack(training.checkpoint())
    names = ("0.weight", "0.bias")
    return {name: tensors[f"parameters/{name}"].numpy() for name in names}


def test_l2_linear_regression_is_scikit_learns_ridge() -> None:
    got = linear_after(300, 0.2, "regression", {"kind": "constant"}, l2=0.3)
    data = line()
    # Ridge: sum of squares + alpha |w|^2; ours: their mean + l2 / 2 |w|^2.
    expected = Ridge(alpha=0.3 / 2 * len(data.x_train)).fit(data.x_train, data.y_train)
    np.testing.assert_allclose(got["0.weight"][0], expected.coef_, atol=1e-4)
    np.testing.assert_allclose(got["0.bias"], expected.intercept_, atol=1e-4)


def test_l2_softmax_regression_is_scikit_learns_logistic_regression() -> None:
    got = linear_after(600, 0.3, "classification", {"kind": "constant"}, l2=0.1)
    data = blobs()
    # scikit-learn: C * sum of losses + |w|^2 / 2; ours: their mean + l2 / 2 |w|^2.
    theirs = LogisticRegression(C=1 / (0.1 * len(data.x_train)), tol=1e-8)
    expected = theirs.fit(data.x_train, data.y_train)
    np.testing.assert_allclose(got["0.weight"], expected.coef_, atol=1e-3)


def test_l1_linear_regression_is_scikit_learns_lasso() -> None:
    schedule = {"kind": "exponential", "gamma": 0.99}
    got = linear_after(800, 0.1, "regression", schedule, l1=0.6)
    data = line()
    # Lasso: half the mean of squares + alpha |w|; ours: their mean + l1 |w|.
    expected = Lasso(alpha=0.3).fit(data.x_train.astype(float), data.y_train.astype(float))
    assert np.count_nonzero(expected.coef_) < len(expected.coef_)
    np.testing.assert_allclose(got["0.weight"][0], expected.coef_, atol=1e-3)


def test_penalties_leave_biases_alone() -> None:
    flat = FlatParameters(nn.Linear(2, 2))
    flat.vector.fill_(-2.0)
    for change in gradient_changes(regularization(l1=0.5, l2=3.0), flat):
        change()
    # l1 * sign(w) + l2 * w = -0.5 - 6
    assert flat.gradient.tolist() == [-6.5] * 4 + [0.0] * 2


@pytest.mark.parametrize("longest", [0.5, 100.0])
def test_clipping_equals_torchs_clip_grad_norm(longest: float) -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2))
    flat = FlatParameters(net)
    net(torch.ones(2, 3)).square().sum().backward()
    theirs = [nn.Parameter(torch.zeros_like(parameter)) for parameter in net.parameters()]
    for copy, parameter in zip(theirs, net.parameters(), strict=True):
        assert parameter.grad is not None
        copy.grad = parameter.grad.clone()
    nn.utils.clip_grad_norm_(theirs, longest)
    [clip] = gradient_changes(regularization(clip_norm=longest), flat)
    clip()
    gradients = [parameter.grad for parameter in net.parameters()]
    torch.testing.assert_close(gradients, [copy.grad for copy in theirs])


def test_clipping_sees_the_penalties() -> None:
    flat = FlatParameters(nn.Linear(2, 2, bias=False))
    flat.vector.fill_(3.0)
    for change in gradient_changes(regularization(l2=10.0, clip_norm=1.0), flat):
        change()
    assert flat.gradient.norm().item() == pytest.approx(1.0, rel=1e-5)


def test_nothing_is_done_that_is_not_asked_for() -> None:
    assert gradient_changes(regularization(), FlatParameters(nn.Linear(2, 2))) == ()


def epochs_until_over(objectives: list[float], mode: Mode, **keys: object) -> int | None:
    config = regularization(early_stopping=keys).early_stopping
    assert config is not None
    patience = Patience(config, mode)
    for epoch, objective in enumerate(objectives, start=1):
        patience.observe(objective)
        if patience.is_over:
            return epoch
    return None


@pytest.mark.parametrize(
    ("mode", "objectives", "keys", "ends"),
    [
        ("min", [3, 2, 1, 1, 1, 1], {"patience": 3}, 6),
        ("min", [3, 2, 2, 1, 1, 0.5, 1], {"patience": 2}, None),
        ("max", [0.1, 0.2, 0.1, 0.15, 0.3], {"patience": 2}, 4),
        # Steps of 0.1 never exceed min_delta alone, but add up to it against the last best.
        ("min", [1.0, 0.9, 0.8, 0.7, 0.6], {"patience": 2, "min_delta": 0.15}, None),
        ("min", [1.0, 0.95, 0.9, 0.88], {"patience": 2, "min_delta": 0.15}, 3),
    ],
)
def test_patience_ends_as_counted_by_hand(
    mode: Mode, objectives: list[float], keys: dict[str, Any], ends: int | None
) -> None:
    assert epochs_until_over(objectives, mode, **keys) == ends
