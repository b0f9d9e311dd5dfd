"""Metrics held to scikit-learn, one reference a row of the table."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from sklearn import metrics as sk
from torch import Tensor

from sweeps.models.answers import Answers, metric_values
from sweeps.models.errors import TrialConfigError
from sweeps.models.metrics import METRICS, metric_columns, metrics_of, mode_of
from sweeps.models.tasks import TASKS, Task

SCALE = 7.0


def log_loss(labels: Tensor, logits: Tensor) -> float:
    shares = logits.double().softmax(1)
    return float(sk.log_loss(labels, shares, labels=range(logits.shape[1])))


# From (labels, logits), and from (truth, prediction) in original units.
CLASS_REFERENCES: dict[str, Callable[[Any, Any], float]] = {
    "loss": log_loss,
    "accuracy": lambda labels, logits: sk.accuracy_score(labels, logits.argmax(1)),
    "f1": lambda labels, logits: sk.f1_score(labels, logits.argmax(1), average="macro"),
    "balanced_accuracy": lambda labels, logits: sk.balanced_accuracy_score(
        labels, logits.argmax(1)
    ),
}
NUMBER_REFERENCES: dict[str, Callable[[Any, Any], float]] = {
    "loss": lambda truth, guess: sk.mean_squared_error(truth / SCALE, guess / SCALE),
    "mse": sk.mean_squared_error,
    "mae": sk.mean_absolute_error,
    "r2": sk.r2_score,
}


def random_classes(seen: int, classes: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(50, classes, generator=generator)
    logits[:, seen:] -= 100
    return logits, torch.randint(seen, (50,), generator=generator)


def random_numbers() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(30, 1, generator=generator), torch.randn(30, generator=generator)


def value(name: str, task: Task, outputs: Tensor, targets: Tensor, scale: float = 1.0) -> float:
    return METRICS[name].function(Answers.of(task, outputs, targets, scale)).item()


@pytest.mark.parametrize("task", TASKS)
def test_every_metric_of_a_task_has_a_reference(task: Task) -> None:
    references = {"classification": CLASS_REFERENCES, "regression": NUMBER_REFERENCES}[task]
    assert list(references) == list(metrics_of(task))


@pytest.mark.filterwarnings("ignore:y_pred contains classes not in y_true")
@pytest.mark.parametrize("name", CLASS_REFERENCES)
@pytest.mark.parametrize(("seen", "classes"), [(2, 2), (4, 4), (3, 6)])
def test_metrics_of_classes_are_scikit_learns(name: str, seen: int, classes: int) -> None:
    logits, labels = random_classes(seen, classes)
    expected = CLASS_REFERENCES[name](labels, logits)
    assert value(name, "classification", logits, labels) == pytest.approx(expected)


@pytest.mark.filterwarnings("ignore:y_pred contains classes not in y_true")
@pytest.mark.parametrize("name", ["accuracy", "f1", "balanced_accuracy"])
def test_a_class_that_is_never_true_is_counted_as_scikit_learn_does(name: str) -> None:
    labels = torch.tensor([0, 0, 0, 1, 1])
    logits = torch.eye(4)[torch.tensor([0, 0, 2, 1, 0])]
    expected = CLASS_REFERENCES[name](labels, logits)
    assert value(name, "classification", logits, labels) == pytest.approx(expected)


def test_a_class_that_is_never_hit_counts_as_f1_of_zero() -> None:
    logits = torch.tensor([[1.0, 0.0], [1.0, 0.0], [1.0, 0.0], [1.0, 0.0]])
    labels = torch.tensor([0, 0, 0, 1])
    # Class 0: precision 3/4, recall 1, so F1 = 6/7; class 1: 0.
    assert value("f1", "classification", logits, labels) == pytest.approx(3 / 7)


@pytest.mark.parametrize("name", NUMBER_REFERENCES)
def test_metrics_of_numbers_are_scikit_learns_in_original_units(name: str) -> None:
    outputs, targets = random_numbers()
    original = targets.double() * SCALE + 40, outputs[:, 0].double() * SCALE + 40
    got = value(name, "regression", outputs, targets, SCALE)
    assert got == pytest.approx(NUMBER_REFERENCES[name](*original), rel=1e-12)


@pytest.mark.parametrize("guess", [2.0, 3.0])
def test_r2_of_a_constant_target_is_scikit_learns(guess: float) -> None:
    truth, guesses = torch.full((5,), 2.0), torch.full((5, 1), guess)
    assert value("r2", "regression", guesses, truth) == sk.r2_score(truth, guesses[:, 0])


@pytest.mark.parametrize("scale", [1e-120, 1e-31, 1e-25, 1e-19, 1.0, 1e19, 1e21, 1e30, 1e120])
def test_metrics_of_numbers_keep_their_digits_at_any_size_of_the_target(scale: float) -> None:
    outputs, targets = random_numbers()
    loss = value("loss", "regression", outputs, targets)
    assert value("mse", "regression", outputs, targets, scale) == pytest.approx(loss * scale**2)
    errors = (outputs[:, 0].double() - targets).abs().mean().item()
    assert value("mae", "regression", outputs, targets, scale) == pytest.approx(errors * scale)
    r2 = value("r2", "regression", outputs, targets)
    assert value("r2", "regression", outputs, targets, scale) == r2


@pytest.mark.parametrize("size", [1e-30, 1e-20, 1e10, 1e30])
def test_metrics_of_numbers_hold_for_errors_whose_squares_float32_does_not_have(
    size: float,
) -> None:
    outputs, targets = torch.full((4, 1), size), torch.tensor([0.0, size, 0.0, size])
    exact = np.float32(size).astype(float)
    assert value("loss", "regression", outputs, targets) == pytest.approx(exact**2 / 2)
    assert value("mse", "regression", outputs, targets) == pytest.approx(exact**2 / 2)


@pytest.mark.parametrize("logit", [1e-30, 700.0, 1e4, 1e30])
def test_the_loss_of_certain_classes_is_finite(logit: float) -> None:
    logits, labels = torch.tensor([[logit, 0.0], [0.0, logit]]), torch.tensor([1, 1])
    expected = (np.logaddexp(logit, 0) + np.logaddexp(0, -logit)) / 2
    assert value("loss", "classification", logits, labels) == pytest.approx(expected)


@pytest.mark.filterwarnings("ignore:y_pred contains classes not in y_true")
@pytest.mark.parametrize("name", CLASS_REFERENCES)
def test_class_metrics_of_rows_that_were_taken_are_those_of_their_outputs(name: str) -> None:
    logits, labels = random_classes(4, 4)
    rows = torch.tensor([3, 3, 0, 49, 17, 17, 17])
    taken = Answers.of("classification", logits, labels).take(rows)
    expected = CLASS_REFERENCES[name](labels[rows], logits[rows])
    assert METRICS[name].function(taken).item() == pytest.approx(expected)
    assert torch.equal(taken.outputs, logits[rows])


@pytest.mark.parametrize("name", NUMBER_REFERENCES)
def test_number_metrics_of_rows_that_were_taken_are_those_of_their_outputs(name: str) -> None:
    outputs, targets = random_numbers()
    rows = torch.tensor([3, 3, 0, 29, 17, 17, 17])
    taken = Answers.of("regression", outputs, targets, SCALE).take(rows)
    truth, guess = targets[rows].double() * SCALE, outputs[rows, 0].double() * SCALE
    assert METRICS[name].function(taken).item() == pytest.approx(
        NUMBER_REFERENCES[name](truth, guess), rel=1e-12
    )


@pytest.mark.parametrize("task", TASKS)
def test_metrics_come_in_their_order_as_doubles(task: Task) -> None:
    outputs, targets = {"classification": random_classes(4, 4), "regression": random_numbers()}[
        task
    ]
    answers = Answers.of(task, outputs, targets)
    found = metric_values(answers, metrics_of(task).values())
    assert found.dtype == torch.float64
    assert found.tolist() == [value(name, task, outputs, targets) for name in metrics_of(task)]


def test_a_task_has_its_metrics_on_train_and_dev() -> None:
    assert metric_columns("classification") == (
        "train_loss", "train_accuracy", "train_f1", "train_balanced_accuracy",
        "dev_loss", "dev_accuracy", "dev_f1", "dev_balanced_accuracy",
    )  # fmt: skip
    assert metric_columns("regression")[4:] == ("dev_loss", "dev_mse", "dev_mae", "dev_r2")


@pytest.mark.parametrize("task", TASKS)
def test_loss_and_score_of_a_task_are_metrics_of_it(task: Task) -> None:
    assert {"loss", TASKS[task].score} <= set(metrics_of(task))


@pytest.mark.parametrize(
    ("metric", "mode"),
    [
        ("dev_loss", "min"), ("train_mse", "min"), ("dev_mae", "min"), ("dev_accuracy", "max"),
        ("dev_f1", "max"), ("train_r2", "max"), ("dev_balanced_accuracy", "max"),
    ],
)  # fmt: skip
def test_each_metric_has_its_direction(metric: str, mode: str) -> None:
    assert mode_of(metric) == mode


@pytest.mark.parametrize("metric", ["dev_acuracy", "accuracy", "test_accuracy", "dev_"])
def test_an_unknown_metric_is_refused_with_the_nearest(metric: str) -> None:
    with pytest.raises(TrialConfigError, match="must be a metric of some task") as caught:
        mode_of(metric)
    assert "dev_accuracy" in caught.value.choices


def test_names_and_directions_are_known_without_torch() -> None:
    code = "import sys; from sweeps.models.metrics import mode_of; mode_of('dev_r2')"
    code += "; print('torch' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "False"
