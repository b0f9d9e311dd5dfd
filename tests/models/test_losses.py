from __future__ import annotations

import math
from typing import get_args

import pytest
import torch
from torch import nn

from sweeps.models.losses import LOSSES, training_loss
from sweeps.models.metrics import metrics_of
from sweeps.models.tasks import TASKS, LossKind, Task
from tests.models.test_metrics import random_classes, random_numbers


def test_every_kind_of_loss_has_its_function() -> None:
    assert set(LOSSES) == set(get_args(LossKind))


def test_the_loss_of_classes_is_torchs_with_label_smoothing() -> None:
    logits, labels = random_classes(4, 4)
    expected = nn.CrossEntropyLoss(label_smoothing=0.2)(logits, labels)
    assert training_loss("classification", 0.2)(logits, labels).item() == expected.item()


def test_label_smoothing_is_cross_entropy_against_softened_labels() -> None:
    logits = torch.tensor([[0.0, math.log(3.0)]])
    # Softmax is (1/4, 3/4); a smoothing of 0.2 turns class 1 into (0.1, 0.9).
    expected = -(0.1 * math.log(1 / 4) + 0.9 * math.log(3 / 4))
    got = training_loss("classification", 0.2)(logits, torch.tensor([1]))
    assert got.item() == pytest.approx(expected)


def test_the_loss_of_regression_is_the_mean_squared_error() -> None:
    outputs, targets = torch.tensor([[1.0], [4.0]]), torch.tensor([2.0, 2.0])
    assert training_loss("regression")(outputs, targets).item() == (1 + 4) / 2


@pytest.mark.parametrize("task", TASKS)
def test_a_loss_is_the_mean_of_those_of_its_rows(task: Task) -> None:
    outputs, targets = {"classification": random_classes(4, 4), "regression": random_numbers()}[
        task
    ]
    loss = training_loss(task)
    rows = loss(outputs, targets, reduction="none")
    assert rows.shape == targets.shape
    assert loss(outputs, targets).item() == pytest.approx(rows.mean().item())


@pytest.mark.parametrize("task", TASKS)
def test_a_task_has_a_loss_and_a_score_of_its_own(task: Task) -> None:
    assert TASKS[task].loss in LOSSES
    assert metrics_of(task)[TASKS[task].score].direction == "max"
