"""Marks of trials that have no place on the objective's axis, and bars of folds."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from sweeps.analysis.evidence import Evidence
from sweeps.findings.measurement import standard_error
from sweeps.findings.wording import counted
from sweeps.report.style import LOST, points, rounded
from sweeps.report.value_axis import ValueAxis

__all__ = ["bars", "marks_beyond"]

# Of more, the bars hide the points.
_MOST_BARS = 60


def bars(evidence: Evidence, shown: Any) -> dict[str, Any]:
    """Return error bars of one standard error over folds, where there are folds and few trials."""
    metric = evidence.objective.metric
    found = [standard_error(evidence.trials[at].best, metric) for at in shown]
    if len(evidence.trials) > _MOST_BARS or not any(found):
        return {}
    errors = rounded([math.nan if one is None else one for one in found])
    return {"error_y": {"type": "data", "array": errors, "thickness": 1, "width": 0}}


def marks_beyond(evidence: Evidence, axis: ValueAxis, x: Any) -> tuple[list[Any], str]:
    """Return marks at the axis's edge, and in words what they are; empty where there are none.

    Args:
        x: (trials,) where each trial stands; NaN leaves it out. Or their categories as texts.
    """
    where = np.asarray(x)
    stands = where != "" if where.dtype.kind == "U" else np.isfinite(where.astype(float))
    ended = np.array([trial.outcome is not None for trial in evidence.trials])
    worse = np.flatnonzero(stands & axis.is_beyond(evidence.values))
    lost = np.flatnonzero(stands & ended & ~np.isfinite(evidence.values))
    traces, words = [], []
    if len(worse):
        texts = [f"trial {at}: {evidence.values[at]:.3g}" for at in worse]
        traces.append(_marks(where[worse], axis, texts, f"worse, n = {len(worse)}", "arrow"))
        words.append(f"arrows for {counted(len(worse), 'trial')} worse than the axis shows")
    if len(lost):
        ends = [evidence.trials[at].outcome for at in lost.tolist()]
        texts = [f"trial {at}: {end.words}" for at, end in zip(lost, ends, strict=True) if end]
        traces.append(_marks(where[lost], axis, texts, f"no result, n = {len(lost)}", "x"))
        words.append(f"crosses for {counted(len(lost), 'trial')} without a result")
    return traces, f" At the edge: {', '.join(words)}." if words else ""


def _marks(x: Any, axis: ValueAxis, texts: list[str], name: str, symbol: str) -> Any:
    is_up = axis.is_high_bad
    symbol = symbol if symbol == "x" else f"{symbol}-{'up' if is_up else 'down'}"
    return points(
        x, np.full(len(x), axis.edge), name=name, text=texts, hoverinfo="text",
        marker={"color": LOST, "size": 8, "symbol": symbol, "opacity": 0.8},
    )  # fmt: skip
