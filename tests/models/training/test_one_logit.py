"""Two classes with one output, held to torch and scikit-learn."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, brier_score_loss, f1_score, roc_auc_score
from torch import nn

from sweeps.models.errors import ModelError
from sweeps.models.scoring.metric_configuration import MetricOptions
from sweeps.models.scoring.objective import Objective
from sweeps.models.scoring.row_weights import positive_weights
from sweeps.models.splits.splits import TrainDev
from sweeps.models.training.training import Training
from tests.models.trial_fixtures import DEV_LOSS, blobs, configuration, finished

MEASURED = ("average_precision", "auc", "f1_binary", "brier")
ONE_LOGIT = {"kind": "binary_cross_entropy"}
FULL = {"epochs": 5, "batch_size": "full", "device": "cpu"}


def two_classes(rows: int = 300) -> TrainDev:
    """The second of two classes, which overlap, has a fifth of the rows."""
    random = np.random.default_rng(2)
    labels = (np.arange(rows) % 5 == 0).astype(np.int64)
    x = random.normal(size=(rows, 3)).astype(np.float32)
    x[:, 0] += 1.5 * labels
    cut = rows // 2
    return TrainDev(x[:cut], labels[:cut], x[cut:], labels[cut:], "classification", 2, (3,))


def trained(data: TrainDev, objective: Objective = DEV_LOSS, **sections: Any) -> Training:
    config = configuration(**{"loss": ONE_LOGIT, "training": FULL, **sections})
    return finished(Training(config, data, objective, seed=3))


def bare(data: TrainDev, pos_weight: float | None) -> nn.Linear:
    """The same net by torch's own loss, in a loop of its own."""
    torch.manual_seed(3)
    net = nn.Linear(3, 1)
    weight = None if pos_weight is None else torch.tensor(pos_weight)
    loss, optimizer = (
        nn.BCEWithLogitsLoss(pos_weight=weight),
        torch.optim.SGD(net.parameters(), 0.1),
    )
    x, y = torch.from_numpy(data.x_train), torch.from_numpy(data.y_train).float()
    for _ in range(FULL["epochs"]):
        optimizer.zero_grad()
        loss(net(x).squeeze(1), y).backward()
        optimizer.step()
    return net


@pytest.mark.parametrize(("pos_weight", "number"), [("none", None), ("balanced", 4.0), (2.5, 2.5)])
def test_training_is_that_of_torchs_loss(pos_weight: Any, number: float | None) -> None:
    data = two_classes()
    loss = {**ONE_LOGIT, "pos_weight": pos_weight}
    done, net = trained(data, loss=loss), bare(data, number)
    logits = net(torch.from_numpy(data.x_dev)).squeeze(1)
    expected = nn.BCEWithLogitsLoss()(logits, torch.from_numpy(data.y_dev).float()).item()
    # What every trial reports as its loss has no weights.
    assert done.history[-1]["dev_loss"] == pytest.approx(expected, rel=1e-6)
    weights = torch.cat([one.flatten() for one in done.best_weights.values()])
    assert len(weights) == 4
    torch.testing.assert_close(weights, torch.cat([net.weight[0], net.bias]).detach())


def test_metrics_are_scikit_learns_of_the_sigmoid() -> None:
    data = two_classes()
    done = trained(data, replace(DEV_LOSS, recorded={name: MetricOptions() for name in MEASURED}))
    net = bare(data, None)
    chances = net(torch.from_numpy(data.x_dev)).squeeze(1).sigmoid().detach().double().numpy()
    row, truth = done.history[-1], data.y_dev
    assert row["dev_average_precision"] == pytest.approx(average_precision_score(truth, chances))
    assert row["dev_auc"] == pytest.approx(roc_auc_score(truth, chances))
    assert row["dev_brier"] == pytest.approx(brier_score_loss(truth, chances), rel=1e-5)
    assert row["dev_f1_binary"] == pytest.approx(f1_score(truth, chances > 0.5))
    assert row["dev_accuracy"] == pytest.approx(np.mean((chances > 0.5) == truth))


def test_it_comes_to_scikit_learns_logistic_regression_as_two_outputs_do() -> None:
    data = two_classes()
    long = {"epochs": 1500, "batch_size": "full", "device": "cpu"}
    sections = {"training": long, "optimizer": {"kind": "adam", "lr": 0.05}}
    one, two = (
        trained(data, loss={"kind": kind}, **sections).history[-1]["dev_loss"]
        for kind in ("binary_cross_entropy", "cross_entropy")
    )
    reference = LogisticRegression(C=np.inf, tol=1e-8).fit(data.x_train, data.y_train)
    chances = reference.predict_proba(data.x_dev)[np.arange(150), data.y_dev]
    assert [one, two] == pytest.approx([-np.log(chances).mean()] * 2, rel=1e-3)


def test_the_weight_of_a_label_that_all_rows_have_is_one() -> None:
    labels = np.array([[1, 0, 1], [1, 0, 0], [1, 1, 0], [1, 0, 0]])
    assert positive_weights("balanced", labels) == pytest.approx([1.0, 3.0, 3.0])


@pytest.mark.parametrize(
    ("sections", "words"),
    [
        ({}, "binary_cross_entropy is for two classes; the target has 3"),
        ({"regularization": {"label_smoothing": 0.1}}, "label_smoothing"),
    ],
)
def test_what_it_cannot_be_used_for_is_refused(sections: dict[str, Any], words: str) -> None:
    data = two_classes() if sections else blobs()
    with pytest.raises(ModelError, match=words):
        trained(data, **sections)
