"""What a program measures on its test rows: its test command, run once, and read."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from sweeps.models.own_training_configuration import OwnTrialConfig
from sweeps.models.process.child_program import ProgramEnd
from sweeps.models.program_configuration import ProgramTraining
from sweeps.models.scoring.objective import Objective
from sweeps.models.training.declared_metrics import DeclaredMetrics
from sweeps.models.training.kept_state import refused
from sweeps.models.training.program_run import (
    ProgramPlace,
    ProgramRun,
    StopAskedError,
    how_ended,
)
from sweeps.models.training.reported_rows import read_object
from sweeps.models.training.weights import load_weights

__all__ = ["evaluate_program"]

_KEY = ("training", "test_command")
_LOOK_S = 0.1
_ONE_LINE = "the test command must report one line of JSON"


def evaluate_program(weights: Path, place: ProgramPlace, objective: Objective) -> dict[str, float]:
    """Return `test_<metric>` of what a trial's program has saved, by its test command.

    Args:
        weights: the file of the trial, which carries its configuration and seed.
        place: where trials ran: its folder has a folder of each, with what the program saved.
        objective: with the metrics that the sweep file declares.

    Raises:
        WeightsError: the file is damaged.
        OwnTrainingError: the command cannot be run, or reports something else than is declared.
        FolderError: the trial's folder cannot be written.
        StopAskedError: it is not waited for any longer.
    """
    _, about = load_weights(weights)
    training = OwnTrialConfig.model_validate(about["configuration"]).training
    assert isinstance(training, ProgramTraining), "the trial is of a program"
    own = replace(place, folder=place.folder / f"{about['trial']:06d}")
    try:
        run = ProgramRun(training, about["seed"], own, is_test=True)
    except OSError as err:
        raise refused(f"cannot start the test command: {err}", "", _KEY) from err
    try:
        _refuse_failed(run, _end(run, place))
    finally:
        run.stop()
    return _measured(_lines(run), objective)


def _end(run: ProgramRun, place: ProgramPlace) -> ProgramEnd:
    while (end := run.wait(_LOOK_S)) is None:
        if run.is_late:
            limit = f"trial.timeout_s = {place.timeout_s:g} s"
            raise refused(f"the test command ran for more than {limit}", "", _KEY)
        if place.should_stop():
            raise StopAskedError
    return end


def _refuse_failed(run: ProgramRun, end: ProgramEnd) -> None:
    if end.error:
        raise refused(f"cannot start the test command: {end.error}", "", _KEY)
    if end.code:
        rule = f"the test command ended with {how_ended(end.code)}"
        raise refused(rule, run.printed_hint(), _KEY)


def _lines(run: ProgramRun) -> list[bytes]:
    """Return what was reported; a last line may lack its end."""
    lines = []
    while line := run.reported.next_line():
        lines.append(line)
    run.reported.close_line()
    last = run.reported.next_line()
    return [*lines, last] if last else lines


def _measured(lines: list[bytes], objective: Objective) -> dict[str, float]:
    """Return the metrics of the one line under the names of a row.

    Raises:
        OwnTrainingError: it is not one, or lacks the objective.
    """
    if len(lines) != 1:
        hint = "Write it to the file that SWEEPS_METRICS names"
        raise refused(f"{_ONE_LINE}; it reported {len(lines)}", hint, _KEY)
    try:
        row = read_object(lines[0])
    except ValueError as err:
        raise refused(f"a line of the test command {err}", "", _KEY) from err
    row.pop("epoch", None)
    metrics = DeclaredMetrics(objective, _KEY)
    known = metrics.names
    named = {name if name in known else name.removeprefix("test_"): row[name] for name in row}
    found = metrics.measured("test", named, "the test command")
    wanted = f"test_{objective.metric.removeprefix('dev_')}"
    if wanted not in found:
        raise refused(f"the test command must report the objective, {wanted}", "", _KEY)
    return found
