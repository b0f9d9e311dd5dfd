"""Figures of the trials in time: their learning curves, and the best so far."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from sweeps.analysis.evidence import Evidence
from sweeps.report.marks import bars, marks_beyond
from sweeps.report.page import Panel
from sweeps.report.style import (
    INK,
    figure,
    outcome_colour,
    outcome_line,
    outcome_marker,
    points,
    rounded,
    translucent,
    whole_axis,
)
from sweeps.report.value_axis import ValueAxis, axis_of, value_axis

__all__ = ["history_panels", "learning_curves"]

# Up to this many curves can be followed one by one.
_MOST_SINGLE = 20
_FEWEST_FOR_BAND = 3


def learning_curves(evidence: Evidence, best: int | None) -> Panel | None:
    """The objective by epoch, the best trial in front: each curve, or of many their quartiles.

    Args:
        best: The trial that is ranked first, of several with one value; None where none is.
    """
    metric = evidence.objective.metric
    shown = {
        at: curve
        for at, curve in enumerate(evidence.curves)
        if curve and np.isfinite(curve[metric]).any()
    }
    if best is None:
        return None
    is_single = len(shown) <= _MOST_SINGLE
    traces, counts = _single(evidence, shown) if is_single else _bands(evidence, shown)
    curve = evidence.curves[best]
    traces.append(
        go.Scatter(
            x=rounded(curve["epoch"]), y=rounded(curve[metric]), mode="lines",
            name=f"best: trial {best}", line={"color": INK, "width": 3},
        )
    )  # fmt: skip
    made = figure(traces, "epoch", metric, **_curves_axis(evidence, traces).layout())
    made.update_xaxes(**whole_axis(1, max(len(one[metric]) for one in shown.values())))
    what = (
        "of every trial"
        if is_single
        else "of the trials with each outcome that reached the epoch: their median, and the band "
        "of their middle half"
    )
    caption = f"{metric} by epoch {what} (n = {counts}); the thick line is the best, trial {best}."
    return Panel("Learning curves", caption, made)


def _curves_axis(evidence: Evidence, traces: Sequence[Any]) -> ValueAxis:
    """Return the axis for what is drawn, the best last; diverged trials count where all are."""
    *others, best = traces
    ended = [one for one in others if one.legendgroup != "diverged"] or others
    values = np.concatenate([np.array(one.y, dtype=float) for one in (*ended, best)])
    found = axis_of(values, evidence.objective)
    assert found is not None
    return found


def _single(evidence: Evidence, shown: dict[int, Any]) -> tuple[list[Any], str]:
    metric, traces, seen = evidence.objective.metric, [], dict[str, int]()
    for at, curve in shown.items():
        outcome = str(evidence.trials[at].outcome)
        seen[outcome] = seen.get(outcome, 0) + 1
        traces.append(
            go.Scatter(
                x=rounded(curve["epoch"]), y=rounded(curve[metric]), mode="lines",
                name=_word(outcome), legendgroup=outcome, showlegend=seen[outcome] == 1,
                line={**outcome_line(outcome, 0.6), "width": 1.5},
                text=[f"trial {at}"] * len(curve["epoch"]),
            )
        )  # fmt: skip
    return traces, ", ".join(f"{number} {_word(name)}" for name, number in seen.items())


def _bands(evidence: Evidence, shown: dict[int, Any]) -> tuple[list[Any], str]:
    metric, traces, counts = evidence.objective.metric, [], []
    for outcome in dict.fromkeys(str(evidence.trials[at].outcome) for at in shown):
        curves = [
            curve[metric]
            for at, curve in shown.items()
            if str(evidence.trials[at].outcome) == outcome
        ]
        counts.append(f"{len(curves)} {_word(outcome)}")
        traces += _band(outcome, curves)
    return traces, ", ".join(counts)


def _band(outcome: str, curves: Sequence[Any]) -> list[Any]:
    name = _word(outcome)
    length = max(len(curve) for curve in curves)
    padded = np.full((len(curves), length), np.nan)
    for row, curve in zip(padded, curves, strict=True):
        row[: len(curve)] = np.where(np.isfinite(curve), curve, np.nan)
    reached = np.isfinite(padded).sum(axis=0)
    shown = np.flatnonzero(reached > 0)
    low, middle, high = np.nanpercentile(padded[:, shown], [25, 50, 75], axis=0)
    epochs = rounded(shown + 1)
    line = go.Scatter(
        x=epochs, y=rounded(middle), mode="lines", name=f"{name}, n = {len(curves)}",
        line={**outcome_line(outcome), "width": 2}, legendgroup=name,
    )  # fmt: skip
    if len(curves) < _FEWEST_FOR_BAND:
        return [line]
    band = go.Scatter(
        x=[*epochs, *reversed(epochs)], y=[*rounded(high), *reversed(rounded(low))], mode="lines",
        fill="toself",
        fillcolor=translucent(outcome_colour(outcome), 0.18), line={"width": 0}, hoverinfo="skip",
        showlegend=False, legendgroup=name,
    )  # fmt: skip
    return [band, line]


def history_panels(evidence: Evidence) -> list[Panel]:
    """The objective of each trial by its number and by the clock, with the best so far."""
    axis = value_axis(evidence)
    if axis is None:
        return []
    has = np.isfinite(evidence.values)
    worked_s = [math.nan if one.worked_s is None else one.worked_s for one in evidence.trials]
    minutes = np.array(worked_s) / 60
    metric, number = evidence.objective.metric, int(has.sum())
    numbers = np.arange(len(has), dtype=float)
    drawn, beyond = _history(evidence, axis, numbers, "trial")
    drawn.update_xaxes(**whole_axis(0, len(has) - 1))
    by_trial = Panel(
        "By trial",
        f"{metric} of the {number} trials with a result, in the order of the plan; the line "
        f"is the best so far.{beyond}",
        drawn,
    )
    if np.isnan(minutes[has]).all():  # interrupted before any of them had ended
        return [by_trial]
    unit, clock = ("minutes", minutes) if np.nanmax(minutes) > 3 else ("seconds", 60 * minutes)
    return [
        by_trial,
        Panel(
            "By the clock",
            f"The same {number} trials by the time at which they ended, in {unit} of work: time "
            f"between sessions does not count.",
            _history(evidence, axis, clock, f"{unit} of work")[0],
        ),
    ]


def _history(evidence: Evidence, axis: ValueAxis, x: Any, title: str) -> tuple[go.Figure, str]:
    """Return the figure, and what its marks at the edge are, in words."""
    traces: list[Any] = []
    has = np.flatnonzero(np.isfinite(evidence.values) & np.isfinite(x))
    inside = has[~axis.is_beyond(evidence.values[has])]
    outcomes = np.array([str(evidence.trials[at].outcome) for at in inside], dtype=str)
    for outcome in dict.fromkeys(outcomes.tolist()):
        own = inside[outcomes == outcome]
        traces.append(
            points(
                x[own], evidence.values[own],
                name=f"{_word(outcome)}, n = {len(own)}",
                marker={**outcome_marker(outcome), "size": 7, "opacity": 0.75},
                text=[f"trial {at}" for at in own], **bars(evidence, own),
            )
        )  # fmt: skip
    beyond, words = marks_beyond(evidence, axis, x)
    by_time = has[np.argsort(x[has], kind="stable")]
    losses = np.minimum.accumulate(evidence.losses[by_time])
    best = losses if evidence.objective.mode == "min" else -losses
    traces += beyond
    traces.append(
        go.Scatter(
            x=rounded(x[by_time]), y=rounded(best), mode="lines", name="best so far",
            line={"color": INK, "width": 2, "shape": "hv"},
        )
    )  # fmt: skip
    return figure(traces, title, evidence.objective.metric, **axis.layout()), words


def _word(outcome: str) -> str:
    return "unfinished" if outcome == "None" else outcome.replace("_", " ")
