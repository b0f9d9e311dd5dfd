"""What MLflow shows of a sweep and its trials: metrics, parameters, tags, data sets and notes.

Everything follows from the ledger, timestamps included, so that MLflow recognises what it has.
"""

from __future__ import annotations

import hashlib
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
from sweeps.record.sweep_record import Outcome, SweepRecord, TrialRecord
from sweeps.tracking.mlflow.notes import trial_note
from sweeps.tracking.mlflow.runs import NOTE_TAG

__all__ = [
    "count_metrics",
    "datasets",
    "epoch_metrics",
    "final_metrics",
    "metric_name",
    "ms",
    "point_ms",
    "progress_metrics",
    "size_metrics",
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
_PARTS = ("train", "dev", "test")

Rows = Iterable[Mapping[str, float]]


def ms(seconds: float | None) -> int:
    """Return seconds since 1970 as MLflow's milliseconds."""
    return round((seconds or 0.0) * 1000)


def metric_name(key: str) -> str:
    """Return what MLflow calls a column of an epoch: `dev/loss` for dev_loss.

    Its pages draw those with the same beginning together, and what has none (lr) last.
    """
    part, _, rest = key.partition("_")
    return f"{part}/{rest}" if part in _PARTS and rest else key


def epoch_metrics(trial: TrialRecord, rows: Rows) -> list[Metric]:
    """Return the metrics of epochs, with the epoch as step, and the best so far as `best/...`.

    An epoch's time is the trial's start plus the training time up to it: the same at every call.
    Infinities are left out (MLflow would store 1.8e308).

    Args:
        rows: Rows of epochs, with the training time up to each under `_at_s`, and `_is_best` where
            one is better than all before it.
    """
    return [
        Metric(name, value, point_ms(trial, row), int(row["epoch"]))
        for row in rows
        for name, value in [*_of_epoch(row), *(_of_best(row) if row.get("_is_best") else ())]
    ]


def _of_epoch(row: Mapping[str, float]) -> list[tuple[str, float]]:
    return [
        (metric_name(key), value)
        for key, value in row.items()
        if key != "epoch" and not key.startswith("_") and not math.isinf(value)
    ]


def _of_best(row: Mapping[str, float]) -> list[tuple[str, float]]:
    """Return what is said of a best epoch; MLflow shows the last that it was told as the value."""
    return [
        (f"best/{key}", value)
        for key, value in row.items()
        if key.startswith("dev_") and not math.isinf(value)
    ]


def point_ms(trial: TrialRecord, row: Mapping[str, float]) -> int:
    """Return when an epoch's points are: the trial's start and the training time up to then."""
    return ms((trial.started_at or 0.0) + row["_at_s"])


def size_metrics(trial: TrialRecord) -> list[Metric]:
    """Return the sizes of a trial's net as `size/...`, of a rejected one, too."""
    at = ms(trial.started_at)
    return [Metric(f"size/{name}", value, at, 0) for name, value in trial.sizes.items()]


def progress_metrics(record: SweepRecord, after: int) -> list[Metric]:
    """Return `best/...` of a sweep, with the number of trials that have ended as step.

    Its objective at each, which makes a curve, and the other metrics where another trial took over.

    Args:
        after: How many points are there already.
    """
    found: list[Metric] = []
    before = record.bests[after - 1].row if after else None
    for step, (at, row) in enumerate(record.bests[after:], start=after + 1):
        told = [record.objective.metric] if row is before else [*(row or ())]
        values = _of_best({key: row[key] for key in told} if row else {})
        found += [Metric(name, value, ms(at), step) for name, value in values]
        before = row
    return found


def count_metrics(record: SweepRecord) -> list[Metric]:
    """Return how many trials had each outcome."""
    at = record.ended_at or record.started_at
    return [Metric(f"trials/{outcome}", record.outcomes[outcome], ms(at), 0) for outcome in Outcome]


def final_metrics(
    record: SweepRecord, choice: FinalChoice | None, openings: Sequence[Opening]
) -> list[Metric]:
    """Return the winner's mean over fresh seeds, and the test figures of the last opening."""
    if choice is None:
        return []
    found = {"final/seeds": float(choice.seeds), "test/openings": float(choice.uses(openings))}
    for name, value in (("mean", choice.winner.mean), ("se", choice.winner.standard_error)):
        if value is not None:
            found[f"final/{choice.metric}_{name}"] = value
    for name, one in openings[-1].metrics.items() if openings else ():
        found[metric_name(name)] = one.value
        if one.low is not None and one.high is not None:
            found |= {f"{metric_name(name)}_low": one.low, f"{metric_name(name)}_high": one.high}
    return [Metric(name, value, ms(choice.frozen_at), 0) for name, value in found.items()]


def trial_params(trial: TrialRecord) -> list[Param]:
    """Return the configuration that a trial begins with, by dotted keys.

    MLflow's parameters are for life; what a population changes is in the tag `schedule`. The seed
    is a tag, too: among parameters it would be one more axis wherever trials are compared.
    """
    texts = texts_of(flatten(trial.planned.configuration))
    return [Param(key, text) for key, text in texts.items()]


def texts_of(values: Mapping[str, Any]) -> dict[str, str]:
    """Return values as parameters that MLflow takes: names and texts, cut to its lengths."""
    return {_legal(key): _within(str(value), _LONGEST_PARAM) for key, value in values.items()}


def _within(text: str, longest: int) -> str:
    """Return a text that can be stored and printed: nothing is obeyed, cut with an ellipsis."""
    text = shown(text)
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def _legal(key: str) -> str:
    """Return a key that MLflow takes: user-defined options net may have any.

    A name that had to be changed gets a digest, so that it stays unique.
    """
    if len(key) <= _LONGEST_KEY and re.fullmatch(r"[\w\-. ]+", key):
        return key
    legal = re.sub(r"[^\w\-. ]", "_", key)[: _LONGEST_KEY - 7]
    return f"{legal}-{hashlib.sha256(key.encode()).hexdigest()[:6]}"


def sweep_params(description: Description) -> list[Param]:
    """Return what a sweep is: data, objective, search and stopping, of these what has a value.

    The number of trials and the budget are left out: a later session may change them, and MLflow's
    parameters are for life.
    """
    sweep = description.values
    about = {key: sweep[key] for key in ("data", "objective", "search", "stopping")}
    about["search"] = {
        key: value
        for key, value in about["search"].items()
        if key != "trials" and not isinstance(value, list)
    }
    given = {key: value for key, value in flatten(about).items() if value is not None}
    params = [Param(key, text) for key, text in texts_of(given).items()]
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
        "seed": str(trial.planned.seed),
        NOTE_TAG: trial_note(trial, state, objective),
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
