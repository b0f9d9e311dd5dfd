"""What a person changes of a sweep that has begun: its limits, its final."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from sweeps.definition.sweep_file import SweepFile
from sweeps.errors import FileProblem, RequestError, SweepFileError
from sweeps.findings.choosing import Choosing
from sweeps.findings.stages import (
    has_failed_trials,
    is_final_over,
    stage_folder,
    stage_folders,
    why_no_winner,
)
from sweeps.infra.command_line import command
from sweeps.record.final import read_final
from sweeps.record.recorder import too_many_failures
from sweeps.record.replay import read_record
from sweeps.record.run_folder import RunFolder
from sweeps.record.sweep_record import SweepRecord
from sweeps.session.growth import check_again
from sweeps.storage.files import rename_folder

__all__ = ["change", "prepare_final"]

_CHANGEABLE = ("budget", "resources", "trial")
_OF_STAGES_TOO = ("resources", "trial")


def change(
    folder: RunFolder,
    overrides: Sequence[str],
    changeable: tuple[str, ...] = _CHANGEABLE,
    check: Callable[[SweepFile], None] = lambda _: None,
) -> None:
    """Take overrides of `changeable` sections into sweep.json, that of begun stages too.

    Args:
        check: Raises where the changed file is not to be taken.

    Raises:
        SweepFileError: An override is of another section, or its value cannot be.
    """
    if not overrides:
        check(folder.read_sweep())
        return
    for text in overrides:
        section = text.partition("=")[0].partition(".")[0]
        if section not in changeable:
            rule = f"only {', '.join(changeable)} can change now"
            hint = "start a new sweep for other changes"
            raise SweepFileError([FileProblem(f"--set {text}", 0, 0, section, rule, (), hint)])
    both = [*folder.read_description().overrides, *overrides]
    sweep, _ = check_again(folder, both)
    check(sweep.file)
    changed = sweep.file.model_dump(mode="json")
    for stage in stage_folders(folder).values():
        _take(stage, both, {name: changed[name] for name in changeable if name in _OF_STAGES_TOO})
    _take(folder, both, {name: changed[name] for name in changeable})


def _take(folder: RunFolder, overrides: list[str], sections: dict[str, Any]) -> None:
    sweep = {**folder.read_description().values, **sections}
    folder.change_description({"overrides": overrides, "sweep": sweep})


def prepare_final(folder: RunFolder, overrides: Sequence[str], again: bool) -> None:
    """Make way for a final of a search that is over.

    Raises:
        RequestError: The search or a final before is unfinished, there is a final and not
            `again`, no trial has a finite objective, or none satisfies `final.choose`.
        SweepFileError: An override is of another section than `final`.
    """
    stage = stage_folder(folder, "final")
    if stage is not None and not again:
        _refuse_another(folder)
    record = read_record(folder)
    _refuse_open_search(folder, record)
    if record.best is None:
        raise RequestError(f"{folder.name} has no trial with a finite objective to choose from")
    if folder.read_sweep().final is None:
        overrides = ["final={}", *overrides]
    change(folder, overrides, ("final",), partial(_refuse_empty_choice, folder, record))
    if stage is not None:
        number = next(n for n in itertools.count(1) if not (folder.path / f"final-{n}").exists())
        rename_folder(stage.path, folder.path / f"final-{number}", stage.description.name)


def _refuse_empty_choice(folder: RunFolder, record: SweepRecord, file: SweepFile) -> None:
    if why := Choosing.of(file, record.objective).why_none(record):
        raise RequestError(
            f"{folder.name} has no candidate: {why}; nothing was evaluated on the test set; change "
            f"the choice with --set final.choose.where=..."
        )


def _refuse_another(folder: RunFolder) -> None:
    if not is_final_over(folder):
        raise RequestError(
            f"{folder.name} has an unfinished final; resume it: {_resume(folder)}; "
            f"--again keeps it and starts a new one"
        )
    if why := why_no_winner(folder):
        failed = has_failed_trials(folder)
        retry = f"the failed again: {command('retry', folder.path)}; " if failed else ""
        raise RequestError(
            f"{folder.name} already has a final, without a winner: {why}; "
            f"{retry}--again keeps it and starts a new one"
        )
    choice = read_final(folder)
    if choice is not None and choice.untested:
        raise RequestError(
            f"{folder.name} already has a final result; --again keeps it and runs a new one"
        )
    raise RequestError(
        f"{folder.name} already has a final result, and its test set has been used; --again keeps "
        f"it and runs a new one; the test set will then have been used once more"
    )


def _refuse_open_search(folder: RunFolder, record: SweepRecord) -> None:
    """Raise where the search is neither at its end nor at that of its time, trials or target."""
    reason = too_many_failures(folder.read_sweep().budget, record)
    if reason:
        raise RequestError(
            f"the search of {folder.name} is not over: {reason}; retry the failed trials, or "
            f"continue anyway: {_resume(folder)} --set budget.max_failures=null"
        )
    if record.is_open and not (record.stopped and record.stopped.ends_search):
        ended = f"{record.outcomes.total()} of {record.wanted} trials have ended"
        raise RequestError(
            f"the search of {folder.name} is not over: {ended}; resume it first: "
            f"{_resume(folder)}; or end it here with --set "
            f"budget.trials={max(1, record.outcomes.total())}"
        )


def _resume(folder: RunFolder) -> str:
    return command("resume", folder.path)
