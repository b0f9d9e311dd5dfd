"""Test rows whose truth is known: intervals of figures on them, and what the search promised."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.stats import norm, t

from sweeps.findings.wording import MeasuredOn, surprise_sentence
from sweeps.models.data.features import features_from_array
from sweeps.models.data.targets import Target
from sweeps.models.evaluation import Estimate, Resampling, evaluate
from sweeps.models.scoring.intervals import bootstrap_interval, rows_of_units, share_interval
from sweeps.models.scoring.metrics import METRICS
from sweeps.record.final import Interval
from tests.models.test_evaluation import MEAN, SCALE, Fixed
from tests.sweeps.findings.test_surprise import choice, opening

__all__ = [
    "grouped_interval_misses",
    "labels_interval_misses",
    "regression_interval_misses",
    "test_groups_surprise",
    "test_interval_misses",
    "test_rows_surprise",
]


def _net(metric: str, rows: int, accuracy: float, seed: int) -> Estimate:
    """A test figure of a net that is right in this share of all rows there are."""
    random = np.random.default_rng(seed)
    labels = random.integers(2, size=rows)
    margins = 3 * norm.ppf(accuracy) + 3 * random.normal(size=rows)
    outputs = np.stack([np.where(labels == at, margins, 0.0) for at in (0, 1)], axis=1)
    target = Target(labels, "classification", ("x", "y"))
    features, asked = features_from_array(np.zeros((rows, 2))), {metric: METRICS[metric]}
    return evaluate(Fixed(outputs, ("x", "y")), features, target, asked, Resampling(seed))[metric]


def test_interval_misses(metric: str, rows: int, accuracy: float) -> Callable[[int], bool | None]:
    """Whether an interval misses the truth; None where none is given, as errors are too few."""
    margins = 3 * norm.ppf(accuracy) + 3 * norm.ppf((np.arange(200_000) + 0.5) / 200_000)
    truth = {
        "accuracy": accuracy,
        "f1": accuracy,  # of two classes that are alike
        "loss": float(np.log1p(np.exp(-margins)).mean()),
    }[metric]

    def misses(seed: int) -> bool | None:
        one = _net(metric, rows, accuracy, seed)
        return None if one.low is None or one.high is None else not one.low <= truth <= one.high

    return misses


def grouped_interval_misses(metric: str, groups: int, of_each: int) -> Callable[[int], bool | None]:
    """The same of rows in groups, with 0.3 of what makes a row hard common to its group."""
    margins = 3 * norm.ppf(0.8) + 3 * norm.ppf((np.arange(200_000) + 0.5) / 200_000)
    truth = {"accuracy": 0.8, "loss": float(np.log1p(np.exp(-margins)).mean())}[metric]
    units = np.repeat(np.arange(groups), of_each)
    rows = len(units)

    def misses(seed: int) -> bool | None:
        random = np.random.default_rng(seed)
        labels = random.integers(2, size=rows)
        hard = 0.3**0.5 * random.normal(size=groups)[units] + 0.7**0.5 * random.normal(size=rows)
        margins = 3 * norm.ppf(0.8) + 3 * hard
        outputs = np.stack([np.where(labels == at, margins, 0.0) for at in (0, 1)], axis=1)
        target = Target(labels, "classification", ("x", "y"))
        features, asked = features_from_array(np.zeros((rows, 2))), {metric: METRICS[metric]}
        net = Fixed(outputs, ("x", "y"))
        one = evaluate(net, features, target, asked, Resampling(seed, units))[metric]
        return None if one.low is None or one.high is None else not one.low <= truth <= one.high

    return misses


def _margins_of_labels(rows: int, random: np.random.Generator) -> Any:
    """Return (rows, 3) how surely each label is told right: .9 of them are, alike within a row."""
    common, own = random.normal(size=(rows, 1)), random.normal(size=(rows, 3))
    return 3 * (norm.ppf(0.9) + (common + own) / 2**0.5)


def labels_interval_misses(metric: str, rows: int) -> Callable[[int], bool | None]:
    """Whether an interval misses the truth of a net that tells three labels of each row."""
    every = _margins_of_labels(200_000, np.random.default_rng(0))
    truth = {
        "subset_accuracy": float((every > 0).all(axis=1).mean()),
        "hamming_loss": 0.1,
        "loss": float(np.log1p(np.exp(-every)).mean()),
        "f1": 0.9,  # of each label, as it is there in half of the rows
    }[metric]

    def misses(seed: int) -> bool | None:
        random = np.random.default_rng(seed)
        labels = random.integers(2, size=(rows, 3))
        outputs = np.where(labels, 1, -1) * _margins_of_labels(rows, random)
        target = Target(labels.astype(np.float32), "multilabel", names=("x", "y", "z"))
        features, asked = features_from_array(np.zeros((rows, 2))), {metric: METRICS[metric]}
        one = evaluate(Fixed(outputs), features, target, asked, Resampling(seed))[metric]
        return None if one.low is None or one.high is None else not one.low <= truth <= one.high

    return misses


test_interval_misses.__test__ = False  # type: ignore[attr-defined]  # no test, in spite of its name


def regression_interval_misses(
    metric: str, rows: int, tails: float
) -> Callable[[int], bool | None]:
    """Whether an interval on test rows misses the truth of a net whose errors have such tails.

    Args:
        tails: Degrees of freedom of Student's t; infinite for normal errors. The net is the true
            model, and R2 is .5.
    """
    variance = 1.0 if np.isinf(tails) else tails / (tails - 2)
    mean_size = float(t.expect(abs, (tails,))) if np.isfinite(tails) else (2 / np.pi) ** 0.5
    truth = {"mse": variance, "mae": mean_size, "r2": 0.5}[metric]

    def misses(seed: int) -> bool | None:
        random = np.random.default_rng(seed)
        normal, spread = random.normal(size=(2, rows)), random.chisquare(min(tails, 1e9), rows)
        errors = normal[0] * (1.0 if np.isinf(tails) else np.sqrt(tails / spread))
        signal = variance**0.5 * normal[1]
        net = Fixed((signal[:, None] - MEAN) / SCALE)
        target = Target(signal + errors, "regression", ())
        features, asked = features_from_array(np.zeros((rows, 2))), {metric: METRICS[metric]}
        made = evaluate(net, features, target, asked, Resampling(seed))[metric]
        missing = made.low is None or made.high is None
        return None if missing else not made.low <= truth <= made.high  # type: ignore[operator]

    return misses


def test_rows_surprise(lost: float, trials: int) -> Callable[[int], bool]:
    """Whether 100 test rows surprise after the best of some trials on 100 dev rows.

    Each is right in 85 % of all rows; half of what makes a row hard is common to all trials.

    Args:
        lost: How much more rarely they are right on test rows.
    """

    def hits(random: np.random.Generator, accuracy: float) -> Any:
        common, own = random.normal(size=100), random.normal(size=(trials, 100))
        return ((common + own) / 2**0.5 < norm.ppf(accuracy)).sum(axis=1)

    def surprise(seed: int) -> bool:
        random = np.random.default_rng(seed)
        dev, test = hits(random, 0.85), hits(random, 0.85 - lost)
        best = int(dev.argmax())
        figures = Interval(test[best] / 100, *share_interval(int(test[best]), 100))
        made, rows = choice(dev[best] / 100), MeasuredOn(100, trials)
        return bool(surprise_sentence(made, opening(100, test_accuracy=figures), rows))

    return surprise


def test_groups_surprise(lost: float, trials: int) -> Callable[[int], bool]:
    """The same of 10 groups of 10 rows each: 0.3 of what makes a row hard is common to its group.

    Of the rest, half is common to all trials.
    """
    units = np.repeat(np.arange(10), 10)

    def hits(random: np.random.Generator, accuracy: float) -> Any:
        of_group = 0.3**0.5 * random.normal(size=10)[units]
        common, own = random.normal(size=100), random.normal(size=(trials, 100))
        hard = of_group + 0.7**0.5 * (common + own) / 2**0.5
        return (hard < norm.ppf(accuracy)).astype(float)

    def surprise(seed: int) -> bool:
        random = np.random.default_rng(seed)
        dev, test = hits(random, 0.85), hits(random, 0.85 - lost)
        best = int(dev.sum(axis=1).argmax())
        right = test[best]
        [(low, high)] = bootstrap_interval(
            lambda rows: np.array([right[rows].mean()]), rows_of_units(units, 100), random
        )
        figures = Interval(float(right.mean()), low, high)
        made, on = choice(float(dev[best].mean())), MeasuredOn(100, trials, test_to_dev=1.0)
        return bool(surprise_sentence(made, opening(100, test_accuracy=figures), on))

    return surprise


test_groups_surprise.__test__ = False  # type: ignore[attr-defined]
test_rows_surprise.__test__ = False  # type: ignore[attr-defined]
