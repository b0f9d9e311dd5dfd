"""How the plan of a sweep grows: by what it learns, and by trials that a person adds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sweeps.definition.loading import check_text
from sweeps.definition.own_files import make_importable
from sweeps.definition.planning import PlannedTrial
from sweeps.definition.sweep import Sweep
from sweeps.errors import RequestError, RunFolderError, SweepError
from sweeps.findings.wording import counted
from sweeps.record.growing_plan import GrowingPlan
from sweeps.record.kept_weights import checkpoint_name
from sweeps.record.longer_plan import refuse_longer
from sweeps.record.recorder import Recorder
from sweeps.record.replay import read_record
from sweeps.record.requests import forget, trials_of
from sweeps.record.run_folder import RunFolder
from sweeps.session.asked import asked_now

__all__ = ["add_asked_trials", "check_again", "growing_plan", "lengthen_plan", "sweep_of"]


def check_again(folder: RunFolder, overrides: Sequence[str]) -> tuple[Sweep, list[PlannedTrial]]:
    """Return what a folder's own sweep file says with these overrides; raises SweepFileError."""
    make_importable(*folder.module_folders())
    return check_text(folder.read_source(), str(folder.source), folder.base_dir(), overrides)


def sweep_of(folder: RunFolder) -> Sweep:
    """Return the checked sweep that a folder was made from, with the changes made since.

    Raises:
        SweepFileError: Its file can no longer be run.
        RunFolderError: Its file does not describe the sweep that runs.
    """
    about = folder.read_description()
    sweep, _ = check_again(folder, about.overrides)
    if not about.is_of(sweep.file):
        raise RunFolderError(
            f"{folder.source} with its overrides must be the sweep in {folder.description}, or "
            f"what is tried next would not follow from it; restore both from a backup"
        )
    return sweep


def growing_plan(folder: RunFolder, recorder: Recorder) -> GrowingPlan:
    """Return the plan to which a session adds trials; raises as `sweep_of`.

    Checkpoints of trials whose proposals were lost with the end of a ledger are deleted: another
    configuration may come to have that number.
    """
    sweep, planned = sweep_of(folder), len(recorder.record.trials)
    names = [name for name in folder.checkpoint_files.names() if name.endswith(".pt")]
    known = {checkpoint_name(index) for index in range(planned)}
    folder.checkpoint_files.delete(*(name for name in names if name not in known))
    return GrowingPlan(sweep, recorder)


def add_asked_trials(folder: RunFolder, print_line: Callable[[str], None]) -> bool:
    """Lengthen the plan by what was asked for while nobody could; returns whether it is longer.

    What cannot be added is told to who looks on, and is no reason to end the sweep.
    """
    is_longer = False
    for request in asked_now(folder):
        trials = trials_of(request)
        if trials is None:
            continue
        try:
            lengthen_plan(folder, trials, request)
            is_longer = True
            print_line(f"{counted(trials, 'more trial')}, as requested")
        except SweepError as err:
            print_line(f"no trials were added, although {trials} were requested: {err}")
            folder.change_description({"served": [*folder.read_description().served, request]})
        forget(folder, request)
    return is_longer


def lengthen_plan(folder: RunFolder, trials: int, request: str | None = None) -> None:
    """Add more trials to a plan that is drawn, or that grows.

    Args:
        folder: The sweep's.
        trials: How many more.
        request: The file that asked for them; what it asked for is not added twice.

    Raises:
        RequestError: The sweep's method draws no further trials, or it trained a population.
        SweepFileError: The space has too few configurations.
    """
    refuse_longer(folder, trials)
    description, search = folder.read_description(), folder.read_sweep().search
    overrides = [*description.overrides, f"search.trials={description.trials + trials}"]
    sweep, longer = check_again(folder, overrides)
    lengthened = _let_grow(folder, trials) if search.learns else _drawn_on(folder, longer)
    changed = sweep.file.search.model_dump(mode="json")
    values = {**folder.read_description().values, "search": changed}
    served = [*description.served, *([] if request is None else [request])]
    folder.change_description(
        {"sweep": values, "overrides": overrides, "served": served, **lengthened}
    )


def _let_grow(folder: RunFolder, trials: int) -> dict[str, Any]:
    """Return what sweep.json says of a plan to which more trials will be added."""
    record = read_record(folder)
    lines = folder.read_description().plan_lines
    return {"trials": record.wanted + trials, "plan_lines": lines}


def _drawn_on(folder: RunFolder, longer: Sequence[PlannedTrial]) -> dict[str, Any]:
    """Write a longer plan; returns what sweep.json says of it."""
    old = folder.read_plan()
    # By what they mean: a configuration of an earlier version lacks keys that have defaults now.
    if [trial.config for trial in longer[: len(old)]] != [trial.config for trial in old]:
        raise RequestError(
            f"the plan of {folder.name} would not continue the old one: this version of sweeps "
            f"draws differently; start a new sweep"
        )
    folder.take_format()
    plan_sum = folder.write_plan([*old, *longer[len(old) :]])
    return {"trials": len(longer), "plan_sum": plan_sum}
