"""The two kinds of trials: of nets in the product's loop, and of training of the user's own.

Imports no torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sweeps.models.configuration import TrialConfig
from sweeps.models.own_training_configuration import OwnTrialConfig

__all__ = ["AnyTrialConfig", "is_own_training", "read_trial", "trial_model"]

AnyTrialConfig = TrialConfig | OwnTrialConfig


def is_own_training(configuration: Mapping[str, Any]) -> bool:
    """Return whether a trial's configuration, complete or not, names training of the user's own."""
    training = configuration.get("training")
    return isinstance(training, Mapping) and "kind" in training


def trial_model(configuration: Mapping[str, Any]) -> type[AnyTrialConfig]:
    """Return what a configuration is read as."""
    return OwnTrialConfig if is_own_training(configuration) else TrialConfig


def read_trial(configuration: Mapping[str, Any]) -> AnyTrialConfig:
    """Return a configuration, typed; raises pydantic's ValidationError."""
    return trial_model(configuration).model_validate(configuration)
