"""One cell of a column is a number, a word, or a mark for a missing value."""

from __future__ import annotations

import datetime
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from sweeps.models.data.cells import is_missing, number_in, odd_cell, word_in


@pytest.mark.parametrize("value", [None, float("nan"), np.float32("nan"), pd.NA, pd.NaT])
def test_none_nan_and_the_marks_of_pandas_are_missing(value: object) -> None:
    assert is_missing(value)


@pytest.mark.parametrize("value", [0, "", "NA", False, np.float64(0)])
def test_zero_and_texts_are_not_missing(value: object) -> None:
    assert not is_missing(value)


@pytest.mark.parametrize(
    ("value", "number"),
    [
        ("5", 5),
        (" -5.25e-3 ", -0.00525),
        ("+.5", 0.5),
        ("\u00a07", 7),
        ("0x1F", 31),
        ("9007199254740993", 9007199254740993),
        ("true", True),
        ("FALSE", False),
        (np.int8(3), 3),
        (Decimal("2.5"), 2.5),
    ],
)
def test_numbers_are_read_from_texts_and_whole_ones_exactly(value: object, number: float) -> None:
    found = number_in(value)
    assert (found, type(found)) == (number, type(number))


@pytest.mark.parametrize("value", ["", "1_000", "1,5", "5%", "1.2.3", "x", "٣", b"1", 1j])
def test_other_writings_are_no_numbers(value: object) -> None:
    assert number_in(value) is None


def test_a_decimal_comma_takes_the_place_of_the_point() -> None:
    assert number_in("-0,5", decimal=",") == -0.5
    assert number_in("1.000", decimal=",") is None


@pytest.mark.parametrize(
    ("value", "known", "word"),
    [
        ("M", (), "M"),
        (38, ("38", "M"), "38"),
        (38.0, ("38", "M"), "38"),
        (38.0, ("38.0",), "38.0"),
        (38, ("38.0",), "38.0"),
        (True, ("true", "maybe"), "true"),
        (np.bool_(False), (), "False"),
        (2.5, (), "2.5"),
        (datetime.date(2020, 1, 1), (), None),
    ],
)
def test_a_number_among_words_is_the_word_that_it_was_written_as(
    value: object, known: tuple[str, ...], word: str | None
) -> None:
    assert word_in(value, known) == word


NUMBERS = [f"{number / 8}" for number in range(40)]


@pytest.mark.parametrize(
    "cell",
    [
        "?",
        "-",
        "1,234",
        "0,5",
        "5%",
        "$5",
        "n.a.",
        "N/A",
        "None",
        "unknown",
        "5kg",
        "<0.5",
        "1_000",
        "(5)",
        "\N{MINUS SIGN}5",
        "abc",
        "#DIV/0!",
        "\0",
        " ",
        "0.5\0",
        "5 EUR",
        "1 234,5",
    ],
)
def test_one_cell_that_is_none_does_not_make_words_of_numbers(cell: str) -> None:
    place, text, share = odd_cell([*NUMBERS[:7], cell, *NUMBERS[7:]])  # type: ignore[misc]
    assert (place, text) == (7, cell)
    assert share >= 40 / 41


@pytest.mark.parametrize(
    "written",
    ["{}%", "$ {}", "{},5", "1,{:03}", "1'{:03}.5", "{} €", "{} kg", "{}°C", "{} km/h", "({})"],
)
def test_a_whole_column_of_numbers_in_another_writing_is_found(written: str) -> None:
    column = [written.format(number) for number in range(30)]
    assert odd_cell(column) == (0, column[0], 0)


def test_many_numbers_as_text_are_amounts_and_few_are_codes() -> None:
    assert odd_cell(NUMBERS) is not None
    assert odd_cell(["1", "2", "3"] * 20) is None


@pytest.mark.parametrize("share_of_marks", [1, 60])
def test_marks_for_missing_values_are_no_evidence_of_words(share_of_marks: int) -> None:
    assert odd_cell([*NUMBERS, *["?"] * share_of_marks]) == (40, "?", 1)


@pytest.mark.parametrize(
    "column",
    [
        ["S", "M", "38", "40"] * 9,
        ["2-door", "4-door"] * 9,
        ["<=50K", ">50K"] * 9,
        ["0-9", "10-19", "20-29", ">30"] * 9,
        ["1st", "2nd", "3rd", "4th"] * 9,
        ["4WD", "2WD"] * 9,
        ["2020-01-01", "2020-02-01"] * 9,
        ["12:30", "9:15"] * 9,
        ["10.0.0.1", "10.0.0.2"] * 9,
        ["true", "false"] * 9,
        ["A/5 21171", "PC 17599", "113803", "STON"] * 9,
        [None, None],
        ["?", "-"],
        [],
    ],
)
def test_words_stay_words(column: list[str | None]) -> None:
    assert odd_cell(column) is None
