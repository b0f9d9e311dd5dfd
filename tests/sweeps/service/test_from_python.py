"""What a person types in Python: a sweep as a dict, runs by name, figures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import sweeps
from sweeps.errors import SweepFileError

SWEEP: dict[str, Any] = {
    "name": "blobs",
    "data": {"source": "iris"},
    "search": {"method": "random", "trials": 3},
    "space": {
        "model": {"kind": "linear"},
        "optimizer": {"kind": "adam", "lr": {"float": [1e-3, 1e-1], "log": True}},
        "training": {"epochs": 3, "batch_size": 32, "device": "cpu"},
    },
    "stopping": {"scheduler": "none"},
}


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> sweeps.Results:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SWEEPS_STORAGE", raising=False)
    return sweeps.run(SWEEP, runner="local", tracking_uri="none")


def test_a_dict_is_a_sweep_file_and_its_run_is_found_by_name(results: sweeps.Results) -> None:
    assert results.record.outcomes.total() == 3
    assert [one.configuration for one in sweeps.plan(SWEEP)] == [
        one.trial.configuration for one in results.record.trials
    ]
    assert sweeps.plan(results.path / "sweep.yaml") == sweeps.plan(SWEEP)
    assert sweeps.open_run("blobs").path == results.path


def test_results_draw_the_figures_of_the_report_by_their_titles(results: sweeps.Results) -> None:
    figures = results.figures()
    assert {"Learning curves", "By trial", "Parameters together"} <= figures.keys()
    best = min(one.best["dev_loss"] for one in results.record.trials if one.best)
    assert min(figures["By trial"].data[-1].y) == pytest.approx(best, rel=1e-5)


def test_what_was_varied_stands_first_and_a_notebook_shows_no_more(results: sweeps.Results) -> None:
    first = ["trial", "outcome", "best_dev_loss", "best_epoch", "optimizer.lr"]
    assert list(results.trials())[:5] == first
    assert results._repr_html_().count("<th>") == len(first)


@pytest.mark.parametrize(
    ("value", "words"),
    [({"a": object()}, "must consist of strings"), ({1: 2}, "must consist of strings")],
)
def test_a_dict_with_what_no_file_can_hold_is_refused_in_words(value: Any, words: str) -> None:
    with pytest.raises(SweepFileError, match=words):
        sweeps.run(value)


def test_what_is_wrong_in_a_dict_is_said_as_of_a_file() -> None:
    with pytest.raises(SweepFileError, match=r"the mapping, as YAML:.*search\.trials"):
        sweeps.run({**SWEEP, "search": {"method": "random", "trials": 0}})
