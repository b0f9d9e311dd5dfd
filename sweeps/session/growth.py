"""The plan of a sweep that learns, as its folder's sweep file gives it."""

from __future__ import annotations

from collections.abc import Sequence

from sweeps.definition.loading import check_text
from sweeps.definition.own_files import make_importable
from sweeps.definition.planning import PlannedTrial
from sweeps.definition.sweep import Sweep
from sweeps.errors import RunFolderError
from sweeps.record.growing_plan import GrowingPlan
from sweeps.record.kept_weights import checkpoint_name
from sweeps.record.recorder import Recorder
from sweeps.record.run_folder import RunFolder

__all__ = ["check_again", "growing_plan", "sweep_of"]


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
