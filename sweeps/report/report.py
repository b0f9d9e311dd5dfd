"""The report of one sweep: what was found, how sure, why, and what to do next."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sweeps.analysis.evidence import Evidence, gather
from sweeps.analysis.failures import failures
from sweeps.analysis.summary import Analysis, analyse
from sweeps.analysis.tuning_curve import TuningCurve
from sweeps.definition.configurations import flatten, varied_in, varied_keys
from sweeps.definition.sweep_file import SweepFile
from sweeps.findings.stages import read_audit
from sweeps.findings.wording import (
    MeasuredOn,
    audit_sentence,
    choice_sentence,
    counted,
    newer_candidates,
    one_error_sentence,
    searched_sentence,
    sentence_of_test_rows,
    surprise_sentence,
    winner_sentence,
)
from sweeps.infra.command_line import command
from sweeps.models.scoring.tasks import TASKS
from sweeps.models.splits.cuts import AT_RANDOM
from sweeps.models.trial_kinds import is_program, is_untested
from sweeps.record.description import DataDescription, Description
from sweeps.record.final import FinalChoice, Opening, read_final, read_openings
from sweeps.record.replay import read_record
from sweeps.record.run_folder import RunFolder, write_atomically
from sweeps.record.sweep_record import Outcome, SweepRecord, TrialRecord
from sweeps.report.analysis_figures import (
    bias_and_variance,
    choice_panels,
    importance_bars,
    saved_epochs,
)
from sweeps.report.final_figures import final_panels
from sweeps.report.front_figure import front_columns, front_section
from sweeps.report.lineage_figure import lineage_section
from sweeps.report.page import PageSection, PageTable, Panel, render
from sweeps.report.parameter_figures import parallel_coordinates, slices
from sweeps.report.trial_figures import history_panels, learning_curves
from sweeps.report.tuning_figures import tuning_panel
from sweeps.search_spaces.yaml_writer import write_yaml

__all__ = ["REPORT", "report_sections", "write_report"]

REPORT = "report.html"
# Trials with one reason of failure that are named by their numbers.
_MOST_NAMED = 12


def write_report(folder: RunFolder, out: Path | None = None) -> Path:
    """Write the report of a sweep, from its folder alone; returns where it is.

    Args:
        out: The file; None writes report.html into the folder.

    Raises:
        RunFolderError: The folder was damaged.
        StorageError: The file cannot be written.
    """
    path = out or folder.path / REPORT
    page = render(f"Sweep {folder.name}", report_sections(folder))
    write_atomically(path, page.encode(errors="backslashreplace"))
    return path


def report_sections(folder: RunFolder) -> list[PageSection]:
    """Return the parts of the report, the plainest words first."""
    record = read_record(folder)
    evidence = gather(folder, record)
    analysis = analyse(evidence)
    choice, openings = read_final(folder), read_openings(folder)
    on = MeasuredOn.of(folder.read_description().data, record)
    names = [str(trial.outcome) for trial in evidence.trials]
    ranked = [] if isinstance(analysis.importances, str) else analysis.importances.found
    # Of two for one parameter, the surer one, which comes first.
    alarms = {alarm.name: alarm.sentence for alarm in reversed(analysis.alarms)}
    diagnosed = bias_and_variance(analysis.diagnoses, names)
    # A value at the beginning says little of a trial whose values, and net, became others.
    is_fixed = not evidence.file.is_population
    parameters = parallel_coordinates(evidence, [one.name for one in ranked]) if is_fixed else None
    curves = learning_curves(evidence, record.best.trial.index if record.best else None)
    sections = [
        _summary(folder, record, analysis, choice, openings),
        PageSection("How the trials went", panels=_there(curves, *history_panels(evidence))),
        front_section(record),
        lineage_section(record.trials, _winner(record, choice)),
        _failed(record.trials),
        PageSection("The space", panels=_there(parameters, importance_bars(analysis.importances))),
        PageSection("Each parameter", panels=slices(evidence, alarms) if is_fixed else ()),
        _choices(evidence, analysis, on),
        PageSection(
            "Bias, variance and effort",
            panels=_there(
                diagnosed,
                tuning_panel(analysis.tuning_curve, evidence.objective.metric),
                saved_epochs(analysis.savings),
            ),
        ),
        PageSection("All trials", table=_table(record, evidence, analysis)),
        _reproduce(folder),
    ]
    if choice is not None:
        sections.insert(1, PageSection("The final", panels=final_panels(choice, openings, on)))
    return [one for one in sections if one.panels or one.text or one.table or one.code]


def _choices(evidence: Evidence, analysis: Analysis, on: MeasuredOn) -> PageSection:
    title = "Options compared"
    panels = choice_panels(analysis.comparisons, evidence.objective.metric)
    if evidence.why_incomparable:
        return PageSection(title, [f"No comparison: {evidence.why_incomparable}."])
    how = ["Each option is judged by the expected best of the same number of its trials."]
    if on.rows:
        of_others = "groups" if on.groups else "rows"
        how.append(
            f"All trials are measured on the same {on.counted(on.rows, 'dev')}: what is better on "
            f"these need not be on other {of_others}, whatever the number of trials."
        )
    return PageSection(title, how if panels else (), panels)


def _failed(trials: Sequence[TrialRecord]) -> PageSection:
    """Return why trials failed, diverged or were rejected; empty where none did."""
    found = failures(trials)
    rows = [[len(one.trials), str(one.outcome), one.reason, _first(one.trials)] for one in found]
    columns = ["trials", "outcome", "reason", "which"]
    has_failed = any(one.outcome is not Outcome.REJECTED for one in found)
    title = "What failed" if has_failed else "What was rejected"
    return PageSection(title, table=PageTable(columns, rows) if rows else None)


def _first(trials: Sequence[int]) -> str:
    shown = ", ".join(map(str, trials[:_MOST_NAMED]))
    return shown if len(trials) <= _MOST_NAMED else f"{shown} and {len(trials) - _MOST_NAMED} more"


def _there(*panels: Panel | None) -> list[Panel]:
    return [panel for panel in panels if panel is not None]


def _summary(
    folder: RunFolder,
    record: SweepRecord,
    analysis: Analysis,
    choice: FinalChoice | None,
    openings: Sequence[Opening],
) -> PageSection:
    description = folder.read_description()
    method, data = description.sweep.search.method, description.data
    on_what = f"on {data.source}" if data.splits else "without data in the sweep file"
    on = MeasuredOn.of(data, record)
    surprise = "" if choice is None else surprise_sentence(choice, openings, on)
    search = f"{'An' if method == 'nsga2' else 'A'} {method} search"
    trials = counted(record.wanted, "trial")
    text = [
        f"{search} of {trials} {on_what}: {record.counts or 'none ended'}.",
        *([surprise] if surprise else []),
        *_winner_words(record, choice, openings, on),
        *_next_words(folder, record, analysis, choice),
    ]
    text += _rare_classes(description.data, description.sweep.data.split.test)
    text += [f"Note on the data: {note}." for note in description.data.notes]
    text += [f"Note on your own code: {note}." for note in description.sanity]
    facts = {
        "objective": ", ".join(f"{one.metric} ({one.mode})" for one in record.objective.all),
        **_data_facts(description, record),
        "started": _clock(record.started_at),
        "total time": f"{record.active_s:.0f} s",
        "files": str(folder.path.name) + "/: plan, ledger, epochs.parquet, weights",
    }
    if record.accepted:
        facts["own code"] = f"changed within the sweep, and accepted: {', '.join(record.accepted)}"
    return PageSection(
        "In short", text, facts=facts | _winner_facts(record, choice), files=_yaml(record, choice)
    )


def _data_facts(description: Description, record: SweepRecord) -> dict[str, str]:
    """Return what trials were given, and what keeps the test rows from them."""
    data, first = description.data, record.trials[0].trial.configuration
    if is_program(first):
        seal = "not enforced: the program reads its data itself"
        return {"program": first["training"]["command"], "test set": seal}
    if not data.splits:
        return {"test set": "not enforced: your own training reads or creates its test data"}
    rows = ", ".join(f"{one.name} {one.rows} rows" for one in data.splits)
    return {"data": rows, "split": data.cut or AT_RANDOM}


def _rare_classes(data: DataDescription, asked: float | None) -> list[str]:
    """Return that rare classes weigh more in dev and test rows than in the data, where they do."""
    is_at_random = data.cut in ("", AT_RANDOM)
    is_stratified = data.task is not None and TASKS[data.task].is_stratified
    if not is_stratified or asked is None or not is_at_random:
        return []
    rows = {one.name: one.rows for one in data.splits}
    wanted = asked * sum(rows.values())
    if rows.get("test", 0) <= 1.1 * wanted + 1:
        return []
    return [
        f"Every class gets at least one row in each split, so there are {rows['test']} test rows "
        f"instead of the {wanted:.0f} asked for: rare classes weigh more in these figures than in "
        f"the data."
    ]


def _winner_facts(record: SweepRecord, choice: FinalChoice | None) -> dict[str, str]:
    """Return what was varied, as the final's winner has it, or the search's best without one."""
    title = "best" if choice is None else "winner"
    winner = _winner(record, choice)
    flat = {} if winner is None else flatten(winner.trial.configuration)
    shown = varied_in(flat, _varied(record.trials))
    return {f"{title}: {key}": "none" if flat[key] is None else str(flat[key]) for key in shown}


def _winner(record: SweepRecord, choice: FinalChoice | None) -> TrialRecord | None:
    """Return the final's winner, or the search's best without a final."""
    return record.best if choice is None else record.trials[choice.winner.trial]


def _yaml(record: SweepRecord, choice: FinalChoice | None) -> dict[str, str]:
    """Return the winner's configuration, whole, as a `space` section to copy."""
    winner = _winner(record, choice)
    if winner is None:
        return {}
    title = f"Configuration of trial {winner.trial.index}, to copy into a sweep file"
    return {title: write_yaml({"space": winner.trial.configuration}, {})}


def _winner_words(
    record: SweepRecord, choice: FinalChoice | None, openings: Sequence[Opening], on: MeasuredOn
) -> list[str]:
    words = [searched_sentence(record, on), one_error_sentence(record)]
    if choice is not None and record.best is not None:
        words += [
            f"{winner_sentence(choice)} {newer_candidates(choice, record)}".rstrip(),
            choice_sentence(choice),
            sentence_of_test_rows(choice, openings, on),
        ]
    return [one for one in words if one]


def _next_words(
    folder: RunFolder, record: SweepRecord, analysis: Analysis, choice: FinalChoice | None
) -> list[str]:
    words = [analysis.independence] if analysis.independence else []
    if isinstance(analysis.tuning_curve, TuningCurve):
        words.append(analysis.tuning_curve.sentence)
    words += [alarm.sentence for alarm in analysis.alarms]
    audited = read_audit(folder, record)
    if audited:
        words.append(audit_sentence(audited))
    if record.is_open:
        left = record.wanted - record.outcomes.total()
        words.append(f"{left} trials have not ended: resume the sweep.")
    elif choice is None and record.best is not None:
        confirm = command("final", folder.path)
        repeats = f"`{confirm}` retrains the best with fresh seeds"
        if is_untested(record.best.trial.configuration):
            words.append(f"{repeats}; only the program has its test rows.")
        else:
            words.append(
                f"The test set has not been used yet: {repeats} and evaluates the winner on it "
                f"once."
            )
    return words


def _varied(trials: Sequence[TrialRecord]) -> list[str]:
    return varied_keys([flatten(trial.trial.configuration) for trial in trials])


def _table(record: SweepRecord, evidence: Evidence, analysis: Analysis) -> PageTable:
    keys = _varied(evidence.trials)
    words = {one.trial: one.words for one in analysis.diagnoses}
    others = front_columns(record, evidence.trials)
    columns = [
        "trial", evidence.objective.metric, *others, "best epoch", "epochs", "seconds", "outcome",
        *keys, "diagnosis", "reason",
    ]  # fmt: skip
    rows = []
    for at, trial in sorted(enumerate(evidence.trials), key=lambda pair: record.rank(pair[1])):
        value, flat = evidence.values[at], flatten(trial.trial.configuration)
        rows.append(
            [
                at,
                None if value != value else float(f"{value:.6g}"),
                *(column[at] for column in others.values()),
                trial.best_epoch,
                trial.epochs,
                round(trial.train_s, 2),
                str(trial.outcome or "unfinished"),
                *(_cell(flat.get(key)) for key in keys),
                words.get(at, ""),
                trial.reason,
            ]
        )
    return PageTable(columns, rows)


def _cell(value: Any) -> Any:
    """Numbers stay numbers, so that they sort; infinities and sections become words."""
    if isinstance(value, bool) or value is None:
        return None if value is None else str(value)
    if isinstance(value, int | float):
        return value if abs(value) < 1e300 else str(value)
    return value if isinstance(value, str) else json.dumps(value)


def _reproduce(folder: RunFolder) -> PageSection:
    description = folder.read_description()
    overrides = [word for text in description.overrides for word in ("--set", text)]
    facts = {
        "seed": str(description.sweep.seed),
        "data digest": description.data.digest,
        "git commit": description.git_commit or "not in a git checkout",
        "versions": ", ".join(f"{k} {v}" for k, v in _versions(folder).items()) or "not recorded",
    }
    # Beside the file itself are the data and nets that it names; sweep.yaml is a copy of its text.
    file = description.file or str(folder.source)
    modules = ":".join(description.module_folders)
    path = f"PYTHONPATH={shlex.quote(modules)} " if modules else ""
    again = path + command("run", file, *overrides)
    same = "The sweep file below, the seed and these versions give the same"
    text = [f"{same} {_again(description.sweep)}."]
    source = folder.source.read_text(encoding="utf-8") if folder.source.exists() else ""
    return PageSection("How to reproduce this", text, facts=facts, code=[again, source])


def _again(file: SweepFile) -> str:
    """Return what is the same when a sweep is run again, and what its order decides."""
    if file.is_population:  # all wait for one another
        return "trials and copies again"
    if file.search.learns:
        return (
            "trials again with one worker; with more, the proposals depend on which trial ends "
            "first"
        )
    if file.stopping.stops:
        return "trials again; with several workers, which are stopped early depends on their order"
    return "trials again"


def _versions(folder: RunFolder) -> dict[str, str]:
    from sweeps.record.ledger import read_events

    for event in read_events(folder.ledger):
        if event["event"] == "session":
            return {"python": event["python"], **event["versions"]}
    return {}


def _clock(at: float | None) -> str:
    if at is None:
        return "not yet"
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC")
