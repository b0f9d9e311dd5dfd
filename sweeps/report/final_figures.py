"""Figures of the final: candidates over seeds, and the way from the search to the test rows."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from sweeps.findings.final_ranking import words_of_skewed_seeds
from sweeps.findings.wording import (
    MeasuredOn,
    counted,
    noise_sentence,
    sentence_of_test_rows,
)
from sweeps.record.final import FinalChoice, Opening
from sweeps.report.page import Panel
from sweeps.report.style import ACCENT, BLUE, INK, figure, rounded
from sweeps.report.value_axis import range_of_one

__all__ = ["final_panels"]


def final_panels(choice: FinalChoice, openings: Sequence[Opening], on: MeasuredOn) -> list[Panel]:
    """The candidates with every seed, and what the test rows say."""
    panels = [_candidates(choice, noise_sentence(choice))]
    if openings and openings[-1].metrics:
        panels.append(_test(choice, openings, on))
    return panels


def _candidates(choice: FinalChoice, noise: str) -> Panel:
    shown = list(reversed(choice.candidates))
    names = [f"trial {one.trial}" for one in shown]
    seeds = go.Scatter(
        x=rounded([value for one in shown for value in one.values]),
        y=[name for name, one in zip(names, shown, strict=True) for _ in one.values],
        mode="markers", name="one seed", marker={"color": BLUE, "size": 8, "opacity": 0.6},
    )  # fmt: skip
    has_mean = [one.mean is not None for one in shown]
    means = go.Scatter(
        x=rounded([one.mean for one in shown if one.mean is not None]),
        y=[name for name, has in zip(names, has_mean, strict=True) if has],
        mode="markers", name="mean, 95 % interval", marker={"color": INK, "size": 11},
        error_x={
            "type": "data", "symmetric": False, "color": INK, "thickness": 2,
            "array": [
                None if one.high is None or one.mean is None else one.high - one.mean
                for one in shown if one.mean is not None
            ],
            "arrayminus": [
                None if one.low is None or one.mean is None else one.mean - one.low
                for one in shown if one.mean is not None
            ],
        },
    )  # fmt: skip
    search = go.Scatter(
        x=rounded([one.search_value for one in shown]), y=names, mode="markers",
        name="in the search", marker={"color": ACCENT, "size": 11, "symbol": "diamond"},
    )  # fmt: skip
    values = [
        value for one in shown for value in (*one.values, one.search_value, one.low, one.high)
    ]
    made = figure(
        [seeds, means, search], choice.metric, "", height=200 + 40 * len(shown),
        xaxis_range=range_of_one(values),
    )  # fmt: skip
    caption = (
        f"The best {len(shown)} of the search, each retrained with "
        f"{counted(choice.seeds, 'fresh seed')} (n = {sum(len(one.values) for one in shown)} "
        f"trainings). Final winner: trial {choice.winner.trial}. {noise} Simultaneous 95 % "
        f"intervals (Student's t, Bonferroni; none narrower than the spread of all implies). "
        f"{_without_interval(choice)}{words_of_skewed_seeds(choice)}"
    ).rstrip()
    return Panel("The best, retrained with fresh seeds", caption, made)


def _without_interval(choice: FinalChoice) -> str:
    """Return of which candidates all seeds came to one value; empty for none."""
    agreed = [one for one in choice.candidates if len(one.values) > 1 and one.low is None]
    if not agreed:
        return ""
    which = ", ".join(str(one.trial) for one in agreed)
    trials = "trial" if len(agreed) == 1 else "trials"
    return f"All seeds of {trials} {which} gave the same value: no interval. "


def _third(choice: FinalChoice) -> str:
    if choice.model.how == "refit":
        note = f" ({choice.model.note})" if choice.model.note else ""
        return f"another net, retrained on train and dev rows{note}"
    return "one of the repeats"


def _test(choice: FinalChoice, openings: Sequence[Opening], on: MeasuredOn) -> Panel:
    last, name = openings[-1], choice.test_metric
    steps: list[tuple[str, float, float | None, float | None]]
    steps = [("in the search", choice.winner.search_value, None, None)]
    if choice.winner.mean is not None:
        steps.append(("fresh seeds", choice.winner.mean, choice.winner.low, choice.winner.high))
    if name in last.metrics:
        one = last.metrics[name]
        steps.append(("test rows", one.value, one.low, one.high))
    dots = go.Scatter(
        x=[label for label, *_ in steps], y=rounded([value for _, value, *_ in steps]),
        mode="markers+lines", marker={"color": INK, "size": 11}, line={"dash": "dot", "width": 1},
        error_y={
            "type": "data", "symmetric": False, "thickness": 2,
            "array": [None if high is None else high - value for _, value, _, high in steps],
            "arrayminus": [None if low is None else value - low for _, value, low, _ in steps],
        },
    )  # fmt: skip
    seen = [value for _, *values in steps for value in values]
    made = figure(
        [dots], "", choice.metric.removeprefix("dev_"), showlegend=False,
        yaxis_range=range_of_one(seen),
    )  # fmt: skip
    how = (
        "Intervals: Clopper and Pearson (1934) for a share of independent rows, else a studentised "
        "bootstrap (of whole groups, if rows were split by groups). "
    )
    has_intervals = any(one.low is not None for one in last.metrics.values())
    caption = (
        f"{sentence_of_test_rows(choice, openings, on)} {how if has_intervals else ''}"
        f"The first point is optimistically biased, as the best of many. The third is of "
        f"{_third(choice)}, on other rows: a difference within the test interval means nothing."
    )
    return Panel("From the search to the test rows", caption, made)
