"""The user's own function of a batch of training rows, such as an augmentation.

It draws from the trial's generators, whose state a checkpoint has; rows that are evaluated never
pass through it.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from sweeps.models.data.batch_configuration import OwnBatch
from sweeps.models.data.items import NetInputs
from sweeps.models.own_code.own_call import OwnCall
from sweeps.models.training.device_data import Batch

__all__ = ["BatchChange"]

_TARGET = ("batch", "target")


class BatchChange:
    """A user-defined function of batches."""

    def __init__(self, config: OwnBatch, device: torch.device, classes: int | None) -> None:
        """Finds the function.

        Args:
            classes: logits of a net of classes, which may be trained on probabilities in place of
                classes, as mixup does; None for other targets.

        Raises:
            OwnFunctionError: there is no such module or function.
        """
        self._own = OwnCall(config.target, _TARGET, config.options)
        self._generator = _generator_of(device)
        self._classes = classes

    def __call__(self, batch: Batch) -> Batch:
        """The batch as the net is to be trained on it; the rows of the data stay as they are.

        Args:
            batch: inputs as the net takes them, (rows, *input_shape) or such tensors by name;
                targets, and weights.

        Raises:
            OwnFunctionError: it raised, or returned other shapes or types.
        """
        x, y, weights = batch
        with torch.no_grad():
            # Of a full batch these would be the rows themselves, which it may change in place.
            changed = self._own(inputs=_copied(x), targets=y.clone(), generator=self._generator)
        if not isinstance(changed, tuple | list) or len(changed) != 2:
            found = f"a {type(changed).__name__}"
            raise self._own.refused(f"the function must return (inputs, targets), not {found}")
        return self._inputs(x, changed[0]), self._targets(y, changed[1]), weights

    def _targets(self, given: Tensor, returned: object) -> Tensor:
        is_soft = isinstance(returned, Tensor) and returned.is_floating_point()
        if self._classes is None or not is_soft:
            return self._like(given, returned, "targets")
        shape = given.shape if self._classes == 1 else (len(given), self._classes)
        wanted = given.new_zeros(shape, dtype=torch.float32)
        soft = self._like(wanted, returned, "probabilities of classes in place of targets")
        total = soft.sum(1) if self._classes > 1 else soft.new_ones(1)
        inside = bool((soft >= 0).all() & (soft <= 1).all())
        if not inside or not torch.allclose(total, torch.ones_like(total), atol=1e-3):
            rule = "probabilities of classes must lie between 0 and 1, those of a row add up to 1"
            raise self._own.refused(f"{rule}, in what the function returns as targets")
        return soft

    def _inputs(self, given: NetInputs, returned: Any) -> NetInputs:
        if not isinstance(given, dict):
            return self._like(given, returned, "inputs")
        if not isinstance(returned, dict) or returned.keys() != given.keys():
            found = list(returned) if isinstance(returned, dict) else f"a {type(returned).__name__}"
            rule = f"the function must return inputs as a dictionary of {', '.join(given)}"
            raise self._own.refused(f"{rule}, not {found}")
        return {name: self._like(x, returned[name], name) for name, x in given.items()}

    def _like(self, given: Tensor, returned: object, name: str) -> Tensor:
        rule = f"the function must return {name} as {_described(given)}"
        if not isinstance(returned, Tensor):
            raise self._own.refused(f"{rule}, not a {type(returned).__name__}")
        is_alike = (returned.shape, returned.dtype) == (given.shape, given.dtype)
        if not is_alike or returned.device != given.device:
            raise self._own.refused(f"{rule}, not as {_described(returned)}")
        return returned


def _copied(x: NetInputs) -> NetInputs:
    if isinstance(x, dict):
        return {name: one.clone() for name, one in x.items()}
    return x.clone()


def _generator_of(device: torch.device) -> torch.Generator:
    """Return torch's global generator of a device, which continues the trial's own stream."""
    if device.type != "cuda":
        return torch.default_generator
    index = torch.cuda.current_device() if device.index is None else device.index
    return torch.cuda.default_generators[index]


def _described(tensor: Tensor) -> str:
    return f"{tensor.dtype} of shape {tuple(tensor.shape)} on {tensor.device.type}"
