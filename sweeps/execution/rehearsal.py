"""Whether own training repeats, and goes on where it was stopped: tried before it is relied on.

Two epochs, three times: twice from one seed, and once more from the checkpoint after the first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from typing import Any

from sweeps.definition.planning import PlannedTrial
from sweeps.definition.program_files import program_training
from sweeps.models.scoring.objective import Objective
from sweeps.models.splits.splits import TrainDev
from sweeps.models.training.program_run import ProgramPlace
from sweeps.models.training.training import Training
from sweeps.models.training.weights import unpack

__all__ = ["rehearse", "rehearse_program"]

_SEEDED = (
    "draw from torch's, numpy's or Python's global generators, or from one made from trial.seed, "
    "and read no clock"
)
_PROGRAM_SEEDED = (
    "give it {seed}, or take SWEEPS_SEED; or write `repeated_epochs: keep_first` in space.training"
)
_KEPT = (
    "name all that training changes in trial.keep(...), or write `resume: from_start` in "
    "space.training"
)


def rehearse(trial: PlannedTrial, data: Sequence[TrainDev], objective: Objective) -> str:
    """Return what own training does not keep of its promises, and the way out; else nothing.

    Args:
        trial: one that is planned; where it ends with its first epoch, nothing can be told.
        data: what it is trained on; with folds, one for each; empty without data.
        objective: with the metrics that are declared.
    """

    def begun() -> Training:
        return Training(trial.config, data, objective, trial.seed)

    first = begun()
    first.train_epoch()
    saved = first.checkpoint()
    if first.outcome is not None:
        return ""
    first.train_epoch()
    again = begun()
    again.train_epoch()
    again.train_epoch()
    if differing := _difference(first, again):
        return f"two runs from one seed differ {differing}: {_SEEDED}"
    if not trial.config.resumes:
        return ""
    continued = begun()
    continued.restore(saved)
    continued.train_epoch()
    if differing := _difference(first, continued):
        return (
            f"a trial that goes on from its checkpoint differs {differing} from one that was never "
            f"stopped: {_KEPT}"
        )
    return ""


def rehearse_program(trial: PlannedTrial, objective: Objective, place: ProgramPlace) -> str:
    """Return that a program does not repeat, or does not go on where it was; else nothing.

    Args:
        place: with a folder for what the program leaves.

    Raises:
        OwnTrainingError: it cannot be run, or reports something else than is declared.
    """
    training = program_training(trial.config)
    if training is None or training.repeated_epochs == "keep_first":
        return ""

    def curve(folder: str, epochs: int) -> Training:
        own = replace(place, folder=place.folder / folder)
        made = Training(trial.config, (), objective, trial.seed, own)
        with closing(made):
            while made.epoch < epochs and made.outcome is None:
                made.train_epoch()
        return made

    differing = _difference(curve("first", 2), curve("again", 2))
    if differing:
        return f"two runs of the program from one seed differ {differing}: {_PROGRAM_SEEDED}"
    curve("again", 2)  # it says itself where it goes on by other numbers
    return ""


def _difference(one: Training, other: Training) -> str:
    """Return where two trainings differ after two epochs, in metrics or in what they keep."""
    for left, right in zip(one.history, other.history, strict=True):
        for name, value in left.items():
            if name != "epoch_s" and repr(value) != repr(right[name]):
                return f"in epoch {left['epoch']:.0f} ({name} {value:.6g} and {right[name]:.6g})"
    return _state_difference(unpack(one.checkpoint())[0], unpack(other.checkpoint())[0])


def _state_difference(one: Mapping[str, Any], other: Mapping[str, Any]) -> str:
    for name, tensor in one.items():
        if name not in other or tensor.numpy().tobytes() != other[name].numpy().tobytes():
            return f"in what it keeps ({name})"
    return ""
