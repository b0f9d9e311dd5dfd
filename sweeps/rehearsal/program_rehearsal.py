"""Whether a program repeats, and goes on where it was, tried for two epochs before a sweep is."""

from __future__ import annotations

import math
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from sweeps.definition.planning import PlannedTrial
from sweeps.definition.program_files import program_training
from sweeps.definition.sweep import Sweep
from sweeps.models.errors import OwnTrainingError
from sweeps.models.scoring.objective import Objective
from sweeps.models.training.program_run import FolderError, ProgramPlace, StopAskedError
from sweeps.models.training.training import Training
from sweeps.rehearsal.rehearsal import Finding, Trained, difference

__all__ = ["is_tried", "rehearse_program"]

# A program's epoch may take hours, and its start some seconds.
_LIMIT_S = 60.0
_KEY = ("training", "command")
_SEEDED = (
    "pass it {seed}, or read SWEEPS_SEED; or write `repeated_epochs: keep_first` in space.training"
)


def is_tried(trial: PlannedTrial) -> bool:
    """Return whether a trial is a program that promises to repeat its epochs."""
    training = program_training(trial.config)
    return training is not None and training.repeated_epochs == "equal"


def rehearse_program(sweep: Sweep, trial: PlannedTrial) -> tuple[Finding | None, str]:
    """Return what a program does not keep, and why it was not tried to the end; empty if it was.

    What fails in the first run is left to the trials: their machines may have what it lacks here.
    """
    objective = replace(sweep.objective, recorded=sweep.file.recorded_metrics)
    threads, limit_s = math.ceil(sweep.file.resources.cpu), sweep.file.trial.timeout_s
    until = time.monotonic() + _LIMIT_S
    with TemporaryDirectory(prefix="sweeps-") as folder:
        place = ProgramPlace(
            Path(folder), sweep.base_dir, threads, limit_s, lambda: time.monotonic() > until
        )
        try:
            return _broken_promise(trial, objective, place), ""
        except StopAskedError:
            return None, f"two epochs of the program, three times, took more than {_LIMIT_S:g} s"
        except (OwnTrainingError, FolderError, OSError) as err:
            return None, f"trial {trial.index} {err}"


def _broken_promise(
    trial: PlannedTrial, objective: Objective, place: ProgramPlace
) -> Finding | None:
    def curve(folder: str) -> Trained:
        own = replace(place, folder=place.folder / folder)
        made = Training(trial.config, (), objective, trial.seed, own)
        with closing(made):
            while made.epoch < 2 and made.outcome is None:
                made.train_epoch()
        return Trained.of(made)

    first = curve("first")
    try:
        if differing := difference(first, curve("again")):
            rule = f"two runs of the program from one seed differ {differing}"
            return Finding(trial.index, _KEY, rule, _SEEDED)
        curve("again")  # it says itself where it goes on by other numbers
    except OwnTrainingError as err:
        return Finding(trial.index, _KEY, err.rule, err.hint)
    return None
