"""How good a finished net is on rows that nothing has seen, with intervals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from sweeps.models.data.features import Features
from sweeps.models.data.items import ItemRows
from sweeps.models.data.targets import Target
from sweeps.models.prediction import Predictor
from sweeps.models.scoring.answers import Answers, metric_values, units_on
from sweeps.models.scoring.intervals import bootstrap_interval, rows_of_units, share_interval
from sweeps.models.scoring.metrics import Metric
from sweeps.models.scoring.tasks import TASKS

__all__ = ["Estimate", "Resampling", "evaluate"]

_STREAM = 0x626F6F74  # "boot"
# With fewer no interval of a loss or F1 holds: one error more could make it several times as large.
_FEWEST_ERRORS = 2


@dataclass(frozen=True)
class Estimate:
    """A metric on some rows, and the ends of its 95 % interval.

    Attributes:
        low, high: None where these rows are too few for an interval.
        note: Why they are None; else empty.
    """

    value: float
    low: float | None
    high: float | None
    note: str = ""


@dataclass(frozen=True, eq=False)
class Resampling:
    """How rows are drawn again for an interval.

    Attributes:
        seed: equal seeds give equal intervals.
        units: (n,) the same number for rows of one unit; None where each row is one.
    """

    seed: int
    units: npt.NDArray[np.intp] | None = None


@torch.inference_mode()
def evaluate(
    predictor: Predictor,
    features: Features | ItemRows,
    target: Target,
    metrics: Mapping[str, Metric],
    drawn: Resampling,
) -> dict[str, Estimate]:
    """Return metrics of a predictor on raw rows, by name.

    A share of rows, as accuracy is, has the exact interval of Clopper and Pearson; other metrics a
    studentised bootstrap over rows, within what the metric can be. Each says how much these rows
    may mislead, not how much another training would differ. Where rows come in units, such as
    patients, whole units are drawn (the cluster bootstrap), for every metric: rows of one patient
    say less than as many rows of as many patients.

    Args:
        predictor: preprocessing and net.
        features: raw features of n rows, or n items of a dataset.
        target: what should be answered for them: classes by index, labels, or numbers in their own
            units.
        metrics: what is measured, by name.
        drawn: how rows are resampled.
    """
    answers = _answers(predictor, features, target)
    rows, random = len(target.values), np.random.default_rng([drawn.seed, _STREAM])
    units = drawn.units

    def measure(sample: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        values = metric_values(answers.take(torch.from_numpy(sample)), metrics.values())
        found: npt.NDArray[np.float64] = values.numpy()
        return found

    values = metric_values(answers, metrics.values()).tolist()
    errors = _errors(answers, target)
    members = rows_of_units(units, rows)
    has_influences = any(metric.influence is not None for metric in metrics.values())
    influences = partial(_influences, answers, metrics) if has_influences else None
    ends = bootstrap_interval(measure, members, random, influences)
    groups = 0 if units is None else len(members)
    return {
        name: _estimate(metric, value, end, errors, (rows, groups))
        for (name, metric), value, end in zip(metrics.items(), values, ends, strict=True)
    }


def _influences(
    answers: Answers, metrics: Mapping[str, Metric], sample: npt.NDArray[np.int64]
) -> npt.NDArray[np.float64]:
    """Return (rows, metrics) the influences of a sample's rows; NaN for metrics without."""
    taken = answers.take(torch.from_numpy(sample))
    found = np.full((len(sample), len(metrics)), np.nan)
    for at, metric in enumerate(metrics.values()):
        if metric.influence is not None:
            found[:, at] = metric.influence(taken).numpy()
    return found


def _errors(answers: Answers, target: Target) -> int | None:
    """Return how many rows were answered wrongly; None where nothing is right or wrong."""
    return int(answers.is_wrong.sum()) if TASKS[target.task].is_categorical else None


def _estimate(
    metric: Metric,
    value: float,
    ends: tuple[float, float],
    errors: int | None,
    counts: tuple[int, int],
) -> Estimate:
    rows, units = counts  # no units: each row is one
    if not np.isfinite(value):
        return Estimate(value, None, None, f"has no value on these {rows} rows")
    if metric.is_share and not units:
        return Estimate(value, *share_interval(round(value * rows), rows))
    few = errors is not None and errors < _FEWEST_ERRORS
    if few or not np.isfinite(ends).all():
        s = "" if errors == 1 else "s"
        what = f"{rows} rows" if errors is None else f"{errors} error{s} in {rows} rows"
        what += f" of {units} groups" if units else ""
        return Estimate(value, None, None, f"{what}: too few for an interval")
    floor, ceiling = metric.bounds
    return Estimate(value, max(ends[0], floor), min(ends[1], ceiling))


def _answers(predictor: Predictor, features: Features | ItemRows, target: Target) -> Answers:
    """Return what a predictor says of raw rows, as a net's outputs beside standardised targets."""
    prepared = predictor.preprocessing
    wanted: Tensor = torch.from_numpy(target.values)
    units = units_on(wanted.device, prepared.target_mean, prepared.target_scale)
    if TASKS[target.task].is_standardised:
        wanted = (wanted - units[0]) / units[1]
    outputs, parts = predictor.with_parts(features)
    return Answers.of(target.task, outputs, wanted, units, parts)
