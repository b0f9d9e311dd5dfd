"""The best of n trials against n, of one sweep or of two."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from sweeps.analysis.tuning_curve import TuningCurve
from sweeps.report.analysis_figures import cut_short_words
from sweeps.report.page import Panel
from sweeps.report.style import ACCENT, BLUE, INK, figure, log_if_wide, rounded, translucent

__all__ = ["COLOURS", "tuning_comparison", "tuning_panel"]

COLOURS = (BLUE, ACCENT)
_DASHES = ("solid", "dash")
# Beyond the curves, a band has as much room on either side as they have themselves.
_MOST_ROOM = 1.0
_BAND = (
    "Simultaneous 95 % band over all n (Learned-Miller and DeStefano 2008; Lourie, Cho and He "
    "2023); where it reaches the edge of the chart, the bound lies beyond it, or there are too few "
    "trials for one."
)


def tuning_panel(found: TuningCurve | str, metric: str) -> Panel:
    """The best of n trials against n, with its band."""
    title = "Would fewer trials have done?"
    if isinstance(found, str):
        return Panel(title, f"No tuning curve: {found}.")
    edges, layout = _edges([found], [found.expected])
    expected = go.Scatter(
        x=rounded(found.numbers), y=rounded(found.expected), mode="lines",
        name="expected best of n", line={"color": INK, "width": 2, "dash": "dash"},
    )  # fmt: skip
    band, median = _traces(found, edges, COLOURS[0], "median best of n")
    band.update(name="95 % band of the median", showlegend=True)
    title_y = f"best {metric} of n trials"
    made = figure([band, median, expected], "n, number of trials", title_y, **layout)
    lost = f"; {found.lost} without a result count as the worst" if found.lost else ""
    cut = cut_short_words(found.pruned)
    caption = f"{found.sentence} From {found.trials} trials{lost}.{cut} {_BAND}"
    return Panel(title, caption, made)


def tuning_comparison(
    names: Sequence[str], curves: Sequence[TuningCurve | str], metric: str
) -> Panel | None:
    """The median best of n of two sweeps with their bands; None where one has no curve."""
    known = [curve for curve in curves if not isinstance(curve, str)]
    if len(known) < len(curves):
        return None
    edges, layout = _edges(known, [])
    traces = [
        trace
        for name, curve, colour, dash in zip(names, known, COLOURS, _DASHES, strict=True)
        for trace in _traces(curve, edges, colour, name, dash)
    ]
    made = figure(traces, "n, number of trials", f"median best {metric} of n", **layout)
    counts = ", ".join(f"{name} n = {one.trials}" for name, one in zip(names, known, strict=True))
    caption = f"Median best of n trials with its 95 % band ({counts}). {_BAND}"
    return Panel("At equal numbers of trials", caption, made)


def _traces(
    curve: TuningCurve, edges: tuple[float, float], colour: str, name: str, dash: str = "solid"
) -> tuple[Any, Any]:
    """Return the band, which ends at the figure's edges, and the median."""
    numbers = rounded(curve.numbers)
    low, high = (np.clip(end, *edges) for end in (curve.low, curve.high))
    band = go.Scatter(
        x=[*numbers, *reversed(numbers)],
        y=[*rounded(high), *reversed(rounded(low))],
        mode="lines", fill="toself", fillcolor=translucent(colour, 0.18), line={"width": 0},
        hoverinfo="skip", showlegend=False,
    )  # fmt: skip
    median = go.Scatter(
        x=numbers, y=rounded(curve.median), mode="lines", name=name,
        line={"color": colour, "width": 2, "dash": dash},
    )  # fmt: skip
    return band, median


def _edges(
    curves: Sequence[TuningCurve], others: Sequence[Any]
) -> tuple[tuple[float, float], dict[str, Any]]:
    """Return the least and largest value of the y axis, and its layout.

    A band that is many times as wide as what was seen would press the curves into one line: it may
    leave the axis. Nor does a bound that the metric alone gives, 0 or infinity, belong there.
    """
    bounds = np.concatenate([end for curve in curves for end in (curve.low, curve.high)])
    seen = np.concatenate([curve.median for curve in curves] + [*others])
    axis = log_if_wide([seen])
    is_log = axis.get("yaxis_type") == "log"
    scaled = np.log10 if is_log else np.asarray
    kept = scaled(bounds[np.isfinite(bounds) & ((bounds > 0) | (not is_log))])
    least, largest = float(scaled(seen).min()), float(scaled(seen).max())
    room = _MOST_ROOM * (largest - least)
    low = min(least, max(least - room, float(kept.min(initial=least))))
    high = max(largest, min(largest + room, float(kept.max(initial=largest))))
    margin = 0.1 * (high - low) or 0.05 * abs(low) or 1.0
    span = [low - margin, high + margin]
    ends = [float(10**end) if is_log else end for end in span]
    return (ends[0], ends[1]), axis | {"yaxis_range": span}
