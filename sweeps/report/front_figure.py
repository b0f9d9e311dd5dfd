"""Figures of several objectives: the first against each other one, with the front of the two."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from sweeps.findings.pareto import front, front_sentence, front_trials
from sweeps.models.scoring.objective import Objective
from sweeps.record.sweep_record import SweepRecord, TrialRecord
from sweeps.report.page import PageSection, Panel
from sweeps.report.style import BLUE, INK, figure, log_if_wide, outcome_marker, points, rounded

__all__ = ["front_columns", "front_section"]


def front_section(record: SweepRecord) -> PageSection:
    """Return the section of several objectives; an empty one where there is one."""
    title = "Several objectives"
    ranked, others = record.ranked(), record.objective.others
    if not others or not ranked:
        return PageSection(title)
    first = record.objective.all[0]
    ranks = f"Trials are ranked, stopped and chosen by {first.metric} alone."
    panels = [_panel(record, ranked, first, other) for other in others]
    return PageSection(title, [f"{front_sentence(record)} {ranks}"], panels)


def front_columns(record: SweepRecord, trials: Sequence[TrialRecord]) -> dict[str, list[Any]]:
    """Return what a table has of the other objectives: by name, a cell a trial."""
    others, on = record.objective.others, front_trials(record)
    columns: dict[str, list[Any]] = {
        other.metric: rounded([one.value_of(other) for one in trials]) for other in others
    }
    front = {"front": ["yes" if one.trial.index in on else "" for one in trials]}
    return {**columns, **front} if others else {}


def _panel(
    record: SweepRecord, trials: list[TrialRecord], first: Objective, other: Objective
) -> Panel:
    """Return the first objective against another one; `trials` are those with a result."""
    x = np.array([one.value_of(other) for one in trials])
    y = np.array([one.value_of(first) for one in trials])
    pair = front(list(zip(x, y, strict=True)), [other.sign, first.sign])
    whole = front_trials(record)
    on = np.array([one.trial.index in whole for one in trials])
    traces = [
        _trials(trials, x, y, ~on, "not on the front", **outcome_marker("")),
        _trials(trials, x, y, on, "on the front", color=BLUE, symbol="circle"),
        _edge(x[pair], y[pair], other),
    ]
    made = figure(traces, other.metric, first.metric, **log_if_wide([x], "xaxis"))
    without = int(np.isnan(x).sum())
    missing = f" {without} without a value of {other.metric} are not drawn." if without else ""
    of_all = " of all objectives" if len(record.objective.others) > 1 else ""
    caption = (
        f"{first.metric} ({first.mode}) and {other.metric} ({other.mode}) of the "
        f"{len(trials) - without} trials with a result, each at its best epoch: filled circles for "
        f"those on the front{of_all}; the line is the front of these two.{missing}"
    )
    return Panel(f"{first.metric} and {other.metric}", caption, made)


def _trials(trials: list[TrialRecord], x: Any, y: Any, shown: Any, name: str, **marker: str) -> Any:
    """Return those of the trials that are shown as points of one name."""
    return points(
        x[shown], y[shown], name=f"{name}, n = {int((shown & np.isfinite(x)).sum())}",
        marker={**marker, "size": 8, "opacity": 0.75},
        text=[f"trial {trials[at].trial.index}" for at in np.flatnonzero(shown)],
    )  # fmt: skip


def _edge(x: Any, y: Any, other: Objective) -> Any:
    """Return the border of what was reached: a step at each trial of the front."""
    order = np.argsort(x, kind="stable")
    return go.Scatter(
        x=rounded(x[order]), y=rounded(y[order]), mode="lines", name="front",
        line={"color": INK, "width": 2, "shape": "hv" if other.mode == "min" else "vh"},
    )  # fmt: skip
