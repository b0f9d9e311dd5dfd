"""The answer at the end of a sweep: readable in a narrow terminal, and it says what to type."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

import sweeps
from sweeps.record.results import Results
from sweeps.terminal.tables import print_answer
from tests.sweeps.sweep_files import write_sweep


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    folder = tmp_path_factory.mktemp("tables")
    path = write_sweep(folder, search="{method: random, trials: 17}")
    return sweeps.run(path, runs=folder / "runs", runner="local", tracking_uri="none")


def answer(results: Results, width: int) -> str:
    console = Console(file=io.StringIO(), width=width)
    print_answer(results, console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.mark.parametrize(("width", "parameter"), [(80, "hidden_units"), (120, "lr")])
def test_the_ranked_table_fits_the_terminal_and_shows_what_was_varied(
    results: Results, width: int, parameter: str
) -> None:
    table = answer(results, width).split("... and")[0].splitlines()
    assert max(len(line) for line in table) <= width
    assert {"rank", "dev_loss", "outcome", parameter} <= set("".join(table[:3]).split())
    assert not any("…" in line for line in table)


def test_trials_are_ranked_and_the_rest_is_counted(results: Results) -> None:
    text = answer(results, 100)
    best = results.record.ranked()[0]
    [first] = [line.split() for line in text.splitlines() if line.split()[:1] == ["1"]]
    assert first[1] == str(best.trial.index)
    assert "... and 2 more" in text
    assert f"Winner: trial {best.trial.index}, dev_loss = " in text


def test_the_next_command_is_said(results: Results) -> None:
    assert "make ui" in answer(results, 100)
    assert "sync" not in answer(results, 100)


def test_a_record_that_mlflow_lacks_is_said_with_the_command_that_completes_it(
    results: Results,
) -> None:
    lacking = Results(results.folder, results.record, "MLflow at http://host: connection refused")
    text = answer(lacking, 80)
    assert "MLflow lacks a part of the record: MLflow at http://host: connection refused" in text
    assert f"python -m sweeps sync {results.path}" in text
