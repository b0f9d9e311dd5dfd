"""A value and its error are shown to the same decimal, the error with two digits."""

from __future__ import annotations

import math

import pytest

from sweeps.findings.measurement import format_metric, standard_error


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [
        (0.041734, 0.003123, "0.0417 ± 0.0031"),
        (0.041734, 0.0312, "0.042 ± 0.031"),
        (3012.34, 119.6, "3012 ± 120"),
        (3.01234e6, 1196.0, "3.012e+06 ± 1.2e+03"),
        (3012.34, 19.6, "3012 ± 20"),
        (3012.34, 1.96, "3012.3 ± 2.0"),
        (1.5e-9, 2.25e-10, "1.5e-09 ± 2.2e-10"),
        (0.975, 0.0, "0.975 ± 0"),
        (math.inf, math.nan, "inf ± nan"),
    ],
)
def test_a_value_has_the_decimals_that_its_error_leaves(
    value: float, error: float, text: str
) -> None:
    assert format_metric({"dev_loss": value, "dev_loss_se": error}, "dev_loss") == text


def test_without_folds_a_value_stands_alone() -> None:
    row = {"dev_loss": 0.0417345}
    assert format_metric(row, "dev_loss") == "0.04173"
    assert format_metric(row, "dev_loss", digits=6) == "0.0417345"
    assert standard_error(row, "dev_loss") is None


def test_what_was_not_measured_is_empty() -> None:
    assert format_metric(None, "dev_loss") == ""
    assert format_metric({"epoch": 1.0}, "dev_loss") == ""
