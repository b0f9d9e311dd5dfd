"""Two sweeps side by side: what was changed between them, and what that brought."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import plotly.graph_objects as go

from sweeps.analysis.evidence import Evidence, gather
from sweeps.analysis.savings import savings
from sweeps.analysis.tuning_curve import TuningCurve, tuning_curve
from sweeps.definition.configurations import flatten
from sweeps.errors import RequestError
from sweeps.record.final import read_final, read_openings
from sweeps.record.replay import read_record
from sweeps.record.run_folder import RunFolder, write_atomically
from sweeps.record.sweep_record import SweepRecord
from sweeps.report.page import PageSection, PageTable, Panel, render
from sweeps.report.style import figure, rounded
from sweeps.report.tuning_figures import COLOURS, tuning_comparison

__all__ = ["comparison_sections", "write_comparison"]

_MISSING = ""


def write_comparison(first: RunFolder, second: RunFolder, out: Path) -> Path:
    """Write the comparison of two sweeps into one HTML file; returns it.

    Raises:
        RequestError: They have other objectives, or other data: nothing could be compared.
        StorageError: The file cannot be written.
    """
    title = f"Sweeps {first.name} and {second.name}"
    page = render(title, comparison_sections(first, second))
    write_atomically(out, page.encode(errors="backslashreplace"))
    return out


def comparison_sections(first: RunFolder, second: RunFolder) -> list[PageSection]:
    """Return the parts of the comparison; raises RequestError as write_comparison does."""
    folders = (first, second)
    _refuse_unlike(first, second)
    records = [read_record(folder) for folder in folders]
    evidences = [gather(*pair) for pair in zip(folders, records, strict=True)]
    curves = [tuning_curve(evidence) for evidence in evidences]
    names = _names(first, second)
    tuning = tuning_comparison(names, curves, records[0].objective.metric)
    panels = [] if tuning is None else [tuning]
    panels.append(_results(names, evidences))
    return [
        PageSection("In short", [*_words(names, records, curves), *_other_rows(folders)], panels),
        PageSection("Side by side", table=_table(names, folders, records, evidences)),
        PageSection("What was changed", table=_changes(names, folders)),
    ]


def _names(first: RunFolder, second: RunFolder) -> list[str]:
    if first.name != second.name:
        return [first.name, second.name]
    return [str(first.path), str(second.path)]


def _refuse_unlike(first: RunFolder, second: RunFolder) -> None:
    one, other = first.read_description(), second.read_description()
    unlike = {
        "objective": [about.objective.metric for about in (one, other)],
        "data": [f"{about.data.source} ({about.data.digest[:8]})" for about in (one, other)],
    }
    for what, (left, right) in unlike.items():
        if left != right:
            raise RequestError(
                f"{first.name} and {second.name} have different {what}, {left} and {right}: their "
                f"results cannot be compared"
            )


def _words(
    names: list[str], records: list[SweepRecord], curves: list[TuningCurve | str]
) -> list[str]:
    objective = records[0].objective
    values = [None if one.best is None else one.value(one.best) for one in records]
    if values[0] is None or values[1] is None:
        lacking = " and ".join(n for n, v in zip(names, values, strict=True) if v is None)
        return [f"{lacking} has no trial with a finite objective."]
    better = 0 if objective.sort_key(values[0]) <= objective.sort_key(values[1]) else 1
    words = [
        f"The best of {names[better]} is {objective.metric} = {values[better]:.4g}; that of "
        f"{names[1 - better]} is {values[1 - better]:.4g}, of "
        f"{len(records[better].trials)} and {len(records[1 - better].trials)} trials."
    ]
    if not any(isinstance(curve, str) for curve in curves):
        words.append(
            "The best of more trials is luckier; the curves compare the two at equal numbers of "
            "trials. Where the bands overlap, either may be better."
        )
    words.append("All values are on dev rows, by which both searches chose.")
    return words


def _other_rows(folders: tuple[RunFolder, RunFolder]) -> list[str]:
    """Return what is to be said where the two sweeps cut the data differently."""
    cuts = [
        {split.name: split.digest for split in folder.read_description().data.splits}
        for folder in folders
    ]
    if cuts[0] == cuts[1]:
        return []
    words = [
        "The two sweeps split the data differently, so part of any difference comes from their "
        "different dev rows. `split.seed` keeps a split for the next sweep."
    ]
    if cuts[0]["test"] != cuts[1]["test"]:
        words.append(
            "Their test rows differ, too: a test row of one may have been a training row of the "
            "other."
        )
    return words


def _results(names: list[str], evidences: list[Evidence]) -> Panel:
    values = [evidence.values[np.isfinite(evidence.values)] for evidence in evidences]
    traces = [
        go.Box(
            y=rounded(own), name=f"{name}, n = {len(own)}",
            marker={"color": colour, "size": 4}, boxpoints="outliers",
        )
        for name, own, colour in zip(names, values, COLOURS, strict=True)
    ]  # fmt: skip
    metric = evidences[0].objective.metric
    made = figure(traces, "", metric, showlegend=False)
    counts = " and ".join(str(len(own)) for own in values)
    caption = f"{metric} of all {counts} trials that have one, at their best epochs."
    return Panel("All results", caption, made)


def _table(
    names: list[str],
    folders: tuple[RunFolder, RunFolder],
    records: list[SweepRecord],
    evidences: list[Evidence],
) -> PageTable:
    columns = [_column(*three) for three in zip(folders, records, evidences, strict=True)]
    keys = list(dict.fromkeys([*columns[0], *columns[1]]))
    rows = [[key, *(column.get(key, _MISSING) for column in columns)] for key in keys]
    return PageTable(["", *names], rows)


def _column(folder: RunFolder, record: SweepRecord, evidence: Evidence) -> dict[str, Any]:
    saved = savings(evidence)
    found: dict[str, Any] = {"trials": record.wanted}
    found |= {name: count for name, count in saved.trials.items() if count}
    found |= {"epochs run": sum(saved.run.values()), "seconds": round(record.active_s, 1)}
    if record.best is not None:
        found[f"best {record.objective.metric}"] = record.value(record.best)
        found["best trial"] = record.best.trial.index
    choice, openings = read_final(folder), read_openings(folder)
    if choice is not None and choice.winner.mean is not None:
        found[f"final {choice.metric}, mean over seeds"] = choice.winner.mean
    if openings:
        found |= {name: one.value for name, one in openings[-1].metrics.items()}
        found["test evaluations"] = len(openings) if choice is None else choice.uses(openings)
    return found


def _changes(names: list[str], folders: tuple[RunFolder, RunFolder]) -> PageTable:
    """Return the values of the two sweep files that differ, defaults included."""
    files = [flatten(folder.read_description().values) for folder in folders]
    keys = [
        key
        for key in dict.fromkeys([*files[0], *files[1]])
        if files[0].get(key, _MISSING) != files[1].get(key, _MISSING)
    ]
    rows = [[key, *(str(file.get(key, _MISSING)) for file in files)] for key in keys]
    return PageTable(["key", *names], rows or [["nothing but the folder", _MISSING, _MISSING]])
