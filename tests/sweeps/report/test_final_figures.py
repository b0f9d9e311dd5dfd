"""The figures of a final, where there is little to tell candidates apart."""

from __future__ import annotations

import pytest

from sweeps.findings.wording import MeasuredOn
from sweeps.record.final import Interval
from sweeps.report.final_figures import final_panels
from tests.sweeps.findings.test_surprise import opening
from tests.sweeps.findings.test_wording import candidate, choice


def test_values_that_all_agree_lie_on_an_axis_around_them() -> None:
    agreed = choice(candidate(4, 0.5, 0.5), candidate(2, 0.5, 0.5))
    tests = opening(36, test_loss=Interval(0.5, None, None, "too few"))
    candidates, steps = final_panels(agreed, tests, MeasuredOn(36, 2))
    assert candidates.figure.layout.xaxis.range == pytest.approx((0.475, 0.525))
    assert steps.figure.layout.yaxis.range == pytest.approx((0.475, 0.525))


def test_values_that_differ_leave_the_axis_to_the_figure() -> None:
    [found] = final_panels(choice(candidate(4, 0.5, 0.6)), [], MeasuredOn(36, 2))
    assert found.figure.layout.xaxis.range is None
