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

from sweeps.models.scoring.answers import Answers, metric_values
from sweeps.models.scoring.metric_configuration import MetricOptions
from sweeps.models.scoring.metrics import METRICS, metric_columns, metrics_of, recorded_metrics
from sweeps.models.scoring.tasks import TASKS, Task

CENTER, SCALE = 40.0, 7.0


def log_loss(labels: Tensor, logits: Tensor) -> float:
    shares = logits.double().softmax(1)
    return float(sk.log_loss(labels, shares, labels=range(logits.shape[1])))


def shares(logits: Tensor) -> Any:
    return logits.double().softmax(1).numpy()


def one_hot(labels: Tensor, classes: int) -> Any:
    return np.eye(classes)[labels.numpy()]


def auc(labels: Tensor, logits: Tensor) -> float:
    p, k = shares(logits), logits.shape[1]
    if k == 2:
        return float(sk.roc_auc_score(labels, p[:, 1]))
    seen = labels.unique().tolist()
    truth = one_hot(labels, k)
    return float(sk.roc_auc_score(truth[:, seen], p[:, seen], average="macro"))


def average_precision(labels: Tensor, logits: Tensor) -> float:
    p, k = shares(logits), logits.shape[1]
    if k == 2:
        return float(sk.average_precision_score(labels, p[:, 1]))
    seen = labels.unique().tolist()
    return float(sk.average_precision_score(one_hot(labels, k)[:, seen], p[:, seen]))


def brier(labels: Tensor, logits: Tensor) -> float:
    p, k = shares(logits), logits.shape[1]
    if k == 2:
        return float(sk.brier_score_loss(labels, p[:, 1]))
    return float(((p - one_hot(labels, k)) ** 2).sum(axis=1).mean())


# From (labels, logits), and from (truth, prediction) in original units.
CLASS_REFERENCES: dict[str, Callable[[Any, Any], float]] = {
    "loss": log_loss,
    "accuracy": lambda labels, logits: sk.accuracy_score(labels, logits.argmax(1)),
    "f1": lambda labels, logits: sk.f1_score(labels, logits.argmax(1), average="macro"),
    "balanced_accuracy": lambda labels, logits: sk.balanced_accuracy_score(
        labels, logits.argmax(1)
    ),
    "auc": auc,
    "average_precision": average_precision,
    "f1_weighted": lambda labels, logits: sk.f1_score(labels, logits.argmax(1), average="weighted"),
    "f1_binary": lambda labels, logits: sk.f1_score(
        labels == 1, logits.argmax(1) == 1, average="binary"
    ),
    "log_loss": log_loss,
    "brier": brier,
}
NUMBER_REFERENCES: dict[str, Callable[[Any, Any], float]] = {
    "loss": lambda truth, guess: sk.mean_squared_error(truth / SCALE, guess / SCALE),
    "mse": sk.mean_squared_error,
    "mae": sk.mean_absolute_error,
    "r2": sk.r2_score,
    "rmse": sk.root_mean_squared_error,
    "mape": sk.mean_absolute_percentage_error,
    "pinball": sk.mean_pinball_loss,
}


LABEL_REFERENCES: dict[str, Callable[[Any, Any], float]] = {
    "loss": lambda labels, logits: float(
        np.mean([sk.log_loss(labels[:, i], logits[:, i].double().sigmoid()) for i in range(4)])
    ),
    "subset_accuracy": lambda labels, logits: sk.accuracy_score(labels, logits > 0),
    "hamming_loss": lambda labels, logits: sk.hamming_loss(labels, logits > 0),
    "f1": lambda labels, logits: sk.f1_score(labels, logits > 0, average="macro"),
    "auc": lambda labels, logits: sk.roc_auc_score(labels, logits.sigmoid()),
    "average_precision": lambda labels, logits: sk.average_precision_score(
        labels, logits.sigmoid()
    ),
    "f1_weighted": lambda labels, logits: sk.f1_score(labels, logits > 0, average="weighted"),
    "f1_micro": lambda labels, logits: sk.f1_score(labels, logits > 0, average="micro"),
}


def random_classes(seen: int, classes: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(50, classes, generator=generator)
    logits[:, seen:] -= 100
    return logits, torch.randint(seen, (50,), generator=generator)


def random_numbers() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(30, 1, generator=generator), torch.randn(30, generator=generator)


def random_labels(labels: int = 4) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(50, labels, generator=generator)
    return logits, (torch.rand(50, labels, generator=generator) < 0.3).float()


def random_answers(task: Task) -> tuple[Tensor, Tensor]:
    made = {
        "classification": lambda: random_classes(4, 4),
        "regression": random_numbers,
        "multilabel": random_labels,
    }
    return made[task]()


def value(name: str, task: Task, outputs: Tensor, targets: Tensor, scale: float = 1.0) -> float:
    return METRICS[name].function(Answers.of(task, outputs, targets, (CENTER, scale))).item()


@pytest.mark.parametrize("task", TASKS)
def test_every_metric_of_a_task_has_a_reference(task: Task) -> None:
    references = {
        "classification": CLASS_REFERENCES,
        "regression": NUMBER_REFERENCES,
        "multilabel": LABEL_REFERENCES,
    }[task]
    assert list(references) == list(metrics_of(task))


@pytest.mark.parametrize("rows", [torch.arange(50), torch.tensor([3, 3, 0, 49, 17, 21, 30])])
@pytest.mark.parametrize("name", LABEL_REFERENCES)
def test_metrics_of_labels_are_scikit_learns_also_of_rows_that_were_taken(
    name: str, rows: Tensor
) -> None:
    logits, labels = random_labels()
    taken = Answers.of("multilabel", logits, labels).take(rows)
    expected = LABEL_REFERENCES[name](labels[rows], logits[rows])
    assert METRICS[name].function(taken).item() == pytest.approx(expected)
    whole = Answers.of("multilabel", logits[rows], labels[rows])
    assert METRICS[name].function(whole).item() == pytest.approx(expected)


@pytest.mark.parametrize("name", ["auc", "average_precision"])
def test_two_labels_are_ranked_each_unlike_two_classes(name: str) -> None:
    logits, labels = random_labels(2)
    expected = LABEL_REFERENCES[name](labels, logits)
    assert value(name, "multilabel", logits, labels) == pytest.approx(expected)


def test_a_label_that_no_row_has_and_none_is_answered_by_is_left_out_of_macro_f1() -> None:
    logits, labels = random_labels()
    logits[:, 3], labels[:, 3] = -1.0, 0.0
    expected = sk.f1_score(labels, logits > 0, average="macro", zero_division=np.nan)
    assert value("f1", "multilabel", logits, labels) == pytest.approx(expected)


@pytest.mark.parametrize("name", ["f1", "f1_micro", "f1_weighted"])
def test_f1_is_0_where_there_is_no_label_at_all(name: str) -> None:
    assert value(name, "multilabel", torch.full((3, 2), -1.0), torch.zeros(3, 2)) == 0


@pytest.mark.parametrize("taken", [False, True])
@pytest.mark.parametrize("name", NUMBER_REFERENCES)
def test_metrics_of_several_numbers_are_scikit_learns_mean_over_them(
    name: str, taken: bool
) -> None:
    generator = torch.Generator().manual_seed(1)
    outputs, targets = torch.randn(2, 30, 3, generator=generator, dtype=torch.float64)
    center, scale = torch.tensor([40.0, 0.0, -2.0]), torch.tensor([7.0, 0.1, 1.0])
    answers = Answers.of("regression", outputs, targets, (center, scale))
    answers = answers.take(torch.arange(30)) if taken else answers
    truth, guess = (one * scale + center for one in (targets, outputs))
    in_units = NUMBER_REFERENCES | {"loss": lambda *_: sk.mean_squared_error(targets, outputs)}
    assert METRICS[name].function(answers).item() == pytest.approx(in_units[name](truth, guess))


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
    original = targets.double() * SCALE + CENTER, outputs[:, 0].double() * SCALE + CENTER
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
    taken = Answers.of("regression", outputs, targets, (CENTER, SCALE)).take(rows)
    truth = targets[rows].double() * SCALE + CENTER
    guess = outputs[rows, 0].double() * SCALE + CENTER
    assert METRICS[name].function(taken).item() == pytest.approx(
        NUMBER_REFERENCES[name](truth, guess), rel=1e-12
    )


@pytest.mark.parametrize("task", TASKS)
def test_metrics_come_in_their_order_as_doubles(task: Task) -> None:
    outputs, targets = random_answers(task)
    answers = Answers.of(task, outputs, targets, (CENTER, 1.0))
    found = metric_values(answers, metrics_of(task).values())
    assert found.dtype == torch.float64
    assert found.tolist() == [value(name, task, outputs, targets) for name in metrics_of(task)]


def ties() -> tuple[Tensor, Tensor]:
    """Scores of which many are equal, as those of a saturated net or a tree are."""
    generator = torch.Generator().manual_seed(3)
    logits = torch.randint(3, (60, 3), generator=generator).float()
    return logits, torch.randint(3, (60,), generator=generator)


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("name", ["auc", "average_precision"])
def test_equal_scores_count_as_in_scikit_learn(name: str, classes: int) -> None:
    logits, labels = ties()
    logits, labels = logits[:, :classes], labels % classes
    expected = CLASS_REFERENCES[name](labels, logits)
    assert value(name, "classification", logits, labels) == pytest.approx(expected, rel=1e-12)


def test_an_area_keeps_scores_apart_that_float32_probabilities_would_not() -> None:
    logits = torch.tensor([[0.0, 20.0], [0.0, 21.0], [0.0, 22.0], [0.0, 23.0]])
    assert value("auc", "classification", logits, torch.tensor([0, 0, 1, 1])) == 1


@pytest.mark.parametrize("name", ["auc", "average_precision"])
def test_ranking_one_class_alone_has_no_value(name: str) -> None:
    logits, _ = random_classes(2, 2)
    assert np.isnan(value(name, "classification", logits, torch.zeros(50, dtype=torch.long)))


@pytest.mark.parametrize("quantile", [0.1, 0.5, 0.9])
def test_the_pinball_loss_of_a_quantile_is_scikit_learns(quantile: float) -> None:
    outputs, targets = random_numbers()
    asked = recorded_metrics("regression", {"pinball": MetricOptions(quantile=quantile)})
    answers = Answers.of("regression", outputs, targets, (CENTER, SCALE))
    truth, guess = targets.double() * SCALE, outputs[:, 0].double() * SCALE
    expected = sk.mean_pinball_loss(truth, guess, alpha=quantile)
    assert asked["pinball"].function(answers).item() == pytest.approx(expected, rel=1e-12)


def test_a_task_has_its_usual_metrics_on_train_and_dev_and_those_asked_for_after_them() -> None:
    assert metric_columns(recorded_metrics("classification", {"auc": MetricOptions()})) == (
        "train_loss", "train_accuracy", "train_f1", "train_balanced_accuracy", "train_auc",
        "dev_loss", "dev_accuracy", "dev_f1", "dev_balanced_accuracy", "dev_auc",
    )  # fmt: skip
    usual = metric_columns(recorded_metrics("regression", {}))
    assert usual[4:] == ("dev_loss", "dev_mse", "dev_mae", "dev_r2")


@pytest.mark.parametrize("task", TASKS)
def test_loss_and_score_of_a_task_are_metrics_of_it(task: Task) -> None:
    assert {"loss", TASKS[task].score} <= set(metrics_of(task))


@pytest.mark.parametrize(
    ("metric", "mode"),
    [
        ("loss", "min"), ("mse", "min"), ("mae", "min"), ("accuracy", "max"), ("f1", "max"),
        ("r2", "max"), ("balanced_accuracy", "max"), ("auc", "max"), ("brier", "min"),
        ("average_precision", "max"), ("log_loss", "min"), ("pinball", "min"), ("mape", "min"),
    ],
)  # fmt: skip
def test_each_metric_has_its_direction(metric: str, mode: str) -> None:
    assert METRICS[metric].direction == mode


def test_names_and_directions_are_known_without_torch() -> None:
    code = "import sys; from sweeps.models.scoring.metrics import METRICS"
    code += "; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
