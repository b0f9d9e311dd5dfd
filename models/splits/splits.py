"""Cutting a data set into train, dev and a test set that no trial receives.

The test rows are cut first, by seed; whatever is fitted is fitted on train alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from sweeps.models.data.configuration import DataConfig
from sweeps.models.data.datasets import Dataset
from sweeps.models.data.feature_checks import check_features
from sweeps.models.data.features import Features
from sweeps.models.data.items import InputShape, ItemKind, ItemRows, Items
from sweeps.models.data.pixels import Pixels, sealed
from sweeps.models.scoring.tasks import TASKS, Moment, Task
from sweeps.models.splits.cuts import Cut, cut_dataset
from sweeps.models.splits.preprocessing import Preprocessing
from sweeps.models.splits.preprocessing_fit import fit_preprocessing, item_preprocessing
from sweeps.models.splits.row_cuts import RowCut, Rows

__all__ = ["Inputs", "Part", "Splits", "TrainDev", "refit_splits", "split_dataset", "split_folds"]

# "seen": a stream of its own beside those of the cut and the trials.
_SAMPLE_STREAM = 0x7365656E
Array = npt.NDArray[Any]
Inputs = Array | ItemRows | Pixels


@dataclass(frozen=True, eq=False)
class Part:
    """One split, prepared for a net.

    Attributes:
        x: (rows, *input_shape) float32; or, by their numbers, images that stay bytes or the items
            of a dataset.
        y: (rows,) int64 classes, or float32 targets standardised by the training rows; one
            column a target where there are several, of 0 and 1 for labels.
        rows: (rows,) which rows of the data set these are.
        units: (rows,) the same number for rows that were kept together; None where each is alone.
        weights: (rows,) float64, how much each counts in training; None where all count alike.
    """

    x: Inputs
    y: Array
    rows: Rows
    units: Rows | None = None
    weights: Array | None = None


@dataclass(frozen=True, eq=False)
class TrainDev:
    """All that a trial may see of a data set; this is what goes to workers.

    Attributes:
        x_train: (train rows, *input_shape) float32, images that stay bytes, or the items of a
            dataset.
        y_train: (train rows,) int64 classes, or float32 targets, as in Part.
        x_dev: of the dev rows, like x_train.
        y_dev: of the dev rows, like y_train.
        task: what is asked.
        outputs: number of classes or targets.
        input_shape: (columns,), or (channels, height, width); or shapes by name.
        target_mean: mean of the training targets in original units, see Preprocessing.
        target_scale: their standard deviation, likewise.
        weights: (train rows,) float64, how much each counts; None where all count alike.
        measured: (k,) numbers of the train rows that train metrics are measured on, in order; None
            for all of them.
        category_counts: how many categories each column of words has, whose 0 and 1 are the last
            columns of x.
    """

    x_train: Inputs
    y_train: Array
    x_dev: Inputs
    y_dev: Array
    task: Task
    outputs: int
    input_shape: InputShape
    target_mean: Moment = 0.0
    target_scale: Moment = 1.0
    weights: Array | None = None
    measured: Rows | None = None
    category_counts: tuple[int, ...] = ()

    @property
    def item(self) -> ItemKind | None:
        """What the x of an item is, of a dataset; None of arrays."""
        return self.x_train.items.x if isinstance(self.x_train, ItemRows) else None


@dataclass(frozen=True, eq=False)
class Splits:
    """The three splits; the test set stays with the driver until a winner is frozen.

    Attributes:
        train: rows that are trained on, and that preprocessing was fitted on.
        dev: rows that trials are compared on.
        test: the test rows.
        preprocessing: how raw features became `x`.
        task: what is asked.
        outputs: number of classes or targets.
        measured: which train rows train metrics are measured on, see TrainDev.
    """

    train: Part
    dev: Part
    test: Part
    preprocessing: Preprocessing
    task: Task
    outputs: int
    measured: Rows | None = None

    def train_dev(self) -> TrainDev:
        """What workers receive: train and dev, and not one test row."""
        x_train, x_dev = self.train.x, self.dev.x
        if isinstance(x_train, Pixels) and isinstance(x_dev, Pixels):
            x_train, x_dev = sealed(x_train, x_dev)
        return TrainDev(
            x_train=x_train,
            y_train=self.train.y,
            x_dev=x_dev,
            y_dev=self.dev.y,
            task=self.task,
            outputs=self.outputs,
            input_shape=self.preprocessing.input_shape,
            target_mean=self.preprocessing.target_mean,
            target_scale=self.preprocessing.target_scale,
            weights=self.train.weights,
            measured=self.measured,
            category_counts=self.preprocessing.category_counts,
        )


def split_dataset(dataset: Dataset, config: DataConfig, seed: int) -> Splits:
    """Cuts a data set without folds and prepares its splits; see `split_folds`."""
    (splits,) = split_folds(dataset, config, seed)
    return splits


def split_folds(
    dataset: Dataset, config: DataConfig, seed: int, cut: Cut | None = None
) -> tuple[Splits, ...]:
    """Cuts a data set into what the nets of a trial see: one Splits for each net.

    Folds have one test set, and preprocessing each of their own, fitted on their own train rows.

    Args:
        dataset: what was read.
        config: how it is cut, scaled, and what becomes of missing values.
        seed: decides which rows go where; equal seeds give equal splits.
        cut: where that is known already.

    Raises:
        DataError: a split would be empty or lack a class, or values are missing or not finite.
    """
    if isinstance(dataset.features, Features):
        check_features(dataset.features, config.missing)
    cut = cut or cut_dataset(dataset, config.split, seed)
    return tuple(_fitted(dataset, config, part, cut.units, seed) for part in cut.parts)


def refit_splits(dataset: Dataset, config: DataConfig, seed: int) -> Splits:
    """The same cut for one last training: train holds every row but those of the test set.

    The dev rows stay what they were, so that a training has metrics on them, but they are among
    those that are trained on: nothing can be chosen by them any more.
    """
    cut = cut_dataset(dataset, config.split, seed)
    return _fitted(dataset, config, cut.refit(), cut.units, seed)


def _fitted(
    dataset: Dataset, config: DataConfig, cut: RowCut, units: Rows | None, seed: int
) -> Splits:
    target = dataset.target.take(cut.train)
    if isinstance(dataset.features, Items):
        preprocessing = item_preprocessing(dataset.features.x, target, config)
    else:
        preprocessing = fit_preprocessing(dataset.features, target, config, cut.train)
    return Splits(
        train=_prepared(dataset, cut.train, preprocessing),
        dev=_prepared(dataset, cut.dev, preprocessing),
        test=_prepared(dataset, cut.test, preprocessing, units),
        preprocessing=preprocessing,
        task=dataset.target.task,
        outputs=dataset.target.outputs,
        measured=_measured(len(cut.train), config.train_sample, seed),
    )


def _measured(rows: int, sample: int | None, seed: int) -> Rows | None:
    """Draw the train rows of the train metrics, of a stream of their own: nothing else moves."""
    if sample is None or sample >= rows:
        return None
    random = np.random.default_rng([seed, _SAMPLE_STREAM])
    return np.sort(random.choice(rows, size=sample, replace=False))


def _prepared(
    dataset: Dataset, rows: Rows, preprocessing: Preprocessing, units: Rows | None = None
) -> Part:
    y = dataset.target.values[rows]
    if TASKS[dataset.target.task].is_standardised:
        scaled = (y - np.array(preprocessing.target_mean)) / np.array(preprocessing.target_scale)
        y = scaled.astype(np.float32)
    return Part(
        x=_inputs(dataset, rows, preprocessing),
        y=y,
        rows=rows,
        units=_together(rows, units),
        weights=None if dataset.weights is None else dataset.weights[rows],
    )


def _inputs(dataset: Dataset, rows: Rows, preprocessing: Preprocessing) -> Inputs:
    if isinstance(dataset.features, Features):
        pixels = preprocessing.bytes_of(dataset.features, rows)
        if pixels is not None:
            return pixels
    raw = dataset.raw(rows)
    return raw if isinstance(raw, ItemRows) else preprocessing.apply(raw)


def _together(rows: Rows, units: Rows | None) -> Rows | None:
    """The units of some rows, or None where no two of them are of one unit."""
    if units is None or len(np.unique(units[rows])) == len(rows):
        return None
    return units[rows]
