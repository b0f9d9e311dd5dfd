"""What the frozen weights of own training measure on the test rows, by its own evaluation."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from sweeps.models.errors import OwnTrainingError
from sweeps.models.own_code.guards import described, guarded
from sweeps.models.own_training_configuration import OwnTrialConfig
from sweeps.models.scoring.objective import Objective
from sweeps.models.splits.folds import of_fold
from sweeps.models.splits.splits import Splits
from sweeps.models.training.own_loop import OwnLoop
from sweeps.models.training.own_trial import Rows, rows_of
from sweeps.models.training.weights import load_weights

__all__ = ["evaluate_own"]


def evaluate_own(weights: Path, folds: Sequence[Splits], objective: Objective) -> dict[str, float]:
    """Return `test_<metric>` by the evaluation that the epochs were measured by.

    Args:
        weights: a file of a trial, which carries its configuration and seed; with folds, the
            weights of each, of which the mean is returned.
        folds: what each training was given, the test rows included; empty without data.
        objective: with the metrics that the sweep file declares.

    Raises:
        WeightsError: the file is damaged.
        OwnTrainingError: the training cannot be built, or its evaluation fails.
    """
    tensors, about = load_weights(weights)
    config = OwnTrialConfig.model_validate(about["configuration"]).at(math.inf)
    found = []
    for number, fold in enumerate(folds or [None], start=1):
        own = tensors if len(folds) < 2 else of_fold(number, tensors)
        try:
            with guarded():
                data = None if fold is None else fold.train_dev()
                loop = OwnLoop(config, data, objective, about["seed"])
                found.append(loop.answer(own, _test_rows(loop, fold)))
        except OwnTrainingError:
            raise
        except Exception as err:
            rule = f"cannot evaluate {weights} on the test rows: {described(err)}"
            raise OwnTrainingError(rule, key=("training", "target")) from err
    return {name: float(np.mean([one[name] for one in found])) for name in found[0]}


def _test_rows(loop: OwnLoop, fold: Splits | None) -> Rows:
    return Rows("test") if fold is None else rows_of("test", fold.test.x, fold.test.y, loop.device)
