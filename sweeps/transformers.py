"""Hugging Face's Trainer as the training of a trial: `training: {kind: custom}`."""

from sweeps.models.training.transformers_fit import arguments, fit

__all__ = ["arguments", "fit"]
