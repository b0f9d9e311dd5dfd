"""Finding a user-defined function of a trial, apart from the trial's random numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from sweeps.models.errors import ModelError
from sweeps.models.own_code.finding import find_function
from sweeps.models.process.randomness import OwnRandomness

__all__ = ["find_apart"]


def find_apart(target: str, error: type[ModelError], key: tuple[str, ...]) -> Callable[..., Any]:
    """The function that `package.module:function` names; see `find_function`.

    Whichever trial imports the module, what it draws then is of no trial's numbers.
    """
    with OwnRandomness(0, torch.device("cpu")):
        return find_function(target, error, key)
