"""Columns that give the target away, and words that are written in two ways, are said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from sweeps.models.data.configuration import DataConfig
from sweeps.models.splits.data_checks import check_data

ROWS = 60
RNG = np.random.default_rng(3)
REALS = RNG.normal(size=ROWS)
CODES = np.arange(ROWS) % 3
WORDS = np.array(["red", "green", "blue"])[CODES]


def notes(folder: Path, **columns: Any) -> tuple[str, ...]:
    frame = pd.DataFrame(columns)
    frame.to_parquet(folder / "t.parquet")
    config = DataConfig(source="t.parquet", target="y")
    found = check_data(config, folder, 0)
    assert found.summary is not None, found.problems
    return found.summary.notes


@pytest.mark.parametrize(
    ("column", "y"),
    [
        (REALS, REALS),
        (CODES * 10, CODES),
        (CODES[::-1] * 2.5, CODES[::-1]),
        (WORDS, CODES),
        (CODES, WORDS),
        (WORDS, WORDS),
        (CODES == 1, np.where(CODES == 1, "yes", "no")),
    ],
    ids=["number", "code", "real code", "word of code", "code of word", "word", "truth"],
)
def test_the_target_under_another_name_is_said(tmp_path: Path, column: Any, y: Any) -> None:
    found = notes(tmp_path, x=REALS + RNG.normal(size=ROWS), again=column, y=y)
    assert len(found) == 1
    assert "stands for one" in found[0]
    assert "exclude: [again]" in found[0]


@pytest.mark.parametrize(
    ("column", "y"),
    [
        (2 * REALS, REALS),  # a rule that a net may well be asked to find
        (CODES % 2, CODES),  # some of the classes
        (np.arange(ROWS) // 2, CODES),
        (np.where(np.arange(ROWS) == 7, 2, CODES), CODES),  # all rows but one
    ],
    ids=["line", "part", "finer", "nearly"],
)
def test_what_only_tells_something_of_the_target_is_not(
    tmp_path: Path, column: Any, y: Any
) -> None:
    found = notes(tmp_path, x=RNG.normal(size=ROWS), other=column, y=y)
    assert not [note for note in found if "stands for one" in note]


def test_classes_and_categories_that_look_alike_are_said(tmp_path: Path) -> None:
    y = np.array(["Yes", "yes", "no"])[CODES]
    town = np.array(["Ulm", "Ulm ", "Bonn"])[RNG.permutation(CODES)]
    found = notes(tmp_path, x=REALS, town=town, y=y)
    assert found[:2] == (
        "classes 'Yes' and 'yes' differ in spaces or capitals alone, and count as different",
        "categories of town 'Ulm' and 'Ulm ' differ in spaces or capitals alone, and count as "
        "different",
    )


def test_one_letter_in_two_spellings_of_unicode_is_said_with_its_codes(tmp_path: Path) -> None:
    y = np.array(["caf\u00e9", "cafe\u0301", "tea"])[CODES]  # both look like café
    [note] = [one for one in notes(tmp_path, x=REALS, y=y) if "classes" in one]
    assert note == (
        r"classes 'cafe\u0301' and 'caf\xe9' differ in how Unicode writes them alone, and count as "
        "different"
    )


def test_whole_numbers_that_are_called_an_id_and_all_differ_are_said(tmp_path: Path) -> None:
    ids = RNG.permutation(ROWS) * 7 + 1000
    found = notes(tmp_path, patient_id=ids, size=ids, x=REALS, y=WORDS)
    [note] = found
    assert note.startswith("patient_id has a different value in each row, like an identifier")


def test_a_class_that_has_nearly_all_rows_is_said_with_what_answering_it_is_worth(
    tmp_path: Path,
) -> None:
    y = np.where(np.arange(ROWS) % 12 == 0, "sick", "well")
    [note] = notes(tmp_path, x=REALS, y=y)
    assert note == (
        "55 of 60 rows are of class 'well': always answering it has an accuracy of 0.9167, so "
        "that balanced accuracy, F1 or average precision say more"
    )
    assert notes(tmp_path, x=REALS, y=np.where(np.arange(ROWS) % 6 == 0, "sick", "well")) == ()
