"""The objective's axis shows what can be compared, and marks every other trial at its edge."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from sweeps.analysis.evidence import Evidence
from sweeps.models.scoring.objective import Objective
from sweeps.record.sweep_record import Outcome
from sweeps.report.marks import bars, marks_beyond
from sweeps.report.value_axis import ValueAxis, value_axis
from tests.sweeps.analysis.evidence_examples import evidence

SPACE: dict[str, Any] = {"lr": {"float": [0.0, 1.0]}}
C, D, F = Outcome.COMPLETED, Outcome.DIVERGED, Outcome.FAILED


def trials(values: Any, outcomes: Any = None, mode: Any = "min") -> Evidence:
    lrs = [{"lr": float(at)} for at in np.linspace(0, 1, len(values))]
    objective = Objective("dev_loss" if mode == "min" else "dev_r2", mode)
    return evidence(SPACE, lrs, values, outcomes, objective)


def axis(*arguments: Any) -> ValueAxis:
    found = value_axis(trials(*arguments))
    assert found is not None
    return found


def test_values_that_lie_together_are_all_on_a_linear_axis() -> None:
    found = axis([1.0, 1.2, 1.4, 1.6, 3.0])
    assert (found.ends, found.is_log) == ((1.0, 3.0), False)
    low, high = found.layout()["yaxis_range"]
    assert low < 1.0 < 3.0 < found.edge < high


def test_one_absurd_value_is_beyond_the_axis_and_the_others_keep_their_room() -> None:
    values = [1.0, 1.2, 1.4, 1.6, 1e30]
    found = axis(values)
    assert found.ends == pytest.approx((1.0, 1.6))
    assert found.is_beyond(values).tolist() == [False, False, False, False, True]
    assert 1.6 < found.edge < 1.7


def test_values_over_decades_have_a_logarithmic_axis() -> None:
    found = axis([0.001, 0.01, 0.1, 1.0])
    assert found.is_log
    assert found.ends == pytest.approx((0.001, 1.0))
    assert found.layout()["yaxis_range"] == pytest.approx([-3.36, 0.36])
    assert not found.is_beyond([0.001, 1.0]).any()


def test_where_more_is_better_the_edge_is_below() -> None:
    found = axis([0.9, 0.8, 0.7, 0.6, -4000.0], None, "max")
    assert found.ends == pytest.approx((0.6, 0.9))
    assert found.edge < 0.6
    assert found.is_beyond([0.6, -4000.0]).tolist() == [False, True]


def test_diverged_trials_do_not_say_where_the_axis_ends_unless_there_are_no_others() -> None:
    assert axis([1.0, 1.5, 1e9, 1e10], [C, C, D, D]).ends == pytest.approx((1.0, 1.5))
    assert axis([1.0, 2.0], [D, D]).ends == pytest.approx((1.0, 2.0))


@pytest.mark.parametrize("value", [0.0, 5.0, 1e-9])
def test_equal_values_have_an_axis_of_some_length(value: float) -> None:
    low, high = axis([value, value]).layout()["yaxis_range"]
    assert low < value < high


def test_without_a_finite_value_there_is_no_axis() -> None:
    assert value_axis(trials([None, None], [F, F])) is None


def test_every_trial_that_ended_has_a_mark_or_a_place() -> None:
    made = trials([1.0, 1.2, 1.4, 1e30, None, None], [C, C, C, D, F, None])
    found = value_axis(made)
    assert found is not None
    [worse, lost], words = marks_beyond(made, found, np.arange(6.0))
    assert (list(worse.x), list(worse.text)) == ([3.0], ["trial 3: 1e+30"])
    assert (list(lost.x), list(lost.text)) == ([4.0], ["trial 4: failed"])
    assert [*worse.y, *lost.y] == pytest.approx([found.edge, found.edge], rel=1e-5)
    assert "arrows for 1 trial worse" in words
    assert "crosses for 1 trial without a result" in words


def test_a_trial_without_the_parameter_has_no_mark_on_its_axis() -> None:
    made = trials([1.0, 2.0, None], [C, C, F])
    found = value_axis(made)
    assert found is not None
    assert marks_beyond(made, found, np.array([0.0, 1.0, np.nan])) == ([], "")
    assert marks_beyond(made, found, np.array(["a", "b", ""])) == ([], "")


def test_trials_with_folds_have_their_standard_error_as_bars_while_few() -> None:
    made = trials([1.0, 2.0])
    assert bars(made, [0, 1]) == {}
    for trial, error in zip(made.trials, (0.1, 0.2), strict=True):
        assert trial.best is not None
        trial.best["dev_loss_se"] = error
    assert bars(made, [0, 1])["error_y"]["array"] == [0.1, 0.2]
