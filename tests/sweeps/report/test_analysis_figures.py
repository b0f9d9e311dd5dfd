"""The words beside a figure say what is in it, and of which trials."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from sweeps.analysis.choices import compare_choices
from sweeps.analysis.diagnosis import Diagnosis
from sweeps.analysis.evidence import Evidence
from sweeps.analysis.importances import Importance, Importances, importances
from sweeps.analysis.tuning_curve import tuning_curve
from sweeps.record.sweep_record import Outcome
from sweeps.report.analysis_figures import bias_and_variance, choice_panels, importance_bars
from sweeps.report.style import log_axis, log_if_wide
from sweeps.report.tuning_figures import tuning_panel
from tests.sweeps.analysis.evidence_examples import evidence


def judged(trial: int, *findings: Any) -> Diagnosis:
    return Diagnosis(trial, findings, 0.1, 0.2, 0.0)


def pruned(trial: int) -> Diagnosis:
    return Diagnosis(trial, (), 0.8, 0.9, 0.0, is_judged=False)


def caption(*diagnoses: Diagnosis) -> str:
    panel = bias_and_variance(diagnoses, ["pruned"] * len(diagnoses))
    assert panel is not None
    return panel.caption


def test_pruned_trials_far_to_the_right_are_not_said_to_have_nothing_amiss() -> None:
    text = caption(judged(0), pruned(1), pruned(2))
    assert "2 pruned trials are shown but not judged" in text
    assert text.endswith("No findings in the 1 judged.")
    assert pruned(1).words == "pruned: not judged"


def test_where_all_trials_were_pruned_nothing_is_said_of_others() -> None:
    assert caption(pruned(0)).endswith("it did not get all of its epochs.")
    assert caption(pruned(0), pruned(1)).endswith("they did not get all of their epochs.")


def test_a_finding_is_counted_with_its_meaning_and_remedies() -> None:
    text = caption(judged(0, "variance"), judged(1))
    assert "Found: variance in 1 trial (the dev error is well above" in text
    assert "pruned" not in text


def some_trials(*cut_short: Outcome) -> Evidence:
    """Forty trials of two options and a range, as many of them cut short as are given."""
    made = {
        "model": {"kind": "mlp", "activation": {"choice": ["relu", "tanh"]}},
        "optimizer": {"kind": "adam", "lr": {"float": [0.0, 1.0]}},
        "training": {"epochs": 3},
    }
    random = np.random.default_rng(1)
    trials = [
        {
            "model": {"kind": "mlp", "activation": ("relu", "tanh")[at % 2]},
            "optimizer": {"kind": "adam", "lr": float(random.uniform())},
            "training": {"epochs": 3},
        }
        for at in range(40)
    ]
    outcomes = [*cut_short, *[Outcome.COMPLETED] * (40 - len(cut_short))]
    return evidence(made, trials, random.uniform(size=40).tolist(), outcomes)


@pytest.mark.parametrize(
    ("cut_short", "words"),
    [
        ((), ""),
        (
            (Outcome.PRUNED,),
            " 1 trial was pruned or stopped by hand and counts with the best value it reached.",
        ),
        (
            (Outcome.PRUNED, Outcome.STOPPED_BY_HAND, Outcome.PRUNED),
            " 3 trials were pruned or stopped by hand and count with the best values they reached.",
        ),
    ],
)
def test_panels_say_in_one_way_by_what_pruned_trials_count(
    cut_short: tuple[Outcome, ...], words: str
) -> None:
    seen = some_trials(*cut_short)
    captions = [
        importance_bars(importances(seen)).caption,
        choice_panels(compare_choices(seen), "dev_loss")[0].caption,
        tuning_panel(tuning_curve(seen), "dev_loss").caption,
    ]
    assert [words in one for one in captions] == [True] * 3
    assert ["stopped by hand" in one for one in captions] == [bool(words)] * 3


@pytest.mark.parametrize(
    ("high", "axis"),
    [
        (0.5, {"type": "log", "dtick": "D1", "tickformat": "~g"}),
        (1.0, {"type": "log", "dtick": "D2", "tickformat": "~g"}),  # ten numbers would be too many
        (2.0, {"type": "log", "dtick": "D2", "tickformat": "~g"}),
        (1e3, {"type": "log", "dtick": 1}),
        (1e9, {"type": "log", "dtick": 2}),
    ],
)
def test_every_mark_of_a_logarithmic_axis_has_its_number_in_full(
    high: float, axis: dict[str, Any]
) -> None:
    assert log_axis(0.1, high) == axis


@pytest.mark.parametrize("values", [[1.0, 19.0], [0.0, 50.0], [-1.0, 50.0], [float("nan")]])
def test_an_axis_of_values_close_together_or_not_positive_is_linear(values: list[float]) -> None:
    assert log_if_wide([values]) == {}


@pytest.mark.parametrize(
    ("by_chance", "end", "words"),
    [
        (1.53, 0.63, "would pass 100 %"),
        (0.8, 0.84, "passes the dotted line"),
        (0.99, 1.0, "passes the dotted line"),
        (0.1, 0.63, "passes the dotted line"),
    ],
)
def test_the_axis_of_shares_ends_at_one_whatever_chance_gives(
    by_chance: float, end: float, words: str
) -> None:
    shares = (Importance("lr", 0.6, 20), Importance("l2", 0.4, 20))
    panel = importance_bars(Importances(shares, 20, 5, by_chance))
    assert panel.figure is not None
    assert panel.figure.layout.xaxis.range == pytest.approx((0, end))
    lines = [one.x0 for one in panel.figure.layout.shapes]
    assert lines == [by_chance][: by_chance < 1]
    assert words in panel.caption
