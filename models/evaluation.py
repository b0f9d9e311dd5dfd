"""How good a finished net is on rows that nothing has seen, with bootstrap intervals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from sweeps.models.answers import Answers, measured
from sweeps.models.features import Features
from sweeps.models.metrics import metrics_of
from sweeps.models.prediction import Predictor
from sweeps.models.targets import Target
from sweeps.models.tasks import TASKS

__all__ = ["Estimate", "evaluate"]

_RESAMPLES = 2000
_LEVEL = 0.95
_STREAM = 0x626F6F74  # "boot"


@dataclass(frozen=True)
class Estimate:
    """A metric on some rows, and the ends of its 95 % bootstrap interval (percentiles)."""

    value: float
    low: float
    high: float


@torch.inference_mode()
def evaluate(
    predictor: Predictor, features: Features, target: Target, seed: int
) -> dict[str, Estimate]:
    """Return the metrics of a predictor on raw rows, by the names of `metrics_of`.

    Rows are drawn again with replacement 2,000 times (Efron and Tibshirani 1993); the interval is
    between the 2.5 and 97.5 percentiles. It says how much these rows may mislead, not how much
    another training would differ.

    Args:
        predictor: preprocessing and net.
        features: raw features of n rows.
        target: what should be answered for them: classes by index, or numbers in their own units.
        seed: of the resampling; equal seeds give equal intervals.
    """
    answers = _answers(predictor, features, target)
    metrics = metrics_of(target.task)
    values = measured(answers, metrics.values()).tolist()
    rows, random = len(target.values), np.random.default_rng([seed, _STREAM])
    draws = [torch.from_numpy(random.integers(rows, size=rows)) for _ in range(_RESAMPLES)]
    drawn = torch.stack([measured(answers.take(draw), metrics.values()) for draw in draws])
    ends = [50 * (1 - _LEVEL), 50 * (1 + _LEVEL)]
    lows, highs = np.percentile(drawn.numpy(), ends, axis=0).tolist()
    return {
        name: Estimate(*estimate)
        for name, *estimate in zip(metrics, values, lows, highs, strict=True)
    }


def _answers(predictor: Predictor, features: Features, target: Target) -> Answers:
    """Return what a predictor says of raw rows, as a net's outputs beside standardised targets."""
    prepared = predictor.preprocessing
    wanted: Tensor = torch.from_numpy(target.values)
    if TASKS[target.task].is_standardised:
        wanted = (wanted - prepared.target_mean) / prepared.target_scale
    outputs = predictor.outputs(features)
    return Answers.of(target.task, outputs, wanted, prepared.target_scale)
