"""What a person can do with a sweep: run, resume, extend, retry, sync. The commands call this."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from sweeps.definition.loading import check_sweep, check_text, located
from sweeps.definition.planning import PlannedTrial, trials_in_all
from sweeps.definition.sweep import Sweep
from sweeps.errors import (
    ChangedDataError,
    FileProblem,
    RequestError,
    RunFolderError,
    StoppedAtOnce,
    SweepFileError,
)
from sweeps.execution.placement import Place
from sweeps.findings.results import Results
from sweeps.findings.stages import has_failed_trials
from sweeps.infra.command_line import command
from sweeps.infra.settings import without_password
from sweeps.models.own_code.imported import forget_stale
from sweeps.models.own_code.own_processes import end_own_processes
from sweeps.record.final_files import are_as_noted, restore_files
from sweeps.record.net_files import is_net_lost
from sweeps.record.own_code import refuse_other_code
from sweeps.record.replay import read_ledger, read_record
from sweeps.record.run_folder import RunFolder
from sweeps.rehearsal.rehearsal_apart import rehearse_sweep
from sweeps.search_methods.learning import require_sampler
from sweeps.search_methods.search import Search
from sweeps.search_spaces.problems import Problem
from sweeps.search_spaces.yaml_writer import write_yaml
from sweeps.service.changes import change, prepare_final
from sweeps.service.descriptions import description_of
from sweeps.service.run_options import MLFLOW_OFF, RunOptions
from sweeps.session.closing import draw_figures
from sweeps.session.environment import (
    default_runs,
    default_tracking_uri,
    named_run,
    place_of,
    pull_run,
    refuse_shared_sqlite,
)
from sweeps.session.growth import lengthen_plan
from sweeps.session.notifications import notify_on_exit
from sweeps.session.session import SessionSettings, run_session
from sweeps.session.trainer import RunnerName
from sweeps.storage.files import bucket_of
from sweeps.storage.mirror import mirrored, refuse_held_elsewhere
from sweeps.terminal.progress import Display
from sweeps.tracking.address import trouble_at

__all__ = [
    "extend",
    "final",
    "open_run",
    "open_sweep",
    "plan",
    "resume",
    "retry",
    "run",
    "sync",
]

_READ_TWICE = Problem(
    ("data", "source"),
    None,
    "must give the same data each time it is read; two reads gave different values",
    hint="set the seed of its random numbers, and do not change the data while a sweep starts",
)


def plan(path: str | Path | Mapping[str, Any], overrides: Sequence[str] = ()) -> list[PlannedTrial]:
    """Return the trials that a sweep file, or its content, would run; raises SweepFileError."""
    return _checked(path, overrides)[1]


def _checked(
    given: str | Path | Mapping[str, Any], overrides: Sequence[str]
) -> tuple[Sweep, list[PlannedTrial]]:
    """Check a sweep file, or what would stand in one; data and modules are looked for here then."""
    forget_stale(Path.cwd() if isinstance(given, Mapping) else Path(given).resolve().parent)
    if not isinstance(given, Mapping):
        return check_sweep(Path(given), overrides)
    try:
        text = write_yaml(given, {})
    except (TypeError, ValueError, AttributeError) as err:
        rule = f"must consist of strings, numbers, lists and mappings ({err})"
        raise SweepFileError([FileProblem("the mapping", 0, 0, "", rule)]) from err
    return check_text(text, "the mapping, as YAML", Path.cwd(), overrides)


def run(
    path: str | Path | Mapping[str, Any],
    *,
    overrides: Sequence[str] = (),
    runs: str | Path | None = None,
    run_id: str | None = None,
    runner: RunnerName | None = None,
    tracking_uri: str | None = None,
    display: Display | None = None,
    accept_code: bool = False,
) -> Results:
    """Run a sweep file from start to end, and return its results.

    Args:
        path: The sweep file, or its content: sections by their names.
        overrides: `key.path=value` texts that change the file's values.
        runs: Where run folders are made; None takes SWEEPS_STORAGE or `runs`.
        run_id: The run folder's name; if that sweep has begun already, it is resumed. None takes
            the sweep's name, with a number where that is taken.
        runner: `ray`, or `local` for this process alone; None takes `ray`, or that of the last
            session of a sweep that has begun.
        tracking_uri: An MLflow URI; None takes MLFLOW_TRACKING_URI or runs/mlflow.db; `none`
            records nothing in MLflow, then and whenever a sweep goes on with None.
        display: Shows progress; None shows a bar in the cell of a notebook, and elsewhere nothing.
        accept_code: Go on with a sweep that has begun although its own code has changed.

    Raises:
        SweepFileError: The file cannot be run.
        PlacementError: A trial asks for more than this machine has.
        StorageError: The results cannot be written.
    """
    sweep, planned = _checked(path, overrides)
    require_sampler(sweep.file.search)
    runs = Path(runs or default_runs()).absolute()
    options = RunOptions(runner, tracking_uri, display, accept_code)
    if run_id is not None:
        pull_run(runs / run_id)
    # What tells that a folder is whole is written last.
    if run_id is not None and RunFolder(runs / run_id).description.exists():
        folder = RunFolder.open(runs / run_id)
        _refuse_other_sweep(folder, sweep)
        return _session(folder, "resume", options)
    refuse_shared_sqlite(tracking_uri or default_tracking_uri(runs))
    resources = sweep.file.resources
    with place_of(options.runner_name, resources, runs, options.shown.print_line) as place:
        notes = rehearse_sweep(sweep, planned, options.shown.print_line)
        folder = _new_folder(runs, sweep.file.name, run_id)
        if sweep.chosen is not None:
            options.shown.print_line(str(sweep.chosen))
        about = {
            **_trials_of(sweep.file.search, len(planned)),
            "file": "" if isinstance(path, Mapping) else str(Path(path).resolve()),
            "source_sum": folder.write_source(sweep.source),
            "plan_sum": folder.write_plan(planned),
            "sanity": list(notes),
        }
        folder.write_description(about | description_of(sweep))
        try:
            return _session_at(nullcontext(place), folder, "run", options)
        except ChangedDataError as err:
            _undo(folder)
            raise SweepFileError(located(sweep, [_READ_TWICE])) from err
        except RunFolderError:
            _undo(folder)
            raise


def resume(
    path: str | Path,
    *,
    overrides: Sequence[str] = (),
    runner: RunnerName | None = None,
    tracking_uri: str | None = None,
    display: Display | None = None,
    accept_code: bool = False,
) -> Results:
    """Run what a sweep has not finished, stages after the search too; a finished one stays.

    Args:
        path: A run folder.
        overrides: Changes to `budget`, `resources` or `trial`; the rest of a sweep is fixed.
        accept_code: Go on although the user's own code has changed, which is recorded.

    Raises:
        RunFolderError: The folder is damaged or in use, or its data or own code changed.
    """
    folder = open_sweep(path)
    with folder.lock():
        refuse_held_elsewhere(folder.path)
        if overrides:  # without, the session refuses it where there is anything to resume
            refuse_other_code(folder, read_record(folder), accept_code)
        change(folder, overrides)
    return _session(folder, "resume", RunOptions(runner, tracking_uri, display, accept_code))


def extend(
    path: str | Path,
    trials: int,
    *,
    runner: RunnerName | None = None,
    tracking_uri: str | None = None,
    display: Display | None = None,
    accept_code: bool = False,
) -> Results:
    """Add `trials` more trials to the plan of a sweep that draws or proposes them, and run them.

    Raises:
        RequestError: The sweep's method draws no further trials.
        SweepFileError: The space has too few configurations.
    """
    folder = open_sweep(path)
    with folder.lock():
        refuse_held_elsewhere(folder.path)
        refuse_other_code(folder, read_record(folder), accept_code)
        lengthen_plan(folder, trials)
    return _session(folder, "extend", RunOptions(runner, tracking_uri, display, accept_code))


def retry(
    path: str | Path,
    *,
    runner: RunnerName | None = None,
    tracking_uri: str | None = None,
    display: Display | None = None,
    accept_code: bool = False,
) -> Results:
    """Run the failed trials of a sweep again, each from its last checkpoint, and no others.

    Those of its stages too, unless a winner was frozen without them; and the search's best trial
    where its weights were lost. Files of a final that were damaged or lost are written again.
    """
    folder = open_sweep(path)
    options = RunOptions(runner, tracking_uri, display, accept_code)
    restored = _restore_files(folder, options)
    record = read_record(folder)
    if has_failed_trials(folder) or is_net_lost(folder, record):
        return _session(folder, "retry", options)
    if not restored:
        raise RequestError(f"{folder.name} has no failed trials to retry")
    return Results(folder, record, draw=draw_figures)


def _restore_files(folder: RunFolder, options: RunOptions) -> bool:
    """Write a final's files again where they are not what the ledger has; returns whether."""
    record = read_ledger(folder)
    if are_as_noted(folder, record):
        return False
    with folder.lock(), mirrored(folder.path):
        for path in restore_files(folder, record):
            options.shown.print_line(f"{path} was written again from the ledger")
    return True


def final(
    path: str | Path,
    *,
    again: bool = False,
    overrides: Sequence[str] = (),
    runner: RunnerName | None = None,
    tracking_uri: str | None = None,
    display: Display | None = None,
    accept_code: bool = False,
) -> Results:
    """Choose the best trial of a search by repeats under fresh seeds, and test it once.

    Args:
        path: A run folder whose search has been run.
        again: Keep the final that there is as final-1 (-2, ...) and make another, which uses
            the test set once more.
        overrides: Changes to `final`, for example `final.seeds=10`.

    Raises:
        RequestError: No trial has a finite objective, or there is a final and not `again`.
    """
    folder = open_sweep(path)
    with folder.lock():
        refuse_held_elsewhere(folder.path)
        refuse_other_code(folder, read_record(folder), accept_code)
        prepare_final(folder, overrides, again)
    return _session(folder, "final", RunOptions(runner, tracking_uri, display, accept_code))


def open_run(path: str | Path) -> Results:
    """Return the results of a run folder as it is now.

    Args:
        path: A run folder; a name alone is looked for where run folders are made.
    """
    folder = RunFolder.open(named_run(path))
    return Results(folder, read_record(folder), draw=draw_figures)


def sync(path: str | Path, *, tracking_uri: str | None = None) -> Results:
    """Make MLflow's record of a sweep complete; doing it twice changes nothing.

    Raises:
        TrackingError: The store does not answer or refuses.
        RequestError: MLflow is switched off by MLFLOW_TRACKING_URI.
    """
    from sweeps.session.closing import CLOSING
    from sweeps.tracking.follower import sync as sync_once

    folder = open_sweep(path)
    read_record(folder)  # what is damaged must not get into MLflow
    uri = tracking_uri or default_tracking_uri(folder.path.parent)
    if uri == MLFLOW_OFF:
        raise RequestError(
            f"MLFLOW_TRACKING_URI is {MLFLOW_OFF!r}, which turns MLflow off; unset it, or name a "
            f"store"
        )
    sync_once(folder, uri, folder.is_running(), CLOSING)
    return Results(folder, read_record(folder), draw=draw_figures)


def open_sweep(path: str | Path) -> RunFolder:
    """Return the folder of a sweep; raises RequestError for a stage, or where none is."""
    folder = RunFolder.open(named_run(path))
    stage = folder.read_description().stage
    if stage is not None:
        sweep = folder.path.parents[stage.count("/")]
        raise RequestError(f"{folder.path} is the stage {stage} of a sweep: use {sweep} instead")
    return folder


def _new_folder(runs: Path, name: str, run_id: str | None) -> RunFolder:
    return RunFolder.create(runs, name) if run_id is None else RunFolder.create_as(runs, run_id)


def _undo(folder: RunFolder) -> None:
    """Delete a folder in which nothing has run; one in an object store stays, as it has a copy."""
    if not folder.ledger.exists() and bucket_of(folder.path) is None:
        shutil.rmtree(folder.path, ignore_errors=True)


def _refuse_other_sweep(folder: RunFolder, sweep: Sweep) -> None:
    folder.read_sweep()  # values that were damaged are said as such
    if not folder.read_description().is_of(sweep.file):
        raise RequestError(
            f"{folder.path} holds another sweep; give this one another --id, or resume that one: "
            f"{command('resume', folder.path)}"
        )


def _session(folder: RunFolder, action: str, options: RunOptions) -> Results:
    options = options.as_before(folder)
    refuse_shared_sqlite(options.tracking_uri or default_tracking_uri(folder.path.parent))
    resources, runs = folder.read_sweep().resources, folder.path.parent
    place = place_of(options.runner_name, resources, runs, options.shown.print_line)
    return _session_at(place, folder, action, options)


def _session_at(
    place: AbstractContextManager[Place], folder: RunFolder, action: str, options: RunOptions
) -> Results:
    """Run a session, and tell of its end whoever asked for that."""
    uri = options.tracking_uri or default_tracking_uri(folder.path.parent)
    if uri != MLFLOW_OFF and (trouble := trouble_at(uri)):
        options.shown.print_line(_no_record(folder, uri, trouble))
    settings = SessionSettings(
        place,
        options.shown,
        options.runner_name,
        None if uri == MLFLOW_OFF else uri,
        options.accept_code,
        leaves_mlflow_out=options.tracking_uri == MLFLOW_OFF,
    )
    try:
        with notify_on_exit(folder, options.shown.print_line):
            return run_session(folder, action, settings)
    except KeyboardInterrupt as err:
        raise StoppedAtOnce(str(folder.path)) from err
    finally:
        end_own_processes()


def _no_record(folder: RunFolder, uri: str, trouble: str) -> str:
    later = command("sync", folder.path)
    return (
        f"note: MLflow at {without_password(uri)}: {trouble}. The sweep is recorded in "
        f"{folder.path} and not delayed; MLflow gets all of it once it answers, or by `{later}`"
    )


def _trials_of(search: Search, planned: int) -> dict[str, int]:
    """Return how many trials there are to be, and how many the plan has where it grows."""
    wanted = trials_in_all(search, planned)
    return {"trials": wanted} if wanted == planned else {"trials": wanted, "plan_lines": planned}
