"""What own training has trained, as a net that answers rows by the `predict` that it gives."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
from torch import Tensor, nn

from sweeps.models.errors import OwnTrainingError
from sweeps.models.own_code.guards import described_at, guarded
from sweeps.models.own_training_configuration import OwnTrialConfig
from sweeps.models.scoring.objective import Objective
from sweeps.models.splits.preprocessing import Preprocessing
from sweeps.models.splits.splits import TrainDev
from sweeps.models.training.kept_state import refused
from sweeps.models.training.own_loop import OwnLoop

__all__ = ["OwnNet"]

# Of the rows that stand in for those that were trained on, which a model does not have with it:
# as many as a schedule may count batches of, and no more numbers than take no time.
_ROWS, _NUMBERS = 1024, 2**22


class OwnNet(nn.Module):
    """Own training with the weights of its best epoch, to be asked as a net is."""

    def __init__(
        self, tensors: Mapping[str, Tensor], about: Mapping[str, Any], prepared: Preprocessing
    ) -> None:
        """Calls the user's target, which is given rows of zeros in place of those it trained on.

        Args:
            tensors: the weights, of one fold.
            about: what the file of weights says of itself.
            prepared: the preprocessing that was fitted with it.

        Raises:
            OwnTrainingError: it cannot be built so, or gives no `predict`.
        """
        super().__init__()
        config = OwnTrialConfig.model_validate(about["configuration"]).at(math.inf)
        with _own_errors("cannot rebuild the trained net"):
            loop = OwnLoop(config, _stand_in(prepared), Objective("dev_loss", "min"), about["seed"])
            loop.open(tensors)
        if not loop.predicts:
            rule = "must provide `predict`, as it did during training"
            raise refused(rule, "Call trial.epochs(evaluate, predict=net)")
        self._loop = loop

    def forward(self, x: Tensor) -> Tensor:
        """(rows, outputs) logits or standardised targets, on the CPU, of (rows, *input_shape)."""
        with _own_errors("predict must answer rows"):
            return self._loop.predict(x)


@contextmanager
def _own_errors(what: str) -> Iterator[None]:
    try:
        with guarded():
            yield
    except OwnTrainingError:
        raise
    except (Exception, SystemExit) as err:
        raise refused(f"{what}, but raised {described_at(err)}") from err


def _stand_in(prepared: Preprocessing) -> TrainDev:
    """Return zeros of the data's shape, with every class among the targets."""
    shape, outputs = prepared.input_shape, prepared.outputs
    assert isinstance(shape, tuple), "of a dataset rows are not answered"
    rows = max(2, min(_ROWS, _NUMBERS // max(1, math.prod(shape))))
    x = np.zeros((rows, *shape), dtype=np.float32)
    y = _targets(prepared, rows)
    return TrainDev(
        x_train=x,
        y_train=y,
        x_dev=x,
        y_dev=y,
        task=prepared.task,
        outputs=outputs,
        input_shape=shape,
        target_mean=prepared.target_mean,
        target_scale=prepared.target_scale,
    )


def _targets(prepared: Preprocessing, rows: int) -> np.ndarray[Any, Any]:
    outputs = prepared.outputs
    if prepared.class_names:
        return np.arange(rows, dtype=np.int64) % outputs
    return np.zeros((rows, outputs) if prepared.target_names else rows, dtype=np.float32)
