"""What a trial with cross-validation folds makes of its nets, one a fold, in each epoch.

Folds are counted from 1. A fold's net depends on nothing but the trial's seed, the fold's number
and the fold's rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

import numpy as np

__all__ = ["fold_row", "fold_seed", "in_fold", "of_fold"]

Value = TypeVar("Value")


def fold_seed(seed: int, fold: int) -> int:
    """The seed of a fold's net: 63 bits, spawned from the trial's seed by the fold's number."""
    state = np.random.SeedSequence(seed, spawn_key=(fold,)).generate_state(1, np.uint64)
    return int(state[0] >> np.uint64(1))


def fold_row(rows: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """One row of an epoch from those of two folds or more.

    Each metric is the mean over folds, unweighted as in scikit-learn. Each dev metric has its
    standard error beside it, `<metric>_se`: the standard deviation over folds (with k - 1) by the
    root of k. `lr`, if there is one, is that of fold 1's last batch, and `epoch_s` the sum.
    """
    names = [name for name in rows[0] if name not in ("lr", "epoch_s")]
    values = np.array([[row[name] for name in names] for row in rows])  # (folds, metrics)
    with np.errstate(invalid="ignore"):  # a fold that diverged: infinity less infinity
        # From the first fold on, so that equal folds have exactly their value, and no error.
        distances = values - values[0]
        means = dict(zip(names, (values[0] + distances.mean(axis=0)).tolist(), strict=True))
        deviations = distances.std(axis=0, ddof=1)
    errors = dict(zip(names, (deviations / np.sqrt(len(rows))).tolist(), strict=True))
    dev_errors = {f"{name}_se": errors[name] for name in names if name.startswith("dev_")}
    rate = {"lr": rows[0]["lr"]} if "lr" in rows[0] else {}
    return {**means, **dev_errors, **rate, "epoch_s": sum(row["epoch_s"] for row in rows)}


def in_fold(fold: int, named: Mapping[str, Value]) -> dict[str, Value]:
    """What belongs to a fold, under the names that it has in a file: `fold<i>/<name>`."""
    return {f"fold{fold}/{name}": value for name, value in named.items()}


def of_fold(fold: int, named: Mapping[str, Value]) -> dict[str, Value]:
    """What `in_fold` put there, under its own names; empty if there is nothing."""
    prefix = f"fold{fold}/"
    return {name[len(prefix) :]: v for name, v in named.items() if name.startswith(prefix)}
