"""How good a finished net is on rows that nothing has seen, with bootstrap intervals."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from sweeps.models.features import Features
from sweeps.models.prediction import Predictor
from sweeps.models.targets import Target

__all__ = ["Estimate", "evaluate"]

Array = npt.NDArray[Any]
_RESAMPLES = 2000
_LEVEL = 0.95
_STREAM = 0x626F6F74  # "boot"
_SMALLEST_PROBABILITY = 1e-300


@dataclass(frozen=True)
class Estimate:
    """A metric on some rows, and the ends of its 95 % bootstrap interval (percentiles)."""

    value: float
    low: float
    high: float


def evaluate(
    predictor: Predictor, features: Features, target: Target, seed: int
) -> dict[str, Estimate]:
    """Metrics of a predictor on raw rows: loss, accuracy and f1, or loss, mse, mae and r2.

    Rows are drawn again with replacement 2,000 times (Efron and Tibshirani 1993); the interval is
    between the 2.5 and 97.5 percentiles. It says how much these rows may mislead, not how much
    another training would differ.

    Args:
        predictor: preprocessing and net.
        features: raw features of n rows.
        target: what should be answered for them: classes by index, or numbers in their own units.
        seed: of the resampling; equal seeds give equal intervals.
    """
    answer = predictor.predict(features)
    metrics_of = _number_metrics if target.task == "regression" else _class_metrics
    metrics = metrics_of(answer, predictor, target)
    rows = len(target.values)
    random = np.random.default_rng([seed, _STREAM])
    values = metrics(np.arange(rows))
    draws = [metrics(random.integers(rows, size=rows)) for _ in range(_RESAMPLES)]
    ends = [50 * (1 - _LEVEL), 50 * (1 + _LEVEL)]
    return {
        name: Estimate(value, *map(float, np.percentile([draw[name] for draw in draws], ends)))
        for name, value in values.items()
    }


Metrics = Callable[[Array], dict[str, float]]


def _class_metrics(answer: dict[str, Array], predictor: Predictor, target: Target) -> Metrics:
    names = predictor.preprocessing.class_names
    shares = np.stack([answer[f"probability_{name}"] for name in names], axis=1)
    truth, predicted, classes = target.values, shares.argmax(axis=1), len(names)
    of_truth = shares[np.arange(len(truth)), truth]
    losses = -np.log(np.maximum(of_truth, _SMALLEST_PROBABILITY))

    def metrics(rows: Array) -> dict[str, float]:
        pairs = truth[rows] * classes + predicted[rows]
        confusion = np.bincount(pairs, minlength=classes**2).reshape(classes, classes)
        hits = confusion.diagonal()
        seen = confusion.sum(axis=0) + confusion.sum(axis=1)
        f1 = (2 * hits / np.maximum(seen, 1)).sum() / (seen > 0).sum()
        accuracy = hits.sum() / len(rows)
        return {"loss": float(losses[rows].mean()), "accuracy": float(accuracy), "f1": float(f1)}

    return metrics


def _number_metrics(answer: dict[str, Array], predictor: Predictor, target: Target) -> Metrics:
    predicted, truth = answer["prediction"], target.values
    scale = predictor.preprocessing.target_scale

    def metrics(rows: Array) -> dict[str, float]:
        errors, wanted = predicted[rows] - truth[rows], truth[rows]
        mse, variance = float(np.square(errors).mean()), float(wanted.var())
        return {
            "loss": mse / scale**2,
            "mse": mse,
            "mae": float(np.abs(errors).mean()),
            "r2": 1 - mse / variance if variance > 0 else float(mse == 0),
        }

    return metrics
