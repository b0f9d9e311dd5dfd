"""Who copied whom in a population, and which values the winner had on its way."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from sweeps.definition.lineage import schedule_of
from sweeps.record.sweep_record import TrialRecord
from sweeps.report.page import PageSection, PageTable, Panel
from sweeps.report.style import INK, figure, whole_axis

__all__ = ["ancestry", "lineage_section"]

_QUIET = "#BBBBBB"
Stretch = tuple[int, int, int]


def ancestry(trials: Sequence[TrialRecord], winner: int) -> list[Stretch]:
    """Return which trials trained the winner's net: (trial, after epoch, up to epoch), in order."""
    found: list[Stretch] = []
    at, until = winner, trials[winner].epochs
    while True:
        earlier = [copy for copy in trials[at].copies if copy.epoch < until]
        found.append((at, earlier[-1].epoch if earlier else 0, until))
        if not earlier:
            return found[::-1]
        at, until = earlier[-1].source, earlier[-1].epoch


def lineage_section(trials: Sequence[TrialRecord], winner: TrialRecord | None) -> PageSection:
    """Return the part of the report on a population; empty where no trial has copied another."""
    title = "Who copied whom"
    copies = sum(len(one.copies) for one in trials)
    if not copies:
        return PageSection(title)
    found = [] if winner is None else ancestry(trials, winner.trial.index)
    schedule = [] if winner is None else schedule_of(winner.trial.configuration)
    text = [
        "Of a trial that copied another, the best epoch since then counts, and the values in other "
        "parts of this report are those that it ends with."
    ]
    if winner is not None:
        text.append(_winner_words(winner, found, bool(schedule)))
    return PageSection(title, text, [_panel(trials, found, copies)], table=_table(schedule, found))


def _winner_words(winner: TrialRecord, found: Sequence[Stretch], has_schedule: bool) -> str:
    index = winner.trial.index
    if not has_schedule:
        return f"Trial {index} copied no other: it has its initial values."
    way = ", ".join(f"trial {trial} up to epoch {until}" for trial, _, until in found)
    return (
        f"The net of trial {index} was trained by {way}. The table has the values by epoch; a "
        f"final repeats them all, from new weights."
    )


def _panel(trials: Sequence[TrialRecord], found: Sequence[Stretch], copies: int) -> Panel:
    lanes = _lines([(one.trial.index, 0, one.epochs) for one in trials], _QUIET, 1, "each trial")
    way = _lines(found, INK, 4, "the way of the best")
    arrows = [
        {
            "x": copy.epoch, "y": one.trial.index, "ax": copy.epoch, "ay": copy.source,
            "xref": "x", "yref": "y", "axref": "x", "ayref": "y", "text": "",
            "showarrow": True, "arrowhead": 2, "arrowwidth": 1.5,
            "arrowcolor": _colour(found, one, copy.epoch),
        }
        for one in trials for copy in one.copies
    ]  # fmt: skip
    made = figure([lanes, *([way] if found else [])], "epoch", "trial", annotations=arrows)
    made.update_xaxes(**whole_axis(0, max(one.epochs for one in trials)))
    made.update_yaxes(**whole_axis(0, len(trials)))
    caption = (
        f"Each trial from left to right; an arrow leads from the trial that was copied to the one "
        f"that went on as its copy (n = {copies} copies among {len(trials)} trials)."
    )
    return Panel("Lineage", caption, made, is_wide=True)


def _lines(stretches: Sequence[Stretch], colour: str, width: int, name: str) -> Any:
    """Return horizontal lines as one trace; a gap ends each."""
    x = itertools.chain.from_iterable([after, until, None] for _, after, until in stretches)
    y = itertools.chain.from_iterable([trial, trial, None] for trial, _, _ in stretches)
    line = {"color": colour, "width": width}
    return go.Scatter(x=list(x), y=list(y), mode="lines", name=name, line=line)


def _colour(found: Sequence[Stretch], trial: TrialRecord, epoch: int) -> str:
    is_on_the_way = any(at == trial.trial.index and after == epoch for at, after, _ in found)
    return INK if is_on_the_way else _QUIET


def _table(
    schedule: Sequence[tuple[int, dict[str, Any]]], found: Sequence[Stretch]
) -> PageTable | None:
    if not schedule:
        return None
    by_start = {after + 1: trial for trial, after, _ in found}
    rows = [[epoch, by_start.get(epoch, ""), *values.values()] for epoch, values in schedule]
    return PageTable(["from epoch", "trained by trial", *schedule[0][1]], rows)
