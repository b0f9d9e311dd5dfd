"""What a command prints about a sweep: the ranked trials, the best one, and what to type next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from sweeps.definition.configurations import flatten, varied_in, varied_keys
from sweeps.definition.lineage import schedule_of
from sweeps.errors import MissingExtraError, require_extra
from sweeps.findings.measurement import format_metric
from sweeps.findings.pareto import front_sentence, front_trials
from sweeps.findings.results import Results
from sweeps.findings.stages import has_failed_trials
from sweeps.findings.wording import (
    MeasuredOn,
    audit_sentence,
    counted,
    newer_candidates,
    no_winner_words,
    searched_words,
    surprise_sentence,
)
from sweeps.infra.command_line import command, is_read_elsewhere, shown_path
from sweeps.infra.settings import read_settings
from sweeps.models.scoring.objective import Objective
from sweeps.models.scoring.tasks import TASKS
from sweeps.models.trial_kinds import is_untested
from sweeps.record.final import FinalChoice
from sweeps.record.stops import StopReason
from sweeps.record.sweep_record import Outcome, SweepRecord, TrialRecord
from sweeps.storage.files import bucket_of
from sweeps.terminal.final_tables import print_final, print_final_in_short
from sweeps.terminal.progress import duration

__all__ = [
    "fitting_table",
    "incomplete_in_mlflow",
    "left_out_words",
    "next_steps",
    "parameter_columns",
    "print_answer",
]

_SHOWN_TRIALS = 15
_SHOWN_REASONS = 3


def print_answer(results: Results, console: Console, *, has_final: bool = True) -> None:
    """Print the end of a sweep: table, winner, places, next command.

    Args:
        has_final: Whether every table of the final is printed, or what it found in sentences.
    """
    record = results.record
    last = "" if record.objective.others else _second_metric(record)
    table, left_out = fitting_table(_ranked_columns(record), console.width, last=last)
    console.print(table)
    _print_what_is_hidden(len(record.trials) - _SHOWN_TRIALS, left_out, results.path, console)
    _print_winner(results, console, has_final)
    if record.objective.others:
        console.print(f"\n{front_sentence(record)}", highlight=False, soft_wrap=True)
    if results.audited:
        console.print(f"\n{audit_sentence(results.audited)}", highlight=False)
    console.print(f"\n{_state(record)}", soft_wrap=True)
    _print_failures(record, results.path, console)
    if results.why_no_final:
        console.print(
            f"The final has no winner, so no model was logged and the test set is unused: "
            f"{results.why_no_final}.",
            soft_wrap=True,
        )
    if record.is_open and results.final is not None:
        console.print("The final chose among the trials that had ended by then.")
    for text in next_steps(results):
        console.print(text, soft_wrap=True, highlight=False)


def _print_failures(record: SweepRecord, path: Path, console: Console) -> None:
    """Print why trials failed, diverged and were rejected, and where the tracebacks are."""
    for outcome, of_one, of_more in (
        (Outcome.DIVERGED, "diverged", "diverged"),
        (Outcome.REJECTED, "was rejected", "were rejected"),
    ):
        if found := [trial for trial in record.trials if trial.outcome is outcome]:
            what = of_one if len(found) == 1 else f"and {len(found) - 1} more {of_more}"
            text = f"Trial {found[0].trial.index} {what}: {found[0].reason}"
            console.print(text, soft_wrap=True, highlight=False, markup=False)
    failed: dict[str, list[int]] = {}
    for trial in record.trials:
        if trial.outcome is Outcome.FAILED:
            failed.setdefault(trial.reason, []).append(trial.trial.index)
    for reason, trials in list(failed.items())[:_SHOWN_REASONS]:
        more = f" and {len(trials) - 1} more" if len(trials) > 1 else ""
        text = f"Trial {trials[0]}{more} {reason}"
        console.print(text, soft_wrap=True, highlight=False, markup=False)
    if failed:
        others = len(failed) - _SHOWN_REASONS
        rest = f"{counted(others, 'other reason')}, and the" if others > 0 else "The"
        text = f"{rest} tracebacks are in {shown_path(path)}/trials.jsonl"
        console.print(text, soft_wrap=True, highlight=False)


def _print_if_outdated(results: Results, choice: FinalChoice, console: Console) -> None:
    """Say where trials that were added later would be candidates now."""
    words = newer_candidates(choice, results.record)
    if words:
        again = command("final", results.path, "--again")
        text = f"{words} To choose again, with one more test evaluation:"
        console.print(text, soft_wrap=True, highlight=False)
        console.print(again, soft_wrap=True, highlight=False)


def _print_what_is_hidden(
    trials: int, left_out: Sequence[str], path: Path, console: Console
) -> None:
    hidden = [f"... and {counted(trials, 'more trial')}"] if trials > 0 else []
    if left_out:
        hidden.append(left_out_words(left_out))
    if hidden:
        text = f"{'; '.join(hidden)}; all are in {shown_path(path)}/trials.jsonl"
        console.print(text, soft_wrap=True, highlight=False)


def _ranked_columns(record: SweepRecord) -> dict[str, list[str]]:
    """Return the columns of the ranked table, with the best trials first."""
    other = _second_metric(record)
    rest = [trial for trial in record.trials if trial.best is None]
    shown = [*record.ranked(), *rest][:_SHOWN_TRIALS]
    columns: dict[str, list[str]] = {
        "rank": [str(place) if trial.best else "" for place, trial in enumerate(shown, start=1)],
        "trial": [str(trial.trial.index) for trial in shown],
        record.objective.metric: [
            format_metric(trial.best, record.objective.metric) for trial in shown
        ],
    }
    for one in record.objective.others:
        columns[one.metric] = [_value_of(trial, one) for trial in shown]
    if record.objective.others:
        on = front_trials(record)
        columns["front"] = ["*" if trial.trial.index in on else "" for trial in shown]
    if other and other not in columns:
        columns[other] = [format_metric(trial.best, other) for trial in shown]
    columns["epoch"] = [_epoch(trial) for trial in shown]
    columns["outcome"] = [str(trial.outcome or "unfinished") for trial in shown]
    flats = [flatten(trial.trial.configuration) for trial in record.trials]
    return columns | parameter_columns(
        varied_keys(flats), [flats[one.trial.index] for one in shown]
    )


def parameter_columns(
    keys: Sequence[str], flats: Sequence[Mapping[str, Any]]
) -> dict[str, list[str]]:
    """Return a column of cells for each dotted key, under the shortest name that tells it apart.

    A narrow table has the first of them: the optimizer's, as a learning rate says most, then
    choices among words, as they say what a trial is.
    """

    def place(key: str) -> tuple[bool, bool]:
        is_choice = any(isinstance(flat.get(key), str | bool) for flat in flats)
        return not key.startswith("optimizer."), not is_choice

    ordered = sorted(keys, key=place)
    return {_short(key, keys): [_text_of(flat.get(key)) for flat in flats] for key in ordered}


def left_out_words(names: Sequence[str]) -> str:
    """Return which columns a table has no room for."""
    return f"no room for {len(names)} column{'' if len(names) == 1 else 's'}: {', '.join(names)}"


def fitting_table(
    columns: Mapping[str, Sequence[str]], width: int, *, last: str = ""
) -> tuple[Table, list[str]]:
    """Return a table of as many of the columns as `width` holds, and the names of the others.

    Args:
        last: A column that is left out before the others, wherever it stands.
    """
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    left, fits = width, set()
    for name in sorted(columns, key=lambda name: name == last):
        wanted = max(len(text) for text in (name, *columns[name])) + 3
        if wanted > left:
            continue  # a narrower one may still fit
        left -= wanted
        fits.add(name)
    fitting = [name for name in columns if name in fits]
    for name in fitting:
        table.add_column(name, justify="left" if name == "outcome" else "right", no_wrap=True)
    for row in zip(*(columns[name] for name in fitting), strict=True):
        table.add_row(*row)
    return table, [name for name in columns if name not in fitting]


def incomplete_in_mlflow(results: Results) -> list[str]:
    """Return that MLflow lacks a part of the record, and the way out; empty where it has all."""
    if not results.missing_in_mlflow:
        return []
    return [
        f"MLflow's record is incomplete: {results.missing_in_mlflow}",
        f"Complete it:  {command('sync', results.path)}",
    ]


def next_steps(results: Results) -> list[str]:
    """Return where things are, and the next command to type."""
    path = shown_path(results.path)
    of = " of the cluster's storage" if is_read_elsewhere() else ""
    lines = [f"Written to {path}/{of} (sweep, plan, ledger, epochs.parquet, weights)"]
    bucket = bucket_of(results.path)
    if bucket is not None:
        lines.append(f"and to {bucket}, where any machine can resume it")
    record = results.record
    lines += incomplete_in_mlflow(results)
    again = f"Retry failed trials:  {command('retry', results.path)}"
    if record.stopped is not None and record.stopped.reason is StopReason.MAX_FAILURES:
        more = command("resume", results.path, "--set", "budget.max_failures=null")
        return [*lines, again, f"Continue anyway:  {more}"]
    if record.is_open or not results.is_finished:
        return [*lines, f"Continue:  {command('resume', results.path)}"]
    if has_failed_trials(results.folder):
        lines.append(again)
    if record.best is not None and results.final is None and not results.why_no_final:
        tests = not is_untested(record.trials[0].trial.configuration)
        what = "Confirm the best and evaluate on test" if tests else "Confirm the best"
        lines.append(f"{what}:  {command('final', results.path)}")
    if (results.path / "report.html").exists():
        there = command("report", results.path) if is_read_elsewhere() else f"{path}/report.html"
        lines.append(f"Report:  {there}")
    else:
        lines.append(_why_no_report(results.path))
    return [*lines, *_where_to_look(results.path.parent)]


def _why_no_report(path: Path) -> str:
    try:
        require_extra("report", "a report")
    except MissingExtraError as err:
        return f"There is no report: {err}"
    return f"There is no report; try:  {command('report', path)}"


def _where_to_look(runs: Path) -> list[str]:
    """Return how to see the record in MLflow; nothing where there is none."""
    settings = read_settings()
    has_record = (runs / "mlflow.db").exists() or settings.tracking_uri not in (None, "none")
    default = settings.storage or Path("runs")
    elsewhere: list[str | Path] = ["--runs", runs] if runs.absolute() != default.absolute() else []
    return [f"Open MLflow:  {command('ui', *elsewhere)}"] if has_record else []


def _print_winner(results: Results, console: Console, has_final: bool) -> None:
    """Print the best of the search, the final's winner where there is one, and its parameters."""
    record, choice = results.record, results.final
    best = record.best
    if best is None:
        console.print(no_winner_words(record))
        return
    title = "Best so far" if record.is_open and choice is None else "Best of the search"
    if record.has_only_failed and choice is None:
        title = "All trials that ended failed. The best value reached"
    winner = best
    on = MeasuredOn.of(results.folder.read_description().data, record)
    line = f"{title}: {searched_words(record, best, on, digits=6)}"
    console.print(line, style="bold", soft_wrap=True)
    if choice is not None:
        if has_final:
            print_final(choice, results.openings, shown_path(results.path), on, console)
        else:
            print_final_in_short(choice, results.openings, on, console)
            whole = command("show", results.path, "--final")
            console.print(f"All of the final:  {whole}", highlight=False, soft_wrap=True)
        if surprise := surprise_sentence(choice, results.openings, on):
            console.print(surprise, style="yellow", highlight=False, soft_wrap=True)
        _print_if_outdated(results, choice, console)
        winner = record.trials[choice.winner.trial]
        console.print(f"\nTrial {choice.winner.trial}:")
    grid = Table.grid(padding=(0, 2))
    flats = [flatten(trial.trial.configuration) for trial in record.trials]
    flat = flats[winner.trial.index]
    varied = varied_in(flat, varied_keys(flats))
    for key in varied or flat:
        grid.add_row(f"  {key}", _text_of(flat[key]) or "none")
    console.print(grid)
    _print_schedule(winner, console)
    rest = len(flat) - len(varied)
    if varied and rest:
        console.print(f"  (and {rest} settings that were not searched)", highlight=False)


def _print_schedule(winner: TrialRecord, console: Console) -> None:
    """Print the values that a trial had by epochs, where they changed."""
    schedule = schedule_of(winner.trial.configuration)
    if not schedule:
        return
    columns = {"from epoch": [str(epoch) for epoch, _ in schedule]}
    columns |= parameter_columns(list(schedule[0][1]), [{**values} for _, values in schedule])
    table, left_out = fitting_table(columns, console.width)
    console.print(
        "  These are the last values of a schedule, which a final repeats from the start:"
    )
    console.print(table)
    if left_out:
        console.print(f"  {left_out_words(left_out)}", highlight=False)


def _value_of(trial: TrialRecord, objective: Objective) -> str:
    """Return a metric at the best epoch as tables have it, or the size of the net in full."""
    if objective.metric not in trial.sizes:
        return format_metric(trial.best, objective.metric)
    return f"{trial.sizes[objective.metric]:,g}"


def _state(record: SweepRecord) -> str:
    ended = record.progress
    text = f"{ended}: {record.counts}." if record.counts else f"{ended}."
    text += f" Total time: {duration(record.active_s)}." if record.active_s else ""
    return f"{text} Stopped: {record.stopped}." if record.stopped else text


def _second_metric(record: SweepRecord) -> str:
    """Return another dev metric that people read, beside the objective."""
    best = record.best.best if record.best is not None and record.best.best else {}
    for name in (*(f"dev_{task.score}" for task in TASKS.values()), "dev_loss"):
        if name in best and name != record.objective.metric:
            return name
    return ""


def _epoch(trial: TrialRecord) -> str:
    return "" if trial.best_epoch is None else f"{trial.best_epoch}/{trial.epochs}"


def _short(key: str, keys: Sequence[str]) -> str:
    """Return the last part of a dotted key where that is enough to tell it from the others."""
    last = key.rpartition(".")[2]
    same = [other for other in keys if other.rpartition(".")[2] == last]
    return last if len(same) == 1 else key


def _text_of(value: Any) -> str:
    """Return a value as a table shows it: floats with 4 digits, nothing for None."""
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value)
