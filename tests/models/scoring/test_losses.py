from __future__ import annotations

import math
from typing import Any, get_args

import numpy as np
import pytest
import torch
from pydantic import TypeAdapter
from sklearn.metrics import mean_pinball_loss
from torch import nn

from sweeps.models.scoring.losses import (
    LOSSES,
    CustomLoss,
    Loss,
    LossConfig,
    TaskLoss,
    losses_of,
    task_loss,
    training_loss,
)
from sweeps.models.scoring.metrics import metrics_of
from sweeps.models.scoring.tasks import TASKS, Task
from tests.models.scoring.test_metrics import random_answers, random_classes


def loss_of(task: Task, smoothing: float = 0.0, **section: Any) -> Loss:
    config: LossConfig = TypeAdapter(LossConfig).validate_python({"kind": "auto", **section})
    return training_loss(task, config, smoothing)


def test_every_section_of_a_loss_is_in_the_table_by_its_kind() -> None:
    sections = {*get_args(get_args(LossConfig)[0])} - {TaskLoss, CustomLoss}
    kinds = {get_args(one.model_fields["kind"].annotation)[0]: one for one in sections}
    assert kinds == LOSSES


def test_the_loss_of_classes_is_torchs_with_label_smoothing() -> None:
    logits, labels = random_classes(4, 4)
    expected = nn.CrossEntropyLoss(label_smoothing=0.2)(logits, labels)
    assert loss_of("classification", 0.2)(logits, labels).item() == expected.item()


def test_label_smoothing_is_cross_entropy_against_softened_labels() -> None:
    logits = torch.tensor([[0.0, math.log(3.0)]])
    # Softmax is (1/4, 3/4); a smoothing of 0.2 turns class 1 into (0.1, 0.9).
    expected = -(0.1 * math.log(1 / 4) + 0.9 * math.log(3 / 4))
    got = loss_of("classification", 0.2)(logits, torch.tensor([1]))
    assert got.item() == pytest.approx(expected)


def test_the_loss_of_regression_is_the_mean_squared_error() -> None:
    outputs, targets = torch.tensor([[1.0], [4.0]]), torch.tensor([2.0, 2.0])
    assert loss_of("regression")(outputs, targets).item() == (1 + 4) / 2


REFERENCES: dict[str, tuple[Task, dict[str, float], Any]] = {
    "cross_entropy": ("classification", {}, nn.CrossEntropyLoss()),
    "mse": ("regression", {}, nn.MSELoss()),
    "mae": ("regression", {}, nn.L1Loss()),
    "huber": ("regression", {"delta": 0.3}, nn.HuberLoss(delta=0.3)),
    "quantile": (
        "regression",
        {"quantile": 0.8},
        lambda outputs, targets: torch.tensor(mean_pinball_loss(targets, outputs, alpha=0.8)),
    ),
    "focal": (
        "classification",
        {"gamma": 1.7},
        lambda outputs, targets: nn.NLLLoss()(
            (1 - outputs.double().softmax(1)) ** 1.7 * outputs.double().log_softmax(1), targets
        ),
    ),
    "binary_cross_entropy": ("multilabel", {}, nn.BCEWithLogitsLoss()),
}


@pytest.mark.parametrize("kind", LOSSES)
def test_each_loss_is_that_of_torch_or_its_closed_form(kind: str) -> None:
    task, options, reference = REFERENCES[kind]
    outputs, targets = random_answers(task)
    expected = reference(outputs.squeeze(1), targets)
    found = loss_of(task, kind=kind, **options)(outputs, targets)
    assert found.item() == pytest.approx(expected.item(), rel=1e-6)


def test_a_focal_loss_without_focus_is_the_cross_entropy() -> None:
    logits, labels = random_classes(4, 4)
    focal = loss_of("classification", kind="focal", gamma=0.0)(logits, labels)
    assert focal.item() == pytest.approx(nn.CrossEntropyLoss()(logits, labels).item(), rel=1e-6)


@pytest.mark.parametrize("margin", [0.0, 30.0, 1e4])
def test_a_focal_loss_of_certain_rows_has_finite_gradients(margin: float) -> None:
    logits = torch.tensor([[margin, 0.0], [0.0, margin]], requires_grad=True)
    loss_of("classification", kind="focal", gamma=0.5)(logits, torch.tensor([0, 0])).backward()
    assert logits.grad is not None
    assert torch.isfinite(logits.grad).all()


def test_the_quantile_loss_is_least_at_the_quantile() -> None:
    targets = torch.from_numpy(np.random.default_rng(0).normal(size=1000))
    loss = loss_of("regression", kind="quantile", quantile=0.9)
    guesses = torch.linspace(-3, 3, 601, dtype=torch.float64)
    losses = [loss(guess.expand(1000, 1), targets).item() for guess in guesses]
    assert guesses[int(np.argmin(losses))].item() == pytest.approx(
        targets.quantile(0.9).item(), abs=0.02
    )


@pytest.mark.parametrize("kind", LOSSES)
def test_a_loss_is_the_mean_of_those_of_its_rows(kind: str) -> None:
    task, options, _ = REFERENCES[kind]
    outputs, targets = random_answers(task)
    loss = loss_of(task, kind=kind, **options)
    rows = loss(outputs, targets, reduction="none")
    assert rows.shape == (len(targets),)
    assert loss(outputs, targets).item() == pytest.approx(rows.mean().item())


@pytest.mark.parametrize("kind", losses_of("regression"))
def test_a_loss_of_several_numbers_is_the_mean_of_those_of_each(kind: str) -> None:
    outputs, targets = torch.randn(30, 3), torch.randn(30, 3)
    loss = loss_of("regression", kind=kind, **REFERENCES[kind][1])
    each = [loss(outputs[:, [at]], targets[:, at]).item() for at in range(3)]
    assert loss(outputs, targets).item() == pytest.approx(np.mean(each))
    assert loss(outputs, targets, reduction="none").mean().item() == pytest.approx(np.mean(each))


@pytest.mark.parametrize("task", TASKS)
def test_a_task_has_losses_and_a_score_of_its_own(task: Task) -> None:
    assert TASKS[task].loss in losses_of(task)
    assert training_loss(task, TaskLoss()) is task_loss(task)
    assert metrics_of(task)[TASKS[task].score].direction == "max"
