"""What MLflow shows of a sweep and its trials: metrics, parameters, tags, data sets and notes.

Everything follows from the ledger, timestamps included, so that MLflow recognises what it has.
"""

from __future__ import annotations

import hashlib
import html
import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, RunTag

from sweeps.definition.configurations import flatten
from sweeps.definition.lineage import schedule_words
from sweeps.infra.plain_text import shown
from sweeps.models.scoring.objective import Objective
from sweeps.record.description import Description
from sweeps.record.final import FinalChoice, Opening
from sweeps.record.measurement import format_metric
from sweeps.record.sweep_record import Outcome, SweepRecord, TrialRecord
from sweeps.record.wording import noise_sentence

__all__ = [
    "best_metrics",
    "datasets",
    "epoch_metrics",
    "final_metrics",
    "ms",
    "point_ms",
    "sweep_metrics",
    "sweep_note",
    "sweep_params",
    "tags_of",
    "texts_of",
    "trial_params",
    "trial_tags",
]

_LONGEST_TAG = 5000
_LONGEST_KEY = 250
_LONGEST_PARAM = 6000
# Of a data set's name, beside the split's.
_LONGEST_NAME = 450
# An underscore within a word marks nothing.
_MARKDOWN = re.compile(r"[\\`*\[\]|~]|(?<!\w)_|_(?!\w)")

Rows = Iterable[Mapping[str, float]]


def ms(seconds: float | None) -> int:
    """Return seconds since 1970 as MLflow's milliseconds."""
    return round((seconds or 0.0) * 1000)


def epoch_metrics(trial: TrialRecord, rows: Rows) -> list[Metric]:
    """Return the metrics of epochs, with the epoch as step.

    An epoch's time is the trial's start plus the training time up to it: the same at every call.
    Infinities are left out (MLflow would store 1.8e308).

    Args:
        rows: Rows of epochs, with the training time up to each under `_at_s`.
    """
    return [
        Metric(key, value, point_ms(trial, row), int(row["epoch"]))
        for row in rows
        for key, value in row.items()
        if key not in ("epoch", "_at_s") and not math.isinf(value)
    ]


def point_ms(trial: TrialRecord, row: Mapping[str, float]) -> int:
    """Return when an epoch's points are: the trial's start and the training time up to then."""
    return ms((trial.started_at or 0.0) + row["_at_s"])


def best_metrics(trial: TrialRecord, at: float | None, step: int) -> list[Metric]:
    """Return `best_*`: the metrics of the best epoch, and which it was."""
    return [
        Metric(f"best_{key}", value, ms(at), step)
        for key, value in (trial.best or {}).items()
        if (key == "epoch" or key.startswith(("train_", "dev_"))) and not math.isinf(value)
    ]


def sweep_metrics(record: SweepRecord) -> list[Metric]:
    """Return how many trials had each outcome, and the winner's `best_*`."""
    at = record.ended_at or record.started_at
    counts = [
        Metric(f"trials_{outcome}", record.outcomes[outcome], ms(at), 0) for outcome in Outcome
    ]
    return counts if record.best is None else counts + best_metrics(record.best, at, step=0)


def final_metrics(
    record: SweepRecord, choice: FinalChoice | None, openings: Sequence[Opening]
) -> list[Metric]:
    """Return the winner's mean over fresh seeds, and the test figures of the last opening."""
    if choice is None:
        return []
    found = {"final_seeds": float(choice.seeds), "test_openings": float(choice.uses(openings))}
    for name, value in (("mean", choice.winner.mean), ("se", choice.winner.standard_error)):
        if value is not None:
            found[f"final_{choice.metric}_{name}"] = value
    for name, one in openings[-1].metrics.items() if openings else ():
        found[name] = one.value
        if one.low is not None and one.high is not None:
            found |= {f"{name}_low": one.low, f"{name}_high": one.high}
    return [Metric(name, value, ms(choice.frozen_at), 0) for name, value in found.items()]


def trial_params(trial: TrialRecord) -> list[Param]:
    """Return the configuration that a trial begins with, by dotted keys, and its seed.

    MLflow's parameters are for life; what a population changes is in the tag `schedule`.
    """
    texts = texts_of(flatten(trial.planned.configuration) | {"seed": trial.planned.seed})
    return [Param(key, text) for key, text in texts.items()]


def texts_of(values: Mapping[str, Any]) -> dict[str, str]:
    """Return values as parameters that MLflow takes: names and texts, cut to its lengths."""
    return {_legal(key): _within(str(value), _LONGEST_PARAM) for key, value in values.items()}


def _within(text: str, longest: int) -> str:
    """Return a text that can be stored and printed: nothing is obeyed, cut with an ellipsis."""
    text = shown(text)
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def _literal(text: object) -> str:
    """Return a text for a note, in which neither Markdown nor HTML finds anything to obey."""
    line = html.escape(str(text).replace("\n", "\\n"), quote=False)
    return _MARKDOWN.sub(r"\\\g<0>", line)


def _legal(key: str) -> str:
    """Return a key that MLflow takes: user-defined options net may have any.

    A name that had to be changed gets a digest, so that it stays unique.
    """
    if len(key) <= _LONGEST_KEY and re.fullmatch(r"[\w\-. ]+", key):
        return key
    legal = re.sub(r"[^\w\-. ]", "_", key)[: _LONGEST_KEY - 7]
    return f"{legal}-{hashlib.sha256(key.encode()).hexdigest()[:6]}"


def sweep_params(description: Description) -> list[Param]:
    """Return what a sweep is: seed, data, objective, search and stopping.

    The number of trials and the budget are left out: a later session may change them, and MLflow's
    parameters are for life.
    """
    sweep = description.values
    about = {key: sweep[key] for key in ("seed", "data", "objective", "search", "stopping")}
    about["search"] = {
        key: value
        for key, value in about["search"].items()
        if key != "trials" and not isinstance(value, list)
    }
    params = [Param(key, text) for key, text in texts_of(flatten(about)).items()]
    more = {"data.cut": description.data.cut, "sanity": "; ".join(description.sanity)}
    return [
        *params,
        *(Param(key, _within(text, _LONGEST_PARAM)) for key, text in more.items() if text),
    ]


def trial_tags(trial: TrialRecord, state: str, objective: Objective) -> dict[str, str]:
    """Return a trial's outcome and reason; empty texts take back what a retry has repaired."""
    return {
        "outcome": state,
        "reason": trial.reason,
        "failures": "\n\n".join(trial.failures),
        "configuration_hash": trial.trial.hash,
        "schedule": schedule_words(trial.trial.configuration),
        "mlflow.note.content": _trial_note(trial, state, objective),
    }


def tags_of(values: Mapping[str, str], is_new: bool) -> list[RunTag]:
    """Return tags, cut to a length that MLflow takes; a new run needs no empty ones."""
    return [
        RunTag(key, _within(value, _LONGEST_TAG))
        for key, value in values.items()
        if value or not is_new
    ]


def datasets(description: Description) -> list[DatasetInput]:
    """Return each split as a data set; `context` says which."""
    data = description.data
    seed = description.sweep.seed if data.seed is None else data.seed
    source = json.dumps({"source": data.source, "seed": seed})
    return [
        DatasetInput(
            Dataset(
                name=f"{_data_name(data.source)}-{split.name}",
                digest=split.digest,
                source_type="local",
                source=source,
                profile=json.dumps({"num_rows": split.rows}),
            ),
            [InputTag("mlflow.data.context", split.name)],
        )
        for split in data.splits
    ]


def _data_name(source: str) -> str:
    """Return what a data set is called: its source, or the last part of a long path."""
    name = source if len(source) <= _LONGEST_NAME else Path(source).name
    return _within(name, _LONGEST_NAME)


def sweep_note(record: SweepRecord, stage: str | None, choice: FinalChoice | None) -> str:
    """Return the summary of a sweep, or of a stage, as Markdown; the MLflow UI shows it."""
    best = record.best
    if stage == "final/refit":
        return "The winner once more, on train and dev rows: its dev metrics are of trained rows."
    counts = ", ".join(f"{n} {name}" for name, n in sorted(record.outcomes.items()) if n)
    if best is None:
        return f"No trial has a finite objective. {record.wanted} trials: {counts or 'none'}."
    metric = record.objective.metric
    lines = [
        f"**Best {metric} = {format_metric(best.best, metric, digits=6)}** "
        f"(trial {best.trial.index}, epoch {best.best_epoch}) of {record.wanted} trials: "
        f"{counts}.",
        "",
        *_choice_lines(choice),
        *_schedule_lines(best),
        "| parameter | value |",
        "| --- | --- |",
        *(
            f"| {_literal(k)} | {_literal(v)} |"
            for k, v in flatten(best.trial.configuration).items()
        ),
    ]
    return "\n".join(lines)


def _schedule_lines(best: TrialRecord) -> list[str]:
    words = schedule_words(best.trial.configuration)
    return [f"Its schedule, {words}.", ""] if words else []


def _choice_lines(choice: FinalChoice | None) -> list[str]:
    if choice is None or choice.winner.mean is None:
        return []
    return [
        f"**Final winner: trial {choice.winner.trial}**, mean {choice.metric} "
        f"{choice.winner.mean:.6g} over {choice.seeds} fresh seeds. "
        f"{noise_sentence(choice)}",
        "",
    ]


def _trial_note(trial: TrialRecord, state: str, objective: Objective) -> str:
    """Return one line about a trial, which the MLflow UI shows as its description."""
    reason = f" ({_literal(trial.reason.splitlines()[0])})" if trial.reason else ""
    if trial.best is None:
        return f"{state}{reason} after {trial.epochs} epochs"
    value = format_metric(trial.best, objective.metric, digits=6)
    best = f"best {objective.metric} = {value} at epoch {trial.best_epoch}"
    return f"{state}{reason} after {trial.epochs} epochs; {best}"
