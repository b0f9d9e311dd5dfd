"""Lightning's Trainer as the training of a trial: `training: {kind: custom}`."""

from sweeps.models.training.lightning_fit import TrialData, fit

__all__ = ["TrialData", "fit"]
