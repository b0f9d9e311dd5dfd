"""Test rows that another sweep of the storage opened before are no first look, and it is said."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

import sweeps
from sweeps.findings.results import Results
from sweeps.findings.wording import MeasuredOn, words_of_test_rows
from sweeps.record.uses_of_test import opened_before
from sweeps.terminal.tables import print_answer
from sweeps.tracking.mlflow.values import final_metrics
from tests.sweeps.sweep_files import space, write_sweep

ON_DISK: Any = {"runner": "local", "tracking_uri": "none"}


def run(folder: Path, **sections: str) -> Results:
    fixed = {"search": "{method: random, trials: 1}", "final": "{top_k: 1, seeds: 2, refit: false}"}
    path = write_sweep(folder, **{**fixed, "space": space(epochs=1), **sections})
    return sweeps.run(path, runs=folder / "runs", **ON_DISK)


@pytest.fixture(scope="module")
def twice(tmp_path_factory: pytest.TempPathFactory) -> tuple[Results, Results]:
    """A sweep, and another of the same data and split with another space."""
    folder = tmp_path_factory.mktemp("uses")
    return run(folder), run(folder, space=space(epochs=2))


def answer(results: Results) -> str:
    screen = StringIO()
    print_answer(results, Console(width=80, file=screen))
    return screen.getvalue()


def metrics(results: Results) -> dict[str, float]:
    found = final_metrics(results.record, results.final, results.openings)
    return {one.key: one.value for one in found}


def test_the_first_of_two_sweeps_is_a_first_look(twice: tuple[Results, Results]) -> None:
    first, _ = twice
    assert "test rows that no trial had seen (used once):" in answer(first)
    assert metrics(first)["test/openings"] == 1


def test_the_second_says_who_looked_before(twice: tuple[Results, Results]) -> None:
    _, second = twice
    said = "test rows (opened before by blobs, 2 times in all, so these figures may be"
    assert second.path.name == "blobs-2"
    assert f"{said} optimistic):" in answer(second)
    assert "no trial had seen" not in answer(second)
    final = json.loads((second.path / "final/final.json").read_text())
    assert final["opened_before"] == ["blobs"]
    assert metrics(second)["test/openings"] == 2
    page = sweeps.write_report(second.path, out=second.path / "again.html").read_text()
    assert page.count(said) >= 1
    assert "no trial had seen" not in page


@pytest.mark.parametrize(
    "sections",
    [{"seed": "4"}, {"data": "{source: iris, split: {test: 0.3}}"}, {"data": "{source: wine}"}],
    ids=["another seed", "another fraction", "other data"],
)
def test_other_test_rows_are_a_first_look(
    twice: tuple[Results, Results], tmp_path: Path, sections: dict[str, str]
) -> None:
    shutil.copytree(twice[0].path, tmp_path / "runs" / "first")
    assert run(tmp_path, **sections).final.opened_before == ()  # type: ignore[union-attr]


def test_folds_have_the_same_test_rows(twice: tuple[Results, Results], tmp_path: Path) -> None:
    shutil.copytree(twice[0].path, tmp_path / "runs" / "first")
    folds = run(tmp_path, data="{source: iris, split: {folds: 3}}")
    assert folds.final is not None
    assert folds.final.opened_before == ("first",)


def test_copies_count_once_and_damaged_sweeps_do_not(
    twice: tuple[Results, Results], tmp_path: Path
) -> None:
    first, second = twice
    for name in ("a", "b", "damaged"):
        shutil.copytree(first.path, tmp_path / name)
    (tmp_path / "damaged" / "openings.jsonl").write_text("{\n")
    own = Path(shutil.copytree(second.path, tmp_path / "own"))
    shutil.copytree(own, tmp_path / "copy of own")
    assert opened_before(sweeps.open_run(own).folder) == ("a",)


def test_many_sweeps_are_counted_and_some_named(twice: tuple[Results, Results]) -> None:
    choice = twice[1].final
    assert choice is not None
    many = replace(choice, opened_before=("a", "b", "a", "c", "d"))
    words = words_of_test_rows(many, twice[1].openings, MeasuredOn(30, 1))
    assert "opened before by a, b, c and 1 more, 6 times in all" in words
