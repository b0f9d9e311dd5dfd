"""Test figures and their intervals, held to scikit-learn and to scipy's bootstrap."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.stats import bootstrap
from sklearn.metrics import accuracy_score, f1_score, log_loss, mean_absolute_error, r2_score

from sweeps.models.evaluation import evaluate
from sweeps.models.features import Features, features_from_array
from sweeps.models.prediction import Predictor
from sweeps.models.preprocessing import Preprocessing
from sweeps.models.targets import Target

ROWS = 120
MEAN, SCALE = 50.0, 2.0
X = np.random.default_rng(0).normal(size=(ROWS, 2))


class Fixed(Predictor):
    """Answers what it was given, so that only the evaluation is under test."""

    def __init__(self, outputs: np.ndarray, class_names: tuple[str, ...] = ()) -> None:
        self.preprocessing = Preprocessing(
            number_names=("a", "b"), number_shape=(2,), means=(0, 0), scales=(1, 1),
            missing="error", fills=(), class_names=class_names,
            target_mean=MEAN, target_scale=SCALE,
        )  # fmt: skip
        self._outputs = torch.from_numpy(outputs)

    def outputs(self, features: Features) -> torch.Tensor:
        assert isinstance(features, Features)
        return self._outputs


def classes() -> tuple[Fixed, Target, np.ndarray]:
    random = np.random.default_rng(1)
    labels = random.integers(3, size=ROWS)
    shares = random.dirichlet(np.ones(3), size=ROWS) + 0.8 * np.eye(3)[labels]
    shares /= shares.sum(axis=1, keepdims=True)
    names = ("x", "y", "z")
    return Fixed(np.log(shares), names), Target(labels, "classification", names), shares


def numbers() -> tuple[Fixed, Target, np.ndarray]:
    random = np.random.default_rng(2)
    truth = random.normal(50, 10, size=ROWS)
    predicted = truth + random.normal(0, 4, size=ROWS)
    return Fixed((predicted[:, None] - MEAN) / SCALE), Target(truth, "regression"), predicted


def test_class_metrics_are_those_of_scikit_learn() -> None:
    predictor, target, shares = classes()
    found = evaluate(predictor, features_from_array(X), target, seed=0)
    predicted = shares.argmax(axis=1)
    assert found["accuracy"].value == pytest.approx(accuracy_score(target.values, predicted))
    assert found["f1"].value == pytest.approx(f1_score(target.values, predicted, average="macro"))
    assert found["loss"].value == pytest.approx(log_loss(target.values, shares))


def test_number_metrics_are_in_the_targets_own_units_and_the_loss_in_standardised_ones() -> None:
    predictor, target, predicted = numbers()
    found = evaluate(predictor, features_from_array(X), target, seed=0)
    mse = float(np.mean((predicted - target.values) ** 2))
    assert found["mae"].value == pytest.approx(mean_absolute_error(target.values, predicted))
    assert found["r2"].value == pytest.approx(r2_score(target.values, predicted))
    assert (found["mse"].value, found["loss"].value) == pytest.approx((mse, mse / 4))


@pytest.mark.parametrize("metric", ["accuracy", "mae"])
def test_intervals_are_those_of_scipys_percentile_bootstrap(metric: str) -> None:
    predictor, target, answer = classes() if metric == "accuracy" else numbers()
    found = evaluate(predictor, features_from_array(X), target, seed=0)[metric]
    per_row = np.abs(answer - target.values) if metric == "mae" else None
    if per_row is None:
        per_row = (answer.argmax(axis=1) == target.values).astype(float)
    reference = bootstrap(
        (per_row,), np.mean, n_resamples=20_000, method="percentile", rng=np.random.default_rng(3)
    ).confidence_interval
    width = reference.high - reference.low
    assert found.low == pytest.approx(reference.low, abs=0.1 * width)
    assert found.high == pytest.approx(reference.high, abs=0.1 * width)


def test_equal_seeds_give_equal_intervals() -> None:
    predictor, target, _ = classes()
    first = evaluate(predictor, features_from_array(X), target, seed=4)
    assert first == evaluate(predictor, features_from_array(X), target, seed=4)
    assert first != evaluate(predictor, features_from_array(X), target, seed=5)


def test_a_probability_of_nothing_gives_a_large_loss_and_no_infinity() -> None:
    net, names = torch.nn.Linear(2, 2), ("x", "y")
    torch.nn.init.eye_(net.weight)
    torch.nn.init.zeros_(net.bias)
    predictor = Predictor([(net, Fixed(np.zeros((2, 2)), names).preprocessing)])
    target = Target(np.array([0, 0]), "classification", names)
    raw = features_from_array(np.array([[0.0, 5000.0], [1.0, 1.0]]))
    found = evaluate(predictor, raw, target, seed=0)
    assert found["loss"].value == pytest.approx((5000 + np.log(2)) / 2)
