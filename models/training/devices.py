"""The device that a trial is trained on."""

from __future__ import annotations

import torch

from sweeps.models.errors import TrialConfigError

__all__ = ["chosen_device"]


def chosen_device(wanted: str) -> torch.device:
    """The device of `training.device`: auto takes CUDA where this machine has it.

    Raises:
        TrialConfigError: cuda is wanted, and there is none.
    """
    has_cuda = torch.cuda.is_available()
    if wanted == "cuda" and not has_cuda:
        raise TrialConfigError(
            "device: cuda needs a CUDA device that torch can use; there is none",
            key=("training", "device"),
            value=wanted,
            hint="Use auto or cpu",
        )
    return torch.device("cuda" if has_cuda and wanted != "cpu" else "cpu")
