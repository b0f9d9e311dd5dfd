from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from sklearn import metrics as sk
from torch import nn

from sweeps.models.metrics import classification_metrics, regression_metrics, training_loss


def random_classes(seen: int, classes: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(50, classes, generator=generator)
    logits[:, seen:] -= 100
    return logits, torch.randint(seen, (50,), generator=generator)


@pytest.mark.parametrize(("seen", "classes"), [(2, 2), (4, 4), (3, 6)])
def test_classification_metrics_are_scikit_learns(seen: int, classes: int) -> None:
    logits, labels = random_classes(seen, classes)
    loss, accuracy, f1 = classification_metrics(logits, labels).tolist()
    predicted = logits.argmax(1)
    probabilities = logits.double().softmax(1)
    assert loss == pytest.approx(sk.log_loss(labels, probabilities, labels=range(classes)))
    assert accuracy == pytest.approx(sk.accuracy_score(labels, predicted))
    assert f1 == pytest.approx(sk.f1_score(labels, predicted, average="macro"))


def test_a_class_that_is_never_hit_counts_as_f1_of_zero() -> None:
    logits = torch.tensor([[1.0, 0.0], [1.0, 0.0], [1.0, 0.0], [1.0, 0.0]])
    labels = torch.tensor([0, 0, 0, 1])
    # Class 0: precision 3/4, recall 1, so F1 = 6/7; class 1: 0.
    assert classification_metrics(logits, labels)[2].item() == pytest.approx(3 / 7)


def test_regression_metrics_are_scikit_learns_in_original_units() -> None:
    rng = np.random.default_rng(0)
    mean, scale = 40.0, 7.0
    truth, guess = rng.normal(size=(2, 30)).astype(np.float32)
    got = regression_metrics(torch.from_numpy(guess)[:, None], torch.from_numpy(truth), scale)
    loss, mse, mae, r2 = got.tolist()
    original = truth * scale + mean, guess * scale + mean
    assert loss == pytest.approx(sk.mean_squared_error(truth, guess), rel=1e-6)
    assert mse == pytest.approx(sk.mean_squared_error(*original), rel=1e-6)
    assert [mae, r2] == pytest.approx(
        [sk.mean_absolute_error(*original), sk.r2_score(*original)], rel=1e-5
    )


@pytest.mark.parametrize("guess", [2.0, 3.0])
def test_r2_of_a_constant_target_is_scikit_learns(guess: float) -> None:
    truth, guesses = torch.full((5,), 2.0), torch.full((5, 1), guess)
    r2 = regression_metrics(guesses, truth, 1.0)[3].item()
    assert r2 == sk.r2_score(truth, guesses[:, 0])


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
