"""Trials are told apart by a shape beside a colour, for those who tell few colours apart."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from sweeps.analysis.diagnosis import Diagnosis
from sweeps.analysis.evidence import Evidence
from sweeps.analysis.tuning_curve import tuning_curve
from sweeps.definition.planning import PlannedTrial
from sweeps.models.scoring.objective import Objective
from sweeps.record.sweep_record import Outcome, SweepRecord
from sweeps.report.analysis_figures import bias_and_variance
from sweeps.report.front_figure import front_section
from sweeps.report.marks import marks_beyond
from sweeps.report.page import Panel
from sweeps.report.style import OUTCOME_SYMBOLS
from sweeps.report.trial_figures import history_panels, learning_curves
from sweeps.report.tuning_figures import tuning_comparison
from sweeps.report.value_axis import value_axis
from tests.sweeps.analysis.evidence_examples import evidence
from tests.sweeps.watch.test_server import PAGES

LRS = {"optimizer": {"kind": "adam", "lr": {"float": [0.01, 1.0]}}}
ENDS = [one for one in Outcome if one not in (Outcome.FAILED, Outcome.REJECTED)]


def trials() -> Evidence:
    """Three trials of each outcome that has values, with a curve each, and one far worse."""
    lrs = [{"optimizer": {"kind": "adam", "lr": 0.1}}] * (3 * len(ENDS) + 1)
    values = [1.0 + 0.01 * at for at in range(len(lrs) - 1)] + [1e9]
    ends = [end for end in ENDS for _ in range(3)] + [Outcome.COMPLETED]
    made = evidence(LRS, lrs, values, ends)
    made.curves[:] = [
        {"epoch": np.arange(1.0, 4), "dev_loss": value + np.arange(3.0)} for value in values
    ]
    return made


def marks_of(traces: Any) -> list[str]:
    return [one.marker.symbol or "circle" for one in traces if one.mode == "markers"]


def figure(panel: Panel | None) -> Any:
    assert panel is not None
    return panel.figure


def test_points_of_each_outcome_have_a_shape_of_their_own_in_the_legend() -> None:
    by_trial = figure(history_panels(trials())[0])
    shapes = marks_of(by_trial.data)
    assert len(shapes) == len(ENDS) + 1
    assert len(set(shapes)) == len(shapes)
    assert all(one.showlegend is not False for one in by_trial.data)


def test_bias_and_variance_have_the_same_shapes() -> None:
    found = [Diagnosis(at, (), 0.1, 0.2, 0.0) for at in range(len(ENDS))]
    shapes = marks_of(figure(bias_and_variance(found, [str(end) for end in ENDS])).data)
    assert shapes == [OUTCOME_SYMBOLS[str(end)] for end in ENDS]


def test_lines_of_each_outcome_are_dashed_in_a_way_of_their_own() -> None:
    *curves, best = figure(learning_curves(trials(), 0)).data
    dashes = {one.legendgroup: one.line.dash for one in curves}
    assert len(curves) > len(dashes) == len(ENDS)
    assert len(set(dashes.values())) == len(ENDS)
    assert best.name == "best: trial 0"


def test_bands_of_many_trials_have_the_same_dashes_as_single_curves() -> None:
    made = trials()
    twice = evidence(
        LRS,
        [one.trial.configuration for one in made.trials] * 2,
        [*made.values, *made.values],
        [one.outcome or Outcome.COMPLETED for one in made.trials] * 2,
    )
    twice.curves[:] = made.curves * 2
    few = {one.legendgroup: one.line.dash for one in figure(learning_curves(made, 0)).data[:-1]}
    lines = [one for one in figure(learning_curves(twice, 0)).data[:-1] if one.fill is None]
    assert len(lines) == len(ENDS)
    assert [one.line.dash for one in lines] == list(few.values())


def test_marks_at_the_edge_are_of_no_outcome() -> None:
    made = trials()
    axis = value_axis(made)
    assert axis is not None
    [worse], _ = marks_beyond(made, axis, np.arange(float(len(made.values))))
    assert worse.marker.symbol not in {*OUTCOME_SYMBOLS.values(), "x"}


def test_the_live_page_has_the_shapes_of_the_report() -> None:
    theme = (PAGES / "theme.js").read_text(encoding="utf-8")
    found = dict(re.findall(r"^  (\w+): \[\"([\w-]+)\"", theme, re.MULTILINE))
    own = {name: one for name, one in OUTCOME_SYMBOLS.items() if one != "circle"}
    assert found == own


def test_a_trial_on_the_front_is_told_from_others_by_its_mark() -> None:
    both = Objective("dev_loss", "min", others=(Objective("epoch_s", "min"),))
    plan = [PlannedTrial(at, f"{at:012x}", at, {}) for at in range(3)]
    events = [
        {"event": "report", "t": 1.0, "trial": at,
         "epochs": [{"epoch": 1, "dev_loss": loss, "epoch_s": seconds}]}
        for at, (loss, seconds) in enumerate([(0.1, 2.0), (0.2, 1.0), (0.3, 3.0)])
    ]  # fmt: skip
    [panel] = front_section(SweepRecord.of(plan, both, events)).panels
    off, on, _ = figure(panel).data
    assert (len(on.x), len(off.x)) == (2, 1)
    assert {on.marker.symbol, off.marker.symbol} == {"circle", "circle-open"}
    assert "filled circles for those on the front" in panel.caption


def test_two_sweeps_are_told_apart_by_their_dashes() -> None:
    found = tuning_curve(trials())
    lines = figure(tuning_comparison(["one", "two"], [found, found], "dev_loss")).data[1::2]
    assert [one.line.dash for one in lines] == ["solid", "dash"]
