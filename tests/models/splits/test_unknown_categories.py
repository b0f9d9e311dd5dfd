"""Categories that training never saw are counted and named."""

from __future__ import annotations

import logging

import numpy as np
import pytest
import torch

from sweeps.models.data.features import features_from_columns
from sweeps.models.prediction import Predictor
from sweeps.models.splits.preprocessing import Preprocessing
from sweeps.models.splits.unknown_categories import unknown_words

WORDS = ("colour", "size")


def prepared(*categories: tuple[str, ...]) -> Preprocessing:
    return Preprocessing(
        number_names=(),
        number_shape=(0,),
        means=(),
        scales=(),
        missing="error",
        fills=(),
        word_names=WORDS,
        categories=categories,
    )


ONE = prepared(("blue", "red"), ("L", "S"))
OTHER = prepared(("green", "red"), ("L", "S"))


def rows(*given: tuple[str | None, str]) -> np.ndarray:
    return np.array(given, dtype=object)


def test_rows_are_counted_once_and_categories_named_with_theirs() -> None:
    said = unknown_words([ONE], rows(("teal", "XL"), ("teal", "S"), ("red", "L")))
    assert said.startswith("2 of 3 rows have a category that no training row had")
    assert said.endswith("'colour' ('teal' 2x), 'size' ('XL' 1x)")


@pytest.mark.parametrize("row", [("red", "S"), (None, "S"), ("green", "S"), ("blue", "L")])
def test_nothing_is_said_of_what_one_fold_knows_or_what_is_missing(
    row: tuple[str | None, str],
) -> None:
    assert unknown_words([ONE, OTHER], rows(row)) == ""


def test_what_is_shown_is_short_and_escaped() -> None:
    many = [(f"{number}\x1b[31m" + "x" * 500, "S") for number in range(1000)]
    said = unknown_words([ONE], rows(*many))
    assert len(said) < 500
    assert "\x1b" not in said
    assert "and 997 more" in said


def test_a_prediction_logs_it(caplog: pytest.LogCaptureFixture) -> None:
    predictor = Predictor([(torch.nn.Linear(4, 1), ONE)])
    with caplog.at_level(logging.WARNING):
        predictor.predict({"colour": ["teal", "red"], "size": ["S", "S"]})
    [record] = caplog.records
    assert "1 of 2 rows have a category that no training row had" in record.getMessage()


def test_a_measurement_on_known_rows_logs_nothing(caplog: pytest.LogCaptureFixture) -> None:
    predictor = Predictor([(torch.nn.Linear(4, 1), ONE)])
    with caplog.at_level(logging.WARNING):
        predictor.outputs(features_from_columns({"colour": ["teal"], "size": ["S"]}))
    assert not caplog.records
