"""Learning the preprocessing from training rows, and from no others."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

import numpy as np
import numpy.typing as npt

from sweeps.models.data.configuration import DataConfig, Scale
from sweeps.models.data.feature_checks import listed
from sweeps.models.data.features import Features, missing_in
from sweeps.models.data.items import ItemKind
from sweeps.models.data.targets import Target
from sweeps.models.errors import DataError
from sweeps.models.scoring.tasks import TASKS, Moment
from sweeps.models.splits.preprocessing import Preprocessing
from sweeps.models.splits.row_cuts import Rows
from sweeps.models.splits.scalings import (
    NUMBERS_PER_BLOCK,
    channel_moments,
    moments,
    quantiles_of,
)

__all__ = ["MAX_CATEGORIES", "fit_preprocessing", "item_preprocessing"]

# Of targets: the mean squared error of a net that is nearly perfect, or far off, is then neither 0
# nor infinite (float64 reaches from 1e-308 to 1e308).
_SMALLEST_SPREAD, _LARGEST_SPREAD = 1e-140, 1e140

Numbers = npt.NDArray[np.float64]

MAX_CATEGORIES = 1000  # in one column: more are identifiers or free text, not categories


def fit_preprocessing(
    features: Features, target: Target, config: DataConfig, rows: Rows | None = None
) -> Preprocessing:
    """The preprocessing of a configuration, fitted on training rows.

    Args:
        features: of all rows; no other than the training rows is looked at.
        target: of the training rows alone.
        config: says whether to scale and whether to fill missing values.
        rows: numbers of the training rows; None for all.

    Raises:
        DataError: a column without any value, with too many categories, or with numbers too large.
    """
    rows = np.arange(len(features)) if rows is None else rows
    flat = features.flat
    _check_columns_have_values(features, rows)
    # Of all numbers as float64, bytes of images would take eight times their memory.
    learned = [
        _learned(np.ascontiguousarray(flat[:, block][rows], dtype=np.float64), config.scale)
        for block in _column_blocks(features, rows)
    ]
    fills, means, scales = map(np.concatenate, zip(*(one[:3] for one in learned), strict=True))
    if config.scale == "per_channel":
        with np.errstate(over="ignore", invalid="ignore"):
            means, scales = channel_moments(features.numbers, rows, fills)
    with np.errstate(over="ignore", invalid="ignore"):
        target_mean, target_scale = _target_moments(target, config)
    unfit = np.flatnonzero(~np.isfinite([means, scales, fills]).all(axis=0))
    if len(unfit):
        name = features.number_names[unfit[0]]
        raise _too_large(f"column {name!r}", flat[rows, unfit[0]].astype(np.float64))
    if not np.isfinite(np.append(target_mean, target_scale)).all():
        raise _too_large("the target", target.values.ravel())
    return Preprocessing(
        number_names=features.number_names,
        number_shape=features.numbers.shape[1:],
        means=tuple(means.tolist()),
        scales=tuple(scales.tolist()),
        missing=config.missing,
        quantiles=tuple(column for one in learned for column in one[3]),
        fills=tuple(fills.tolist()) if config.missing == "mean" else (),
        word_names=features.word_names,
        categories=tuple(map(_categories, features.word_names, features.words[rows].T)),
        class_names=target.class_names,
        class_type=target.class_type,
        missing_values=config.missing_values,
        target_mean=target_mean,
        target_scale=target_scale,
        target_names=target.names,
        kind=target.task,
    )


def _column_blocks(features: Features, rows: Rows) -> Iterator[slice]:
    """Yield the columns of numbers, as many at a time as make a block of some megabytes.

    Two at least where there are two: numpy adds up a lone column in another order.
    """
    width = len(features.number_names)
    blocks = max(1, min(width // 2, len(rows) * width // NUMBERS_PER_BLOCK))
    edges = np.linspace(0, width, blocks + 1).astype(int).tolist()
    yield from map(slice, edges[:-1], edges[1:])


def _learned(
    numbers: Numbers, scale: Scale
) -> tuple[Numbers, Numbers, Numbers, tuple[tuple[float, ...], ...]]:
    """Return (columns,) what fills a gap, the mean, the scale, and the quantiles if any."""
    with np.errstate(over="ignore", invalid="ignore"):
        fills = np.nanmean(numbers, axis=0)
        filled = np.where(np.isnan(numbers), fills, numbers)
        means, scales = moments(filled, scale)
    return fills, means, scales, quantiles_of(filled, scale)


def item_preprocessing(item: ItemKind, target: Target, config: DataConfig) -> Preprocessing:
    """What is known of a dataset's items: x goes to the net as it is, and numbers are standardised.

    Args:
        item: what the x of each is.
        target: of the training rows alone.
        config: says whether numbers are standardised.

    Raises:
        DataError: targets too large.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        target_mean, target_scale = _target_moments(target, config)
    if not np.isfinite(np.append(target_mean, target_scale)).all():
        raise _too_large("the target", target.values.ravel())
    return Preprocessing(
        number_names=(),
        number_shape=(),
        means=(),
        scales=(),
        missing="error",
        fills=(),
        class_names=target.class_names,
        class_type=target.class_type,
        target_names=target.names,
        target_mean=target_mean,
        target_scale=target_scale,
        kind=target.task,
        item=item,
    )


def _too_large(what: str, values: npt.NDArray[np.float64]) -> DataError:
    largest = float(values[np.nanargmax(np.abs(values))])
    rule = f"{what} must hold numbers below 1e150, so that its mean and spread can be computed"
    return DataError(rule, key=("source",), value=largest, hint="Rescale the data")


def _target_moments(target: Target, config: DataConfig) -> tuple[Moment, Moment]:
    is_as_it_is = config.scale_target == "none"
    if not TASKS[target.task].is_standardised:
        if is_as_it_is:
            rule = f"only targets that are amounts are scaled, and this one is for {target.task}"
            raise DataError(rule, key=("scale_target",), value="none", hint="Remove the key")
        return 0.0, 1.0
    if is_as_it_is:
        return (
            ((0.0,) * len(target.names), (1.0,) * len(target.names)) if target.names else (0.0, 1.0)
        )
    if not target.names:
        return _moments_of("the target", target.values)
    every = [
        _moments_of(f"target {name!r}", column)
        for name, column in zip(target.names, np.ascontiguousarray(target.values.T), strict=True)
    ]
    return tuple(mean for mean, _ in every), tuple(scale for _, scale in every)


def _moments_of(what: str, values: npt.NDArray[np.float64]) -> tuple[float, float]:
    if values.min() == values.max():
        raise DataError(
            f"{what} must take at least two values in the training rows", key=("split",)
        )
    with np.errstate(under="ignore"):
        mean, scale = float(values.mean()), float(values.std())
    if not _SMALLEST_SPREAD <= scale <= _LARGEST_SPREAD:
        raise DataError(
            f"the standard deviation of {what} must be between {_SMALLEST_SPREAD:g} and "
            f"{_LARGEST_SPREAD:g}, so that float64 can hold its square",
            key=("target",),
            value=scale,
            hint="Write the target in other units",
        )
    return mean, scale


def _categories(name: str, words: npt.NDArray[np.object_]) -> tuple[str, ...]:
    known = tuple(sorted({word for word in words if word is not None}))
    if len(known) > MAX_CATEGORIES:
        raise DataError(
            f"a column of words may have at most {MAX_CATEGORIES} categories; {name!r} has "
            f"{len(known)} in the training rows",
            key=("exclude",),
            hint=f"Leave it out: exclude: [{name}]",
        )
    return known


def _check_columns_have_values(features: Features, rows: Rows) -> None:
    flat, words = features.flat, features.words
    if flat.dtype == np.uint8:  # of images, which have no words beside
        return
    blocks = (flat[:, block][rows] for block in _column_blocks(features, rows))
    is_empty = [missing_in(block).all(axis=0) for block in chain(blocks, [words[rows]])]
    names = (*features.number_names, *features.word_names)
    found = zip(names, np.concatenate(is_empty), strict=True)
    empty = [name for name, has_none in found if has_none]
    if empty:
        raise DataError(
            f"every column must have a value in some training row, and {listed(empty)} has none",
            key=("exclude",),
            hint=f"Leave them out: exclude: [{', '.join(empty)}]",
        )
