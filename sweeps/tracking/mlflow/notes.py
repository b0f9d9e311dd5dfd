"""Notes in Markdown, which MLflow shows of experiments, sweeps, trials and model versions."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass

from sweeps.definition.configurations import flatten
from sweeps.definition.lineage import schedule_words
from sweeps.findings.measurement import format_metric
from sweeps.findings.wording import (
    MeasuredOn,
    choice_sentence,
    counted,
    searched_sentence,
    searched_words,
    sentence_of_test_rows,
    surprise_sentence,
    winner_sentence,
)
from sweeps.models.scoring.objective import Objective
from sweeps.record.description import Description
from sweeps.record.final import FinalChoice, Opening, read_final, read_openings
from sweeps.record.run_folder import RunFolder
from sweeps.record.sweep_record import SweepRecord, TrialRecord

__all__ = [
    "FinalNote",
    "best_words",
    "experiment_note",
    "literal",
    "sweep_note",
    "trial_note",
    "version_note",
]


@dataclass(frozen=True)
class FinalNote:
    """What a sweep came to: its final, where there is one, and what its figures were measured on.

    Attributes:
        choice: None without a final.
        openings: What was evaluated on the test rows; the last is of the winner's model.
    """

    choice: FinalChoice | None
    openings: Sequence[Opening]
    on: MeasuredOn

    @classmethod
    def of(cls, folder: RunFolder, record: SweepRecord) -> FinalNote:
        """Read that of a run folder; raises RunFolderError where it was damaged."""
        on = MeasuredOn.of(folder.read_description().data, record)
        return cls(read_final(folder), read_openings(folder), on)

    def lines(self) -> list[str]:
        """Return the sentences of the report's first lines, in Markdown, the surprise first."""
        if self.choice is None:
            return []
        made = (self.choice, self.openings, self.on)
        surprise = literal(surprise_sentence(*made))
        words = [
            f"**{surprise}**" if surprise else "",
            f"**{literal(winner_sentence(self.choice))}**",
            literal(choice_sentence(self.choice)),
            literal(sentence_of_test_rows(*made)),
        ]
        return [one for one in words if one]


# An underscore within a word marks nothing.
_MARKDOWN = re.compile(r"[\\`*\[\]|~]|(?<!\w)_|_(?!\w)")


def literal(text: object) -> str:
    """Return a text for a note, in which neither Markdown nor HTML finds anything to obey."""
    line = html.escape(str(text).replace("\n", "\\n"), quote=False)
    return _MARKDOWN.sub(r"\\\g<0>", line)


def _watch(name: str) -> str:
    return f"`sweeps watch {literal(name)}` shows it live, with a link to each trial's page here."


def best_words(record: SweepRecord) -> str:
    """Return the best value of a sweep: `dev_loss = 0.0312`; that there is none, in words."""
    best, metric = record.best, record.objective.metric
    if best is None or best.best is None:
        return "no trial has a finite objective"
    return f"{metric} = {format_metric(best.best, metric, digits=6)}"


def experiment_note(description: Description, record: SweepRecord, run_name: str) -> str:
    """Return what an experiment is for, and how the latest of its sweeps ended."""
    metric = record.objective.metric
    return (
        f"Sweeps for {literal(metric)} on {literal(description.data.source)}: a run each, with a "
        f"run for each trial inside it. Sort by `best/{metric}`.\n\n"
        f"Latest: **{literal(run_name)}**, best {literal(best_words(record))} of "
        f"{record.wanted} trials. Its report is among the run's artifacts; "
        f"{_watch(run_name)}"
    )


def version_note(final: FinalNote, record: SweepRecord) -> str:
    """Return what a version of a registered model is: of which trial, how good, and where from."""
    lines = [literal(searched_sentence(record, final.on)), *final.lines()]
    lines.append("The run that it comes from has the sweep's report among its artifacts.")
    return "\n\n".join(lines)


def sweep_note(name: str, record: SweepRecord, stage: str | None, final: FinalNote) -> str:
    """Return the summary of a sweep, or of a stage, as Markdown; the MLflow UI shows it."""
    best = record.best
    if stage == "final/refit":
        return "The winner, retrained on train and dev rows: its dev metrics are on training rows."
    if best is None:
        counts = record.counts or "none"
        return f"No trial has a finite objective. {record.wanted} trials: {counts}."
    found = searched_sentence(record, final.on)
    if stage is not None:  # its trials are repeats or audited ones
        found = f"Best: {searched_words(record, best, final.on)}"
    lines = [
        f"**{literal(found)}** {record.progress}: {record.counts}.",
        "",
        *(part for line in final.lines() for part in (line, "")),
        *_schedule_lines(best),
        "| parameter | value |",
        "| --- | --- |",
        *(f"| {literal(k)} | {literal(v)} |" for k, v in flatten(best.trial.configuration).items()),
    ]
    if stage is None:
        lines += ["", _watch(name)]
    return "\n".join(lines)


def _schedule_lines(best: TrialRecord) -> list[str]:
    words = schedule_words(best.trial.configuration)
    return [f"Its schedule, {words}.", ""] if words else []


def trial_note(trial: TrialRecord, state: str, objective: Objective) -> str:
    """Return one line about a trial, which the MLflow UI shows as its description."""
    reason = f" ({literal(trial.reason.splitlines()[0])})" if trial.reason else ""
    if trial.best is None:
        return f"{state}{reason} after {counted(trial.epochs, 'epoch')}"
    value = format_metric(trial.best, objective.metric, digits=6)
    best = f"best {objective.metric} = {value} at epoch {trial.best_epoch}"
    return f"{state}{reason} after {trial.epochs} epochs; {best}"
