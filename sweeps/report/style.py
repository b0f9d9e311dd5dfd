"""Colours, and what all figures have in common."""

from __future__ import annotations

import html
import json
import math
import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

__all__ = [
    "ACCENT",
    "BLUE",
    "INK",
    "LOST",
    "OUTCOME_COLOURS",
    "OUTCOME_SYMBOLS",
    "briefly",
    "figure",
    "log_axis",
    "log_if_wide",
    "outcome_colour",
    "outcome_line",
    "outcome_marker",
    "plain",
    "points",
    "rounded",
    "short",
    "translucent",
    "whole_axis",
]

# Okabe and Ito's palette, which people with any colour vision tell apart.
INK, BLUE, ACCENT = "#000000", "#0072B2", "#E69F00"
OUTCOME_COLOURS = {
    "completed": "#009E73",
    "pruned": "#56B4E9",
    "early_stopped": BLUE,
    "diverged": "#D55E00",
    "failed": "#CC79A7",
    "stopped_by_hand": "#8C6D31",
    "rejected": "#999999",
}
# Beside its colour an outcome has a shape, for those who tell few colours apart; the live page has
# the same (theme.js). Others are circles, and only trials without a value are crosses.
OUTCOME_SYMBOLS = {
    "completed": "circle",
    "pruned": "triangle-down",
    "early_stopped": "square",
    "diverged": "diamond",
    "failed": "hexagon",
    "stopped_by_hand": "triangle-up",
}
_OUTCOME_DASHES = {
    "completed": "solid",
    "pruned": "dot",
    "early_stopped": "dash",
    "diverged": "dashdot",
    "failed": "longdash",
    "stopped_by_hand": "longdashdot",
}
# Trials that have no place on the objective's axis.
LOST = "#CC3311"
_OTHER = "#666666"
_DIGITS = 6
_MOST_SVG = 1500
# The ratio of largest to smallest from which a logarithmic axis is easier to read.
_WIDE = 20
# Up to so many decades there is room for marks at 2 and 5 between the powers of ten.
_MOST_DECADES = 2.5
_MOST_DIGITS = 6
# Up to so many whole numbers have a mark each.
_MOST_MARKS = 10


def outcome_colour(outcome: str) -> str:
    """Return an outcome's colour, grey where a trial has none yet."""
    return OUTCOME_COLOURS.get(outcome, _OTHER)


def outcome_marker(outcome: str) -> dict[str, Any]:
    """Return the colour and shape of an outcome's points."""
    return {
        "color": outcome_colour(outcome), "symbol": OUTCOME_SYMBOLS.get(outcome, "circle-open"),
    }  # fmt: skip


def outcome_line(outcome: str, opacity: float = 1.0) -> dict[str, Any]:
    """Return the colour and dashes of an outcome's curves."""
    colour = outcome_colour(outcome)
    shown = colour if opacity == 1 else translucent(colour, opacity)
    return {"color": shown, "dash": _OUTCOME_DASHES.get(outcome, "5px,5px")}


def translucent(colour: str, opacity: float) -> str:
    """Return `#rrggbb` as a CSS colour of this opacity."""
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity})"


def rounded(values: Any) -> list[float | None]:
    """Return numbers with six digits, which no eye tells from more; None for what is not finite."""
    found = np.asarray(values, dtype=float)
    return [float(f"{one:.{_DIGITS}g}") if np.isfinite(one) else None for one in found]


def short(value: float) -> str:
    """Return a number with three digits as briefly as it can be written: 1e-4, 0.056, 178."""
    return re.sub(r"e([+-])0*", lambda found: "e" + found[1].strip("+"), f"{value:.3g}")


def briefly(texts: Sequence[str], most: int) -> list[str]:
    """Return texts of at most so many letters, their middles left out; whole where two are one."""
    head = most // 2
    cut = [one if len(one) <= most else f"{one[:head]}…{one[head + 1 - most :]}" for one in texts]
    return [one if cut.count(one) == 1 else text for one, text in zip(cut, texts, strict=True)]


def points(x: Any, y: Any, **options: Any) -> Any:
    """Return points as SVG, or where they are many by WebGL, of which a browser shows few."""
    kind = go.Scatter if len(x) <= _MOST_SVG else go.Scattergl
    where = list(map(str, x)) if np.asarray(x).dtype.kind == "U" else rounded(x)
    return kind(x=where, y=rounded(y), mode="markers", **options)


def log_axis(low: float, high: float) -> dict[str, Any]:
    """Return a logarithmic axis for values in this range: every mark has its number in full."""
    decades = math.log10(high / low)
    if decades > _MOST_DECADES:
        return {"type": "log", "dtick": math.ceil(decades / 8)}
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    marks = [digit * 10**power for power in range(first, last + 1) for digit in range(1, 10)]
    is_few = sum(low <= mark <= high for mark in marks) <= _MOST_DIGITS
    # D1 marks every digit, D2 1, 2 and 5. Plotly writes `2` for 0.02 where no format is given.
    return {"type": "log", "dtick": "D1" if is_few else "D2", "tickformat": "~g"}


def whole_axis(low: float, high: float) -> dict[str, Any]:
    """Return a linear axis of whole numbers: no mark stands between two of them."""
    return {"dtick": 1} if high - low <= _MOST_MARKS else {}


def log_if_wide(values: Sequence[Any], axis: str = "yaxis") -> dict[str, Any]:
    """Return the layout of a logarithmic axis where positive values are far apart."""
    found = np.concatenate([np.asarray(one, dtype=float) for one in values])
    found = found[np.isfinite(found)]
    if len(found) and found.min() > 0 and found.max() / found.min() > _WIDE:
        marks = log_axis(float(found.min()), float(found.max()))
        return {f"{axis}_{key}": value for key, value in marks.items()}
    return {}


def figure(traces: Sequence[Any], x: str, y: str, *, height: int = 380, **layout: Any) -> go.Figure:
    """Return a figure in the page's style: axis titles, legend below, room to breathe."""
    top = 50 if layout.get("showlegend", True) else 15
    axis = {
        "exponentformat": "e",
        "gridcolor": "#e6e6e6",
        "linecolor": "#999999",
        "zeroline": False,
        "automargin": True,
    }
    made = go.Figure(list(traces))
    made.update_layout(
        template="none",
        height=height,
        margin={"l": 55, "r": 15, "t": top, "b": 45},
        font={"family": "system-ui, sans-serif", "size": 13, "color": "#222222"},
        paper_bgcolor="white",
        plot_bgcolor="white",
        hovermode="closest",
        hoverlabel={"namelength": -1},
        legend={"orientation": "h", "yanchor": "bottom", "y": 1.0, "x": 0},
        xaxis={**axis, "title": {"text": x}},
        yaxis={**axis, "title": {"text": y}},
    )
    made.update_layout(**layout)
    return made


def plain(drawn: go.Figure) -> dict[str, Any]:
    """Return a figure's JSON in which every text is shown as it is, whatever it holds.

    Plotly takes `<b>`, `<br>` and links in names, labels and categories for markup, and entities
    for characters. Names and values are the user's; none of ours holds markup.
    """
    found = json.loads(drawn.to_json())
    escaped: dict[str, Any] = _escaped(found)
    # The one place where Plotly writes texts as they are.
    for axis, own in zip(_parallel_axes(escaped), _parallel_axes(found), strict=True):
        axis.update({key: own[key] for key in ("ticktext",) if key in own})
    return escaped


def _parallel_axes(made: dict[str, Any]) -> list[dict[str, Any]]:
    return [axis for trace in made["data"] for axis in trace.get("dimensions", ())]


def _escaped(part: Any) -> Any:
    if isinstance(part, str):
        return html.escape(part, quote=False)
    if isinstance(part, list):
        return [_escaped(one) for one in part]
    if isinstance(part, dict):
        return {key: _escaped(one) for key, one in part.items()}
    return part
