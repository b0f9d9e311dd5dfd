"""Figures of the parameters: all of them together, and each by itself."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from sweeps.analysis.evidence import Dimension, Evidence
from sweeps.report.marks import bars, marks_beyond
from sweeps.report.page import Panel
from sweeps.report.style import (
    BLUE,
    briefly,
    figure,
    log_axis,
    points,
    rounded,
    short,
    whole_axis,
)
from sweeps.report.value_axis import ValueAxis, value_axis

__all__ = ["parallel_coordinates", "slices"]

_MOST_AXES = 12
# Narrower, the names of neighbouring axes run into one another; the page scrolls instead.
_AXIS_WIDTH_PX = 95
_MOST_LINES = 2000
# Letters that have room beside an axis, and below it.
_MOST_OF_OPTION, _MOST_OF_NAME = 14, 24
# By how much the names of axes are tilted, and how wide a letter of them is.
_TILT, _LETTER_PX = math.radians(25), 7.0
# Of more, the best are told from all others, which would hide them in colours of their own.
_MOST_COLOURED = 200
_BEST_COLOURED = 50
_MOST_SLICED = 1500
_BY_RANK = [[0, "#E69F00"], [0.5, "#56B4E9"], [1, BLUE]]
_BEST_OF_MANY = [[0, "#DDDDDD"], [0.499, "#DDDDDD"], [0.5, "#56B4E9"], [1, BLUE]]


def parallel_coordinates(evidence: Evidence, names: Sequence[str]) -> Panel | None:
    """One line a trial through its parameters; `names` says which come first."""
    axis, has = value_axis(evidence), np.flatnonzero(np.isfinite(evidence.values))
    varied = [one for one in evidence.dimensions if one.is_varied(has)]
    varied.sort(key=lambda one: names.index(one.name) if one.name in names else len(names))
    if axis is None or not varied or len(has) < 2:
        return None
    shown = has[np.argsort(evidence.losses[has], kind="stable")[:_MOST_LINES]]
    labels = _labels([one.name for one in varied[:_MOST_AXES]])
    axes = [
        _axis(one, label, shown) for one, label in zip(varied[:_MOST_AXES], labels, strict=True)
    ]
    colours, scale, legend = _colours(len(shown))
    lines = go.Parcoords(
        dimensions=[*axes, _objective_axis(evidence, axis, shown)],
        line={"color": rounded(colours), "colorscale": scale, "cmin": 0, "cmax": 1},
        labelangle=-math.degrees(_TILT), labelside="bottom", labelfont={"size": 12},
    )  # fmt: skip
    made = figure([lines], "", "", height=430, margin=_margin([*labels, evidence.objective.metric]))
    rest = "" if len(varied) <= _MOST_AXES else f", the {_MOST_AXES} most important shown"
    best = "" if len(shown) == len(has) else f" (the best {len(shown)} of {len(has)})"
    lost = len(evidence.trials) - len(has)
    were_varied = (
        "1 parameter was varied" if len(varied) == 1 else f"{len(varied)} parameters were varied"
    )
    without = f" {lost} without a result are not drawn." if lost else ""
    caption = (
        f"Each line is a trial{best}, {legend} (n = {len(shown)}); drag along an axis to pick out "
        f"trials. {were_varied}{rest}; a dash means that a trial does not have the "
        f"parameter.{without}"
    )
    width_px = _AXIS_WIDTH_PX * (len(axes) + 1)
    return Panel("Parameters together", caption, made, is_wide=True, min_width_px=width_px)


def _margin(labels: Sequence[str]) -> dict[str, float]:
    """Return the room that tilted names need around the figure: each is centred below its axis."""
    half_px = 0.5 * _LETTER_PX * max(map(len, labels))
    aside, below = half_px * math.cos(_TILT), half_px * math.sin(_TILT)
    return {"l": max(90, aside + 15), "r": max(50, aside + 15), "t": 30, "b": 60 + below}


def _colours(count: int) -> tuple[Any, list[list[Any]], str]:
    """Return each rank's colour from 0 to 1, the scale, and the words for it.

    Plotly draws lines of a high colour over those of a low one: the best have the highest.
    """
    ranks = np.arange(count)
    if count <= _MOST_COLOURED:
        legend = "blue for the best and orange for the worst by rank"
        return 1 - ranks / max(1, count - 1), _BY_RANK, legend
    best = 1 - 0.5 * ranks / _BEST_COLOURED
    colours = np.where(ranks < _BEST_COLOURED, best, 0.25)
    return colours, _BEST_OF_MANY, f"blue for the best {_BEST_COLOURED} and grey for all others"


def _labels(names: Sequence[str]) -> list[str]:
    """Return the last part of each dotted name where that is enough to tell it from the others."""
    keys = [name.partition(" ") for name in names]
    brief = [key.rpartition(".")[2] + blank + options for key, blank, options in keys]
    told = [one if brief.count(one) == 1 else name for one, name in zip(brief, names, strict=True)]
    return briefly(told, _MOST_OF_NAME)


def _objective_axis(evidence: Evidence, axis: ValueAxis, shown: Any) -> dict[str, Any]:
    """The objective's axis; what is worse than it goes lies at its end."""
    values = np.clip(evidence.values[shown], *axis.ends)
    scaled = np.log10(values) if axis.is_log else values
    return {
        "label": evidence.objective.metric, "values": rounded(scaled),
        **_marks(axis.low, axis.high, axis.is_log, 5), "range": [axis.low, axis.high],
    }  # fmt: skip


def _marks(low: float, high: float, is_log: bool, count: int) -> dict[str, list[Any]]:
    """Return marks from end to end; on logarithms of some decades at the powers of ten."""
    marks = [float(mark) for mark in np.linspace(low, high, count)]
    if is_log and high - low >= 2:
        step = math.ceil((high - low) / 8)
        between = np.arange(math.ceil(low), high, step)
        marks = [low, *(float(one) for one in between if min(one - low, high - one) > 0.3), high]
    return {"tickvals": marks, "ticktext": [short(10**one if is_log else one) for one in marks]}


def _whole_marks(one: Dimension) -> dict[str, list[Any]]:
    between = np.geomspace if one.log else np.linspace
    whole = sorted({round(mark) for mark in between(one.low, one.high, 5)})
    places = [math.log10(mark) if one.log else mark for mark in whole]
    return {"tickvals": places, "ticktext": [str(mark) for mark in whole]}


def _axis(one: Dimension, label: str, shown: Any) -> dict[str, Any]:
    """One axis; what has no number lies below it, at the mark of a dash."""
    values, low, high = one.values[shown], one.low, one.high
    marks: dict[str, list[Any]]
    if one.kind == "choice":
        options = briefly(one.options, _MOST_OF_OPTION)
        marks = {"tickvals": list(range(len(options))), "ticktext": options}
    else:
        if one.log:
            values, low, high = np.log10(values), math.log10(low), math.log10(high)
        marks = _whole_marks(one) if one.kind == "int" else _marks(low, high, one.log, 5)
    absent = ~np.isfinite(values)
    if absent.any():
        below = low - 0.15 * max(high - low, 1.0)
        values, low = np.where(absent, below, values), below
        marks = {
            "tickvals": [below, *marks["tickvals"]], "ticktext": ["-", *marks["ticktext"]],
        }  # fmt: skip
    return {"label": label, "values": rounded(values), **marks, "range": [low, high]}


def slices(evidence: Evidence, alarms: Mapping[str, str]) -> list[Panel]:
    """The objective against each parameter that was varied."""
    axis, has = value_axis(evidence), np.isfinite(evidence.values)
    if axis is None:
        return []
    return [
        _slice(evidence, axis, one, alarms.get(one.name, ""))
        for one in evidence.dimensions
        if one.is_varied(np.flatnonzero(has))
    ]


def _sample(own: Any, evidence: Evidence) -> Any:
    """Return at most so many trials as a page can show often: the best third, and a draw."""
    if len(own) <= _MOST_SLICED:
        return own
    ranked = own[np.argsort(evidence.losses[own], kind="stable")]
    kept = _MOST_SLICED // 3
    rest = np.random.default_rng(0).permutation(ranked[kept:])[: _MOST_SLICED - kept]
    return np.sort(np.concatenate([ranked[:kept], rest]))


def _slice(evidence: Evidence, axis: ValueAxis, one: Dimension, warned: str) -> Panel:
    has = np.flatnonzero(np.isfinite(evidence.values) & np.isfinite(one.values))
    own = _sample(has, evidence)
    metric, x = evidence.objective.metric, _places(one)
    inside = own[~axis.is_beyond(evidence.values[own])]
    traces = _boxes(evidence, one, inside) if one.kind == "choice" else []
    if one.kind != "choice":
        traces = [
            points(
                x[inside], evidence.values[inside],
                marker={"color": BLUE, "size": 6, "opacity": 0.6},
                text=[f"trial {at}" for at in inside], **bars(evidence, inside),
            )
        ]  # fmt: skip
    beyond, words = marks_beyond(evidence, axis, x)
    made = figure(
        [*traces, *beyond], one.name, metric, height=300, showlegend=False, **axis.layout()
    )
    made.update_xaxes(**_parameter_axis(one))
    of_all = " of more: the best, and others at random" if len(own) < len(has) else ""
    caption = f"{metric} against {one.name} (n = {len(own)}{of_all}).{words}" + (
        f" {warned} (Binomial test at the 1 % level.)" if warned else ""
    )
    return Panel(one.name, caption, made, is_alarm=bool(warned))


def _places(one: Dimension) -> Any:
    """Return (trials,) values, or the options' names; an empty one where there is none."""
    if one.kind != "choice":
        return one.values
    found = [one.options[int(at)] if np.isfinite(at) else "" for at in one.values]
    return np.array(found, dtype=str)


def _boxes(evidence: Evidence, one: Dimension, shown: Any) -> list[Any]:
    """Return a box an option with its trials; each has its name as x, never as a number."""
    made = []
    for at, option in enumerate(one.options):
        own = shown[one.values[shown] == at]
        made.append(
            go.Box(
                x=[option] * len(own), y=rounded(evidence.values[own]), name=option,
                boxpoints="all", jitter=0.4, pointpos=0, text=[f"trial {at}" for at in own],
                marker={"color": BLUE, "size": 5, "opacity": 0.6}, line={"width": 1},
            )
        )  # fmt: skip
    return made


def _parameter_axis(one: Dimension) -> dict[str, Any]:
    if one.kind == "choice":
        return {
            "type": "category", "categoryorder": "array", "categoryarray": list(one.options),
        }  # fmt: skip
    if one.kind == "int" and one.log:
        marks = sorted({round(mark) for mark in np.geomspace(one.low, one.high, 7)})
        return {"type": "log", "tickvals": marks, "ticktext": [str(mark) for mark in marks]}
    if one.log:
        return log_axis(one.low, one.high)
    return whole_axis(one.low, one.high) if one.kind == "int" else {}
