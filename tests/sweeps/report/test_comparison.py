"""Two sweeps side by side."""

from __future__ import annotations

from pathlib import Path

import pytest

import sweeps
from sweeps.errors import RequestError
from sweeps.findings.results import Results
from sweeps.report.comparison import comparison_sections
from tests.sweeps.sweep_files import space, write_sweep


def run(folder: Path, **sections: str) -> Results:
    folder.mkdir(exist_ok=True)
    path = write_sweep(folder, **sections)
    return sweeps.run(path, runs=folder / "runs", runner="local", tracking_uri="none")


def test_results_and_changes_stand_side_by_side(tmp_path: Path) -> None:
    first = run(tmp_path / "one", search="{method: random, trials: 6}")
    second = run(tmp_path / "two", name="other", search="{method: random, trials: 8}", seed="4")
    summary, results, changes = comparison_sections(first.folder, second.folder)
    best = [results.record.value(results.record.best) for results in (first, second)]  # type: ignore[arg-type]
    assert f"dev_loss = {min(best):.4g}" in summary.text[0]  # type: ignore[type-var]
    assert results.table is not None
    rows = {row[0]: row[1:] for row in results.table.rows}
    assert rows["trials"] == [6, 8]
    assert rows["best dev_loss"] == best
    assert any("split the data differently" in text for text in summary.text)
    assert any("test rows differ" in text for text in summary.text)
    assert changes.table is not None
    changed = {row[0]: row[1:] for row in changes.table.rows}
    assert changed == {"name": ["blobs", "other"], "seed": ["3", "4"], "search.trials": ["6", "8"]}
    assert {panel.title for panel in summary.panels} == {
        "At equal numbers of trials",
        "All results",
    }
    out = sweeps.compare(first.path, second.path, out=tmp_path / "both.html")
    assert "What was changed" in out.read_text()


def test_sweeps_are_compared_by_their_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("first", "second"):
        run(tmp_path, name=name, search="{method: random, trials: 2}")
    monkeypatch.setenv("SWEEPS_STORAGE", str(tmp_path / "runs"))
    out = sweeps.compare("first", "second", out=tmp_path / "both.html")
    assert "What was changed" in out.read_text()


def test_sweeps_on_the_same_cut_are_compared_without_a_caveat(tmp_path: Path) -> None:
    first = run(tmp_path / "one")
    split = "{source: iris, split: {seed: 3}}"
    second = run(tmp_path / "two", name="other", seed="4", data=split)
    summary, *_ = comparison_sections(first.folder, second.folder)
    assert not any("differently" in text for text in summary.text)


def test_trials_without_a_result_are_not_counted_as_results(tmp_path: Path) -> None:
    data = "{source: diabetes}"
    wild = "{kind: sgd, lr: {choice: [0.01, 100000.0]}}"
    linear = space("{kind: linear}", wild, epochs=30)
    first = run(tmp_path / "one", data=data, search="{method: grid}", space=linear)
    ended = sum(trial.best is not None for trial in first.record.trials)
    assert ended < 2
    summary, *_ = comparison_sections(first.folder, run(tmp_path / "two", data=data).folder)
    [panel] = [one for one in summary.panels if one.title == "All results"]
    assert f"of all {ended} and 6 trials" in panel.caption


def test_sweeps_of_other_data_or_objectives_are_refused(tmp_path: Path) -> None:
    first = run(tmp_path / "one")
    other = run(tmp_path / "two", data="{source: wine}")
    with pytest.raises(RequestError, match="different data, iris"):
        sweeps.compare(first.path, other.path, out=tmp_path / "both.html")
    other = run(tmp_path / "three", objective="{metric: dev_accuracy}")
    with pytest.raises(RequestError, match="different objective, dev_loss and dev_accuracy"):
        sweeps.compare(first.path, other.path, out=tmp_path / "both.html")
    assert not (tmp_path / "both.html").exists()
