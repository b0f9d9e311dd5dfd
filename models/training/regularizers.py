"""What keeps a net from fitting its training rows too well, besides dropout in the net itself.

Penalties change gradients, never a reported loss, so that trials with different penalties compare.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from sweeps.models.configuration import EarlyStopping, Regularization
from sweeps.models.optimizers.flat_parameters import FlatParameters
from sweeps.models.scoring.metrics import Mode

__all__ = ["Patience", "gradient_changes"]


def gradient_changes(
    config: Regularization, parameters: FlatParameters
) -> tuple[Callable[[], None], ...]:
    """What is done to the gradient of every batch, in order: penalties, then clipping.

    Only what the configuration asks for is in the tuple.
    """
    changes: list[Callable[[], None]] = []
    if config.l1 > 0:
        changes.append(partial(_add_l1, parameters, config.l1))
    if config.l2 > 0:
        changes.append(partial(_add_l2, parameters, config.l2))
    if config.clip_norm is not None:
        changes.append(partial(_clip, parameters, config.clip_norm))
    return tuple(changes)


def _add_l1(parameters: FlatParameters, l1: float) -> None:
    parameters.weights_gradient.add_(parameters.weights.sign(), alpha=l1)


def _add_l2(parameters: FlatParameters, l2: float) -> None:
    parameters.weights_gradient.add_(parameters.weights, alpha=l2)


def _clip(parameters: FlatParameters, longest: float) -> None:
    norm = parameters.gradient.norm()
    # 1e-6 as in torch.nn.utils.clip_grad_norm_: no division by a gradient of 0.
    parameters.gradient.mul_((longest / (norm + 1e-6)).clamp_(max=1.0))


class Patience:
    """Early stopping: counts the epochs since the objective last improved.

    Attributes:
        epochs: how many without improvement are waited for.
    """

    def __init__(self, config: EarlyStopping, mode: Mode) -> None:
        self.epochs = config.patience
        self._min_delta = config.min_delta
        self._sign = 1.0 if mode == "max" else -1.0
        self._best: float | None = None
        self._waited = 0

    def observe(self, objective: float) -> None:
        """Takes in the objective after an epoch."""
        score = self._sign * objective
        if self._best is None or score > self._best + self._min_delta:
            self._best = score
            self._waited = 0
        else:
            self._waited += 1

    @property
    def is_over(self) -> bool:
        """Whether the last `epochs` epochs have brought no improvement above `min_delta`."""
        return self._waited >= self.epochs

    def state(self) -> dict[str, Any]:
        """The count so far, as JSON values."""
        return {"best": self._best, "waited": self._waited}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continues from `state()`."""
        self._best = state["best"]
        self._waited = state["waited"]
