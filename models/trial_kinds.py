"""The kinds of trials: of nets in the product's loop, of user-defined training, and of programs.

Imports no torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sweeps.models.configuration import TrialConfig
from sweeps.models.own_training_configuration import OwnTrialConfig

__all__ = [
    "AnyTrialConfig",
    "is_own_training",
    "is_program",
    "is_untested",
    "read_trial",
    "trial_model",
]

AnyTrialConfig = TrialConfig | OwnTrialConfig


def is_own_training(configuration: Mapping[str, Any]) -> bool:
    """Return whether a trial's configuration, complete or not, names user-defined training."""
    training = configuration.get("training")
    return isinstance(training, Mapping) and "kind" in training


def is_program(configuration: Mapping[str, Any]) -> bool:
    """Return whether a trial's configuration, complete or not, names a program."""
    training = configuration.get("training")
    return isinstance(training, Mapping) and training.get("kind") == "program"


def is_untested(configuration: Mapping[str, Any]) -> bool:
    """Return whether nothing measures a trial on test rows: a program without a test command."""
    return is_program(configuration) and configuration["training"].get("test_command") is None


def trial_model(configuration: Mapping[str, Any]) -> type[AnyTrialConfig]:
    """Return what a configuration is read as."""
    return OwnTrialConfig if is_own_training(configuration) else TrialConfig


def read_trial(configuration: Mapping[str, Any]) -> AnyTrialConfig:
    """Return a configuration, typed; raises pydantic's ValidationError."""
    return trial_model(configuration).model_validate(configuration)
