"""Figures of the trials themselves: curves, history, parameters."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from sweeps.analysis.evidence import Dimension, Evidence
from sweeps.report.page import Panel
from sweeps.report.style import (
    INK,
    figure,
    log_axis,
    log_if_wide,
    outcome_colour,
    points,
    rounded,
    translucent,
)

__all__ = ["history_panels", "learning_curves", "parallel_coordinates", "slices"]

_FEWEST_FOR_BAND = 3
_MOST_AXES = 12
# Narrower, the names of neighbouring axes run into one another; the page scrolls instead.
_AXIS_WIDTH_PX = 95
_MOST_LINES = 2000
_MOST_SLICED = 1500


def learning_curves(evidence: Evidence) -> Panel | None:
    """Median and quartiles of the objective by epoch and outcome, the best trial in front."""
    metric, traces, counts = evidence.goal.metric, [], []
    for outcome in dict.fromkeys(str(trial.outcome) for trial in evidence.trials):
        curves = [
            curve[metric]
            for curve, trial in zip(evidence.curves, evidence.trials, strict=True)
            if str(trial.outcome) == outcome and curve and np.isfinite(curve[metric]).any()
        ]
        if curves:
            counts.append(f"{len(curves)} {_word(outcome)}")
            traces += _band(_word(outcome), outcome_colour(outcome), curves)
    best = _best(evidence)
    if best is None:
        return None
    curve = evidence.curves[best]
    label = f"best: trial {best}"
    traces.append(
        go.Scatter(
            x=rounded(curve["epoch"]), y=rounded(curve[metric]), mode="lines", name=label,
            line={"color": INK, "width": 3},
        )
    )  # fmt: skip
    shown = [one[metric] for one in evidence.curves if one]
    made = figure(traces, "epoch", metric, **log_if_wide(shown))
    caption = (
        f"{metric} by epoch: the median of the trials with each outcome that reached the epoch, "
        f"and the band of their middle half (n = {', '.join(counts)}); in black the best, "
        f"trial {best}."
    )
    return Panel("Learning curves", caption, made)


def _band(name: str, colour: str, curves: Sequence[Any]) -> list[Any]:
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
        line={"color": colour, "width": 2}, legendgroup=name,
    )  # fmt: skip
    if len(curves) < _FEWEST_FOR_BAND:
        return [line]
    band = go.Scatter(
        x=[*epochs, *reversed(epochs)], y=[*rounded(high), *reversed(rounded(low))], mode="lines",
        fill="toself",
        fillcolor=translucent(colour, 0.18), line={"width": 0}, hoverinfo="skip",
        showlegend=False, legendgroup=name,
    )  # fmt: skip
    return [band, line]


def history_panels(evidence: Evidence) -> list[Panel]:
    """The objective of each trial by its number and by the clock, with the best so far."""
    has = np.flatnonzero(np.isfinite(evidence.values))
    if not len(has):
        return []
    trials = [evidence.trials[int(at)] for at in has]
    ended = np.array([trial.ended_at or math.nan for trial in trials])
    starts = [trial.started_at for trial in evidence.trials if trial.started_at]
    minutes = (ended - min(starts)) / 60 if starts else ended
    metric = evidence.goal.metric
    by_trial = Panel(
        "By trial",
        f"{metric} of the {len(has)} trials with a result, in the order of the plan; the line "
        f"is the best so far.",
        _history(evidence, has, has.astype(float), "trial"),
    )
    if np.isnan(minutes).all():  # interrupted before any of them had ended
        return [by_trial]
    unit, clock = ("minutes", minutes) if np.nanmax(minutes) > 3 else ("seconds", 60 * minutes)
    return [
        by_trial,
        Panel(
            "By the clock",
            f"The same {len(has)} trials by when they ended, in {unit} from the first start.",
            _history(evidence, has, clock, f"{unit} since the start"),
        ),
    ]


def _history(evidence: Evidence, has: Any, x: Any, title: str) -> go.Figure:
    traces: list[Any] = []
    outcomes = np.array([str(evidence.trials[at].outcome) for at in has])
    for outcome in dict.fromkeys(outcomes):
        own = outcomes == outcome
        traces.append(
            points(
                x[own], evidence.values[has[own]],
                name=f"{_word(outcome)}, n = {int(own.sum())}",
                marker={"color": outcome_colour(outcome), "size": 7, "opacity": 0.75},
                text=[f"trial {at}" for at in has[own]],
            )
        )  # fmt: skip
    by_time = np.argsort(x, kind="stable")
    losses = np.minimum.accumulate(evidence.losses[has][by_time])
    best = losses if evidence.goal.mode == "min" else -losses
    traces.append(
        go.Scatter(
            x=rounded(x[by_time]), y=rounded(best), mode="lines", name="best so far",
            line={"color": INK, "width": 2, "shape": "hv"},
        )
    )  # fmt: skip
    metric = evidence.goal.metric
    return figure(traces, title, metric, **log_if_wide([evidence.values[has]]))


def parallel_coordinates(evidence: Evidence, names: Sequence[str]) -> Panel | None:
    """One line a trial through its parameters; `names` says which come first."""
    has = np.flatnonzero(np.isfinite(evidence.values))
    varied = [one for one in evidence.dimensions if one.is_varied(has)]
    varied.sort(key=lambda one: names.index(one.name) if one.name in names else len(names))
    if not varied or len(has) < 2:
        return None
    shown = has[np.argsort(evidence.losses[has], kind="stable")[:_MOST_LINES]]
    labels = _labels([one.name for one in varied[:_MOST_AXES]])
    axes = [
        _axis(one, label, shown) for one, label in zip(varied[:_MOST_AXES], labels, strict=True)
    ]
    goal = _goal_axis(evidence, shown)
    ranks = np.argsort(np.argsort(evidence.losses[shown])) / max(1, len(shown) - 1)
    lines = go.Parcoords(
        dimensions=[*axes, goal],
        line={
            "color": rounded(ranks),
            "colorscale": [[0, "#0072B2"], [0.5, "#56B4E9"], [1, "#E69F00"]],
        },
        labelangle=-25, labelside="bottom", labelfont={"size": 12},
    )  # fmt: skip
    made = figure([lines], "", "", height=430, margin={"l": 90, "r": 50, "t": 30, "b": 100})
    rest = "" if len(varied) <= _MOST_AXES else f", the {_MOST_AXES} most important shown"
    best = "" if len(shown) == len(has) else f" (the best {len(shown)} of {len(has)})"
    caption = (
        f"Each line is a trial{best}, blue for the best and orange for the worst by rank "
        f"(n = {len(shown)}); drag along an axis to pick out trials. {len(varied)} parameters "
        f"were varied{rest}; a dash stands where a trial does not have the parameter."
    )
    width_px = _AXIS_WIDTH_PX * (len(axes) + 1)
    return Panel("Parameters together", caption, made, is_wide=True, min_width_px=width_px)


def _labels(names: Sequence[str]) -> list[str]:
    """Return the last part of each dotted name where that is enough to tell it from the others."""
    keys = [name.partition(" ") for name in names]
    short = [key.rpartition(".")[2] + blank + options for key, blank, options in keys]
    return [one if short.count(one) == 1 else name for one, name in zip(short, names, strict=True)]


def _goal_axis(evidence: Evidence, shown: Any) -> dict[str, Any]:
    """The objective's axis, logarithmic where its values are far apart."""
    values = evidence.values[shown]
    is_log = bool(log_if_wide([values]))
    scaled = np.log10(values) if is_log else values
    marks = [float(mark) for mark in np.linspace(scaled.min(), scaled.max(), 5)]
    return {
        "label": evidence.goal.metric, "values": rounded(scaled), "tickvals": marks,
        "ticktext": [_mark(mark, is_log) for mark in marks],
    }  # fmt: skip


def _mark(mark: float, is_log: bool) -> str:
    return f"{10**mark if is_log else mark:.3g}"


def _axis(one: Dimension, label: str, shown: Any) -> dict[str, Any]:
    """One axis; what has no number lies below it, at the mark of a dash."""
    values = one.values[shown]
    if one.kind == "choice":
        marks = [float(at) for at in range(len(one.options))]
        texts, low, high = list(one.options), 0.0, float(len(one.options) - 1)
    else:
        low, high = one.low, one.high
        if one.log:
            values, low, high = np.log10(values), math.log10(low), math.log10(high)
        marks = [float(mark) for mark in np.linspace(low, high, 5)]
        if one.kind == "int" and not one.log:
            marks = sorted({float(round(mark)) for mark in marks})
        texts = [_mark(mark, one.log) for mark in marks]
    absent = ~np.isfinite(values)
    if absent.any():
        below = low - 0.15 * max(high - low, 1.0)
        values = np.where(absent, below, values)
        marks, texts, low = [below, *marks], ["-", *texts], below
    return {
        "label": label, "values": rounded(values), "tickvals": marks, "ticktext": texts,
        "range": [low, high],
    }  # fmt: skip


def slices(evidence: Evidence, alarms: Mapping[str, str]) -> list[Panel]:
    """The objective against each parameter that was varied."""
    has = np.isfinite(evidence.values)
    panels = []
    for one in evidence.dimensions:
        own = _sample(np.flatnonzero(has & np.isfinite(one.values)), evidence)
        if len({*one.values[own].tolist()}) > 1:
            panels.append(_slice(evidence, one, own, alarms))
    return panels


def _sample(own: Any, evidence: Evidence) -> Any:
    """Return at most so many trials as a page can show often: the best third, and a draw."""
    if len(own) <= _MOST_SLICED:
        return own
    ranked = own[np.argsort(evidence.losses[own], kind="stable")]
    kept = _MOST_SLICED // 3
    rest = np.random.default_rng(0).permutation(ranked[kept:])[: _MOST_SLICED - kept]
    return np.sort(np.concatenate([ranked[:kept], rest]))


def _slice(evidence: Evidence, one: Dimension, own: Any, alarms: Mapping[str, str]) -> Panel:
    metric = evidence.goal.metric
    common = {"height": 300, "showlegend": False, **log_if_wide([evidence.values[own]])}
    if one.kind == "choice":
        traces = [
            go.Box(
                y=rounded(evidence.values[own][one.values[own] == at]), name=option,
                boxpoints="all" if len(own) <= _MOST_LINES else False, jitter=0.4, pointpos=0,
                marker={"color": "#0072B2", "size": 5, "opacity": 0.6}, line={"width": 1},
            )
            for at, option in enumerate(one.options)
        ]  # fmt: skip
        made = figure(traces, one.name, metric, **common)
    else:
        dots = points(
            one.values[own], evidence.values[own],
            marker={"color": "#0072B2", "size": 6, "opacity": 0.6},
            text=[f"trial {at}" for at in own],
        )  # fmt: skip
        made = figure([dots], one.name, metric, **common)
        if one.log:
            made.update_xaxes(**log_axis(one.low, one.high))
    warned = alarms.get(one.name, "")
    of_all = " of more: the best, and others at random" if len(own) == _MOST_SLICED else ""
    caption = f"{metric} against {one.name} (n = {len(own)}{of_all})." + (
        f" {warned}" if warned else ""
    )
    return Panel(one.name, caption, made, is_alarm=bool(warned))


def _best(evidence: Evidence) -> int | None:
    has = np.isfinite(evidence.losses)
    return int(np.nanargmin(np.where(has, evidence.losses, np.nan))) if has.any() else None


def _word(outcome: str) -> str:
    return "unfinished" if outcome == "None" else outcome.replace("_", " ")
