"""Figures of what the analyses found."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from sweeps.analysis.choices import Comparison
from sweeps.analysis.diagnosis import RULES, THRESHOLDS, Diagnosis, count
from sweeps.analysis.importances import Importances
from sweeps.analysis.savings import NOT_SAVED, Savings
from sweeps.record.sweep_record import Outcome
from sweeps.report.page import Panel
from sweeps.report.style import (
    ACCENT,
    BLUE,
    INK,
    figure,
    log_if_wide,
    outcome_marker,
    points,
    rounded,
    translucent,
)

__all__ = [
    "bias_and_variance",
    "choice_panels",
    "cut_short_words",
    "importance_bars",
    "saved_epochs",
]


def importance_bars(found: Importances | str) -> Panel:
    """The importances as bars."""
    title = "What mattered"
    if isinstance(found, str):
        return Panel(title, f"No importances: {found}.")
    shown = list(reversed(found.found[:15]))
    bars = go.Bar(
        x=rounded([one.share for one in shown]), y=[one.name for one in shown], orientation="h",
        marker={"color": BLUE}, text=[f"{one.share:.0%}, n = {one.trials}" for one in shown],
        textposition="auto",
    )  # fmt: skip
    height = 120 + 26 * len(shown)
    # Shares of shuffled results may be above all of these together: no line stands beyond 1.
    has_line = found.by_chance < 1
    largest = max([one.share for one in shown] + [found.by_chance] * has_line)
    made = figure(
        [bars], "share of importance", "", height=height, showlegend=False,
        xaxis_range=[0, min(1.0, 1.05 * largest)], xaxis_tickformat=".0%",
    )  # fmt: skip
    if has_line:
        made.add_vline(x=found.by_chance, line={"color": ACCENT, "dash": "dot"})
    passed = "passes the dotted line" if has_line else "would pass 100 %: there is no line to draw"
    caption = (
        f"{found.sentence} Shares of what distinguishes the best {found.best} trials from all "
        f"(PED-ANOVA, Watanabe, Bansal and Hutter 2023), n = trials that have the parameter; in 1 "
        f"of 20 shuffles of the results some parameter {passed}.{cut_short_words(found.pruned)}"
    )
    return Panel(title, caption, made)


def cut_short_words(pruned: int) -> str:
    """Return with what value trials count that were not given all of their epochs."""
    if not pruned:
        return ""
    if pruned == 1:
        return " 1 trial was pruned or stopped by hand and counts with the best value it reached."
    cut_short = f"{pruned} trials were pruned or stopped by hand"
    return f" {cut_short} and count with the best values they reached."


def choice_panels(comparisons: Sequence[Comparison], metric: str) -> list[Panel]:
    """One panel a choice: every trial of each option, and the option's expected best."""
    return [_choice_panel(one, metric) for one in comparisons]


def _choice_panel(found: Comparison, metric: str) -> Panel:
    branches = list(reversed(found.branches))
    labels = [f"{branch.option}, n = {branch.trials}" for branch in branches]
    trials = go.Scatter(
        x=rounded([value for branch in branches for value in branch.values]),
        y=[
            label for label, branch in zip(labels, branches, strict=True) for _ in branch.values
        ],
        mode="markers", name="a trial",
        marker={"color": BLUE, "size": 7, "opacity": 0.35},
    )  # fmt: skip
    best = go.Scatter(
        x=rounded([branch.expected for branch in branches]), y=labels, mode="markers",
        name=f"expected best of {found.draws}",
        marker={"color": INK, "size": 12, "symbol": "diamond"},
    )  # fmt: skip
    shown = [[value for branch in branches for value in branch.values]]
    height = 180 + 34 * len(branches)
    made = figure([trials, best], metric, "", height=height, **log_if_wide(shown, "xaxis"))
    out = f" Too few trials of {', '.join(found.left_out)}." if found.left_out else ""
    pairs = found.pairs[0].pairs
    caption = (
        f"{found.sentence} Permutation test of the expected best of {found.draws}; Holm's rule "
        f"over the sweep's {pairs} pair{'' if pairs == 1 else 's'} of "
        f"options.{out}{cut_short_words(found.pruned)}"
    )
    return Panel(found.name, caption, made)


def bias_and_variance(diagnoses: Sequence[Diagnosis], names: Sequence[str]) -> Panel | None:
    """Dev error against training error, and how often each finding was made."""
    shown = [one for one in diagnoses if one.train_error is not None]
    if not shown:
        return None
    traces = []
    for outcome in dict.fromkeys(names[one.trial] for one in shown):
        own = [one for one in shown if names[one.trial] == outcome]
        traces.append(
            points(
                [one.train_error for one in own],
                [one.dev_error for one in own],
                name=f"{outcome.replace('_', ' ')}, n = {len(own)}",
                marker={**outcome_marker(outcome), "size": 7, "opacity": 0.7},
                text=[f"trial {one.trial}: {one.words}" for one in own],
            )
        )  # fmt: skip
    top = max(max(one.train_error or 0, one.dev_error or 0) for one in shown)
    traces.append(
        go.Scatter(
            x=[0, top], y=[0, top], mode="lines", name="no variance",
            line={"color": ACCENT, "width": 1, "dash": "dot"},
        )
    )  # fmt: skip
    made = figure(traces, "training error at the best epoch", "dev error")
    target = shown[0].target_error or 0.0
    caption = (
        f"Avoidable bias lies right of the target error, {target:.3g}; variance lies above the "
        f"line. They are reported where they exceed {THRESHOLDS.bias:g} and "
        f"{THRESHOLDS.variance:g} by more than chance explains at the 5 % level (n = "
        f"{len(shown)}). An error is 1 - accuracy (of labels, 1 - subset accuracy) or 1 - R². "
        f"{_findings(diagnoses)}"
    )
    return Panel("Bias and variance", caption, made)


def _findings(diagnoses: Sequence[Diagnosis]) -> str:
    """Return what was found how often, and that pruned trials were not asked for all of it."""
    judged = sum(one.is_judged for one in diagnoses)
    pruned = len(diagnoses) - judged
    found = [
        f"{finding} in {number} trial{'' if number == 1 else 's'} ({': '.join(RULES[finding])})"
        for finding, number in count(diagnoses).items()
        if number
    ]
    words = f"Found: {'; '.join(found)}." if found else f"No findings in the {judged} judged."
    if not pruned:
        return words
    were, whose = f"{pruned} pruned trials are", "they did not get all of their"
    if pruned == 1:
        were, whose = "1 pruned trial is", "it did not get all of its"
    why = f"{whose} epochs."
    return f"{were} shown but not judged: {why} {words if judged or found else ''}".rstrip()


def saved_epochs(found: Savings) -> Panel | None:
    """Epochs run and not run, by outcome; None where no trial stopped early."""
    if not found.stopped:
        return None
    outcomes = [name for name, count in found.trials.items() if count and name not in NOT_SAVED]
    labels = [f"{name.replace('_', ' ')}, n = {found.trials[name]}" for name in outcomes]
    run = go.Bar(
        y=labels, x=[found.run[name] for name in outcomes], orientation="h", name="epochs run",
        marker={"color": BLUE},
    )  # fmt: skip
    rest = [found.planned[name] - found.run[name] for name in outcomes]
    saved = go.Bar(
        y=labels, x=rest, orientation="h", name="epochs saved",
        marker={"color": translucent(BLUE, 0.25)},
    )  # fmt: skip
    height = 170 + 34 * len(outcomes)
    made = figure([run, saved], "epochs", "", height=height, barmode="stack")
    how = ""
    if found.trials[Outcome.PRUNED]:
        how = (
            " The scheduler compares trials by their last values, the ranking by their best "
            "epochs; a trial that stopped itself is not in later rungs (as in Ray Tune)."
        )
    return Panel("What early stopping saved", found.sentence + how, made)
