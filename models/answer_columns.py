"""What a trained net answers, as named columns: classes, labels or amounts, with probabilities.

Imports no torch.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from sweeps.models.data.targets import class_labels
from sweeps.models.scoring.tasks import Task
from sweeps.models.splits.preprocessing import Preprocessing

__all__ = ["answer_columns"]

Columns = dict[str, npt.NDArray[Any]]
_LIKELY = 0.5


def answer_columns(prepared: Preprocessing, answers: npt.NDArray[np.float64]) -> Columns:
    """Return (rows,) arrays by name: `prediction`, and `probability_<class>` for classes.

    Of several targets each has its own: `prediction_<target>`, and for labels
    `probability_<label>`, too.

    Args:
        prepared: of the net.
        answers: (rows, outputs) probabilities, or amounts in their own units.
    """
    return _COLUMNS[prepared.task](prepared, answers)


def _of_classes(prepared: Preprocessing, shares: npt.NDArray[np.float64]) -> Columns:
    labels = class_labels(prepared.class_names, prepared.class_type)
    columns = {f"probability_{name}": shares[:, i] for i, name in enumerate(prepared.class_names)}
    return {"prediction": labels[shares.argmax(axis=1)], **columns}


def _of_numbers(prepared: Preprocessing, amounts: npt.NDArray[np.float64]) -> Columns:
    if not prepared.target_names:
        return {"prediction": amounts[:, 0]}
    return _one_each("prediction", prepared, amounts)


def _of_labels(prepared: Preprocessing, shares: npt.NDArray[np.float64]) -> Columns:
    likely = (shares > _LIKELY).astype(np.int64)
    return _one_each("prediction", prepared, likely) | _one_each("probability", prepared, shares)


def _one_each(what: str, prepared: Preprocessing, values: npt.NDArray[Any]) -> Columns:
    return {f"{what}_{name}": values[:, at] for at, name in enumerate(prepared.target_names)}


_COLUMNS: dict[Task, Callable[[Preprocessing, npt.NDArray[np.float64]], Columns]] = {
    "classification": _of_classes,
    "regression": _of_numbers,
    "multilabel": _of_labels,
}
