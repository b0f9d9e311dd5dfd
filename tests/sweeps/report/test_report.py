"""The report says what the record says, and takes texts for texts."""

from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import sweeps
from sweeps.findings.results import Results
from sweeps.infra.command_line import command
from sweeps.models.configuration import TrialConfig
from sweeps.record.description import DataDescription, SplitRows
from sweeps.record.replay import read_record
from sweeps.record.run_folder import RunFolder
from sweeps.report.page import PageSection, PageTable, Panel, render
from sweeps.report.parameter_figures import parallel_coordinates
from sweeps.report.report import _rare_classes, report_sections
from sweeps.report.trial_figures import history_panels
from sweeps.search_spaces.yaml_reader import parse_yaml
from sweeps.session.closing import draw_report
from sweeps.terminal.tables import next_steps
from tests.sweeps.analysis.evidence_examples import evidence
from tests.sweeps.sweep_files import custom_model, own_net, space, write_sweep


def run(folder: Path, **sections: str) -> Results:
    path = write_sweep(folder, **sections)
    return sweeps.run(path, runs=folder / "runs", runner="local", tracking_uri="none")


def panels(folder: RunFolder) -> dict[str, Panel]:
    return {panel.title: panel for section in report_sections(folder) for panel in section.panels}


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    folder = tmp_path_factory.mktemp("report")
    return run(folder, search="{method: random, trials: 12}", stopping="{scheduler: asha}")


def test_the_report_is_written_when_a_sweep_ends_and_again_when_asked(results: Results) -> None:
    path = results.path / "report.html"
    assert path.exists()
    path.unlink()
    assert sweeps.write_report(results.path) == path
    assert path.stat().st_size < 20e6
    other = results.path.parent / "elsewhere.html"
    assert sweeps.write_report(results.path, out=other) == other
    assert other.exists()


def test_the_best_curve_and_the_running_best_are_those_of_the_record(results: Results) -> None:
    best = results.record.best
    assert best is not None
    found = panels(results.folder)
    curve = next(t for t in figure(found["Learning curves"]).data if str(t.name).startswith("best"))
    epochs = results.epochs()
    own = epochs[epochs.trial == best.trial.index]
    assert list(curve.x) == own.epoch.tolist()
    assert list(curve.y) == pytest.approx(own.dev_loss.tolist(), rel=1e-5)
    running = next(t for t in figure(found["By trial"]).data if t.name == "best so far")
    values = [results.record.value(trial) for trial in results.record.trials]
    assert list(running.y) == pytest.approx(np.minimum.accumulate(np.array(values)), rel=1e-5)


def test_of_trials_with_one_accuracy_the_curves_name_the_one_that_is_ranked_first(
    tmp_path: Path,
) -> None:
    results = run(
        tmp_path, seed="2", objective="{metric: dev_accuracy}",
        search="{method: random, trials: 12}", space=space(epochs=40),
    )  # fmt: skip
    record = results.record
    best = record.best
    assert best is not None
    tied = [one for one in record.trials if record.value(one) == record.value(best)]
    assert tied[0].trial.index < best.trial.index  # in the order of the plan another comes first
    found = figure(panels(results.folder)["Learning curves"])
    assert f"best: trial {best.trial.index}" in [trace.name for trace in found.data]


def test_the_curves_axis_holds_what_is_drawn_and_no_curve_that_is_not(tmp_path: Path) -> None:
    """Of many trials bands are drawn: an absurd value of one trial is in none of them."""
    results = run(
        tmp_path,
        search="{method: random, trials: 24}",
        space=space(optimizer="{kind: sgd, lr: {float: [0.001, 30], log: true}}", epochs=4),
    )
    made = figure(panels(results.folder)["Learning curves"])
    drawn = np.concatenate([np.array(trace.y, dtype=float) for trace in made.data])
    assert results.epochs().dev_loss.max() > 3 * np.nanmax(drawn)
    ends = np.array([np.nanmin(drawn), np.nanmax(drawn)])
    low, high = np.log10(ends) if made.layout.yaxis.type == "log" else ends
    assert made.layout.yaxis.range[1] <= high + 0.2 * (high - low)


def figure(panel: Panel) -> Any:
    assert panel.figure is not None
    return panel.figure


def test_the_summary_names_winner_outcomes_and_the_next_step(results: Results) -> None:
    [summary, *_] = report_sections(results.folder)
    text = " ".join(summary.text)
    best = results.record.best
    assert best is not None
    assert f"Best of the search: trial {best.trial.index}" in text
    assert "A random search of 12 trials on iris" in text
    assert command("final", results.path) in text


def test_the_table_has_every_trial_with_its_outcome(results: Results) -> None:
    [table] = [one.table for one in report_sections(results.folder) if one.table is not None]
    outcomes = {row[0]: row[list(table.columns).index("outcome")] for row in table.rows}
    assert outcomes == {t.trial.index: str(t.outcome) for t in results.record.trials}


def test_the_best_configuration_can_be_copied_into_a_sweep_file(results: Results) -> None:
    best = results.record.best
    assert best is not None
    [summary, *_] = report_sections(results.folder)
    assert summary.files is not None
    [(title, text)] = summary.files.items()
    assert f"trial {best.trial.index}" in title
    space = parse_yaml(text, "copied").value["space"]
    assert TrialConfig.model_validate(space) == TrialConfig.model_validate(best.trial.configuration)


def test_folds_say_how_many_are_as_good_as_the_best(tmp_path: Path) -> None:
    results = run(tmp_path, data="{source: iris, split: {folds: 3, test: 0.2}}")
    record = results.record
    best = record.best
    assert best is not None
    assert best.best is not None
    low, error = best.best["dev_loss"], best.best["dev_loss_se"]
    values = [record.value(one) for one in record.trials]
    near = sum(low < value <= low + error for value in values if value is not None)
    [summary, *_] = report_sections(results.folder)
    said = next(text for text in summary.text if "standard error over folds" in text)
    number = {0: "No other trial is", 1: "1 other trial is"}.get(near, f"{near} other trials are")
    assert said.startswith(number)


def test_what_failed_is_told_once_with_its_trials(tmp_path: Path) -> None:
    broken = own_net(tmp_path, "net_that_always_fails", "        raise RuntimeError('no way')")
    model = space(custom_model(broken), "{kind: sgd, lr: {float: [0.1, 0.2]}}")
    results = run(tmp_path, search="{method: random, trials: 3}", space=model, trial="{retries: 0}")
    [table] = [one.table for one in report_sections(results.folder) if one.title == "What failed"]
    assert table is not None
    [[number, outcome, reason, which]] = table.rows
    assert (number, outcome, which) == (3, "failed", "0, 1, 2")
    assert "no way" in reason


def test_texts_of_the_user_are_shown_and_never_run() -> None:
    evil = "</script><script>alert('x')</script><img src=x onerror=alert(1)>"
    section = PageSection(
        evil, [evil], [Panel(evil, evil)], {evil: evil}, PageTable([evil], [[evil]]), [evil]
    )
    page = render(evil, [section])
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    data = re.search(r"const TABLES = (.*?);</script>", page)
    assert data is not None
    assert json.loads(data[1]) == [{"columns": [evil], "rows": [[evil]]}]


@pytest.mark.parametrize(
    "sections",
    [
        {"search": "{method: random, trials: 1}"},
        {"data": "{source: diabetes}", "objective": "{metric: dev_r2}"},
        {
            "data": "{source: diabetes}",
            "space": space("{kind: linear}", "{kind: sgd, lr: {float: [1.0e+3, 2.0e+3]}}"),
        },
        {
            "search": "{method: grid}",
            "space": space("{kind: linear}", "{kind: sgd, lr: {choice: [0.1, 0.01]}}"),
        },
    ],
    ids=["one trial", "regression", "all diverged", "grid of one parameter"],
)
def test_small_and_other_sweeps_have_a_report(tmp_path: Path, sections: dict[str, str]) -> None:
    results = run(tmp_path, **sections)
    page = (results.path / "report.html").read_text(encoding="utf-8")
    assert "data-figure" in page or "What failed" in page


def test_a_sweep_in_which_nothing_came_out_has_a_report(tmp_path: Path) -> None:
    broken = own_net(tmp_path, "net_that_fails", "        raise RuntimeError('<b>no</b>')")
    searched = "{method: random, trials: 1}"
    model = space(custom_model(broken), "{kind: sgd}")
    results = run(tmp_path, search=searched, space=model, trial="{retries: 0}")
    page = (results.path / "report.html").read_text()
    assert "No trial has a finite objective" in page
    assert "<b>no</b>" not in page


def test_a_folder_before_its_first_trial_has_a_report(tmp_path: Path) -> None:
    results = run(tmp_path)
    results.folder.ledger.unlink()
    for path in results.folder.weights.iterdir():
        path.unlink()
    assert read_record(results.folder).best is None
    text = sweeps.write_report(results.path).read_text()
    assert "6 trials have not ended" in text


def test_a_report_that_cannot_be_drawn_leaves_no_older_one_and_is_missed(
    results: Results, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    shutil.copytree(results.path, tmp_path / "copy")
    copy = sweeps.open_run(tmp_path / "copy")
    assert any("Report:" in text for text in next_steps(copy))

    def fails(*arguments: Any) -> None:
        raise ValueError("no ink")

    monkeypatch.setattr("sweeps.report.report.write_report", fails)
    assert draw_report(copy.folder) is None
    said = "the report could not be drawn: ValueError('no ink')\n"
    assert capsys.readouterr().err == said
    assert not (copy.path / "report.html").exists()
    assert any("There is no report; try:" in text for text in next_steps(copy))


def test_a_report_that_cannot_even_be_imported_costs_no_sweep(
    results: Results, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    shutil.copytree(results.path, tmp_path / "copy")
    monkeypatch.setitem(sys.modules, "sweeps.report.report", None)
    assert draw_report(RunFolder.open(tmp_path / "copy")) is None
    assert "could not be drawn: ModuleNotFoundError" in capsys.readouterr().err


def test_a_parameter_that_some_trials_lack_and_others_have_at_one_value_is_no_axis() -> None:
    options = [{"kind": "sgd", "momentum": {"choice": [0.9]}}, {"kind": "adam"}]
    trials = [{"optimizer": {"kind": "sgd", "momentum": 0.9}}, {"optimizer": {"kind": "adam"}}] * 3
    made = evidence({"optimizer": {"choice": options}}, trials, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
    panel = parallel_coordinates(made, [])
    assert panel is not None
    [lines] = figure(panel).data
    assert [one["label"] for one in lines.dimensions] == ["optimizer", "dev_loss"]


def test_trials_of_which_none_had_ended_have_no_picture_by_the_clock() -> None:
    lrs = [{"optimizer": {"kind": "adam", "lr": lr}} for lr in (0.1, 0.2)]
    space = {"optimizer": {"kind": "adam", "lr": {"float": [0.01, 1.0]}}}
    made = evidence(space, lrs, [1.0, 2.0])
    assert [panel.title for panel in history_panels(made)] == ["By trial"]
    for at, trial in enumerate(made.trials):
        trial.worked_s = 1.0 + at if at else None
    assert [panel.title for panel in history_panels(made)] == ["By trial", "By the clock"]


def test_the_command_to_reproduce_names_the_file_that_was_run(results: Results) -> None:
    file = results.folder.read_description().file
    assert Path(file).exists()
    assert command("run", file) in (results.path / "report.html").read_text()


def test_where_the_file_is_not_known_the_copy_in_the_folder_is_named(
    results: Results, tmp_path: Path
) -> None:
    shutil.copytree(results.path, tmp_path / "copy")
    folder = RunFolder.open(tmp_path / "copy")
    description = folder.description_values()
    del description["file"]
    folder.write_description(description)
    again, text = report_sections(folder)[-1].code
    assert again == command("run", str(folder.source))
    assert Path(folder.source).read_text(encoding="utf-8") == text


def test_folders_of_modules_are_part_of_the_command_to_reproduce(
    results: Results, tmp_path: Path
) -> None:
    shutil.copytree(results.path, tmp_path / "copy")
    folder = RunFolder.open(tmp_path / "copy")
    folder.change_description({"module_folders": ["/my project"]})
    again, _ = report_sections(folder)[-1].code
    assert again.startswith(f"PYTHONPATH='/my project' {command('run')} ")


def test_what_is_better_is_said_of_the_rows_and_groups_it_was_measured_on(tmp_path: Path) -> None:
    rows = [f"{at % 11},p{at // 10},{'ab'[at % 2]}" for at in range(200)]
    (tmp_path / "patients.csv").write_text("\n".join(["x,patient,y", *rows, ""]))
    made = space("{kind: mlp, activation: {choice: [relu, tanh]}}", epochs=1)
    sections = {"search": "{method: random, trials: 8}", "space": made}
    data = "{source: patients.csv, target: y, split: {group: patient}}"
    path = write_sweep(tmp_path, data=data, **sections)
    found = sweeps.run(path, runs=tmp_path / "runs", runner="local", tracking_uri="none")
    page = (found.path / "report.html").read_text()
    assert "measured on the same 40 dev rows of 4 groups" in page
    assert "need not be on other groups" in page


def test_the_next_command_can_be_copied_and_texts_stay_texts(results: Results) -> None:
    page = (results.path / "report.html").read_text()
    assert f"<code>{command('final', results.path)}</code>" in page
    section = PageSection("t", ["`a` & <b>, a ` alone"])
    assert "<p><code>a</code> &amp; &lt;b&gt;, a ` alone</p>" in render("t", [section])


def test_parallel_axes_have_short_names_and_a_logarithmic_objective_where_it_is_wide() -> None:
    space = {
        "optimizer": {"lr": {"float": [0.1, 1.0]}},
        "model": {"units": {"int": [1, 9]}},
        "training": {"units": {"int": [1, 9]}},
    }
    trials = [
        {"optimizer": {"lr": 0.1 * n}, "model": {"units": n}, "training": {"units": n}}
        for n in range(1, 6)
    ]
    made = evidence(space, trials, [0.01, 0.1, 0.5, 0.8, 1.0])
    panel = parallel_coordinates(made, [])
    assert panel is not None
    axes = figure(panel).data[0].dimensions
    assert {one["label"] for one in axes} == {"lr", "model.units", "training.units", "dev_loss"}
    assert axes[-1]["ticktext"][0] == "0.01"
    assert axes[-1]["values"][1] == pytest.approx(-1)
    assert f"min-width:{panel.min_width_px}px" in render("t", [PageSection("t", panels=[panel])])


@pytest.mark.parametrize(
    ("test_rows", "cut", "is_said"),
    [(120, None, True), (99, None, False), (120, "by the groups of `patient`", False)],
)
def test_rare_classes_that_weigh_more_in_test_rows_are_said(
    test_rows: int, cut: str | None, is_said: bool
) -> None:
    rows = {"train": 990 - 120 - test_rows, "dev": 120, "test": test_rows}
    splits = tuple(SplitRows(name, number, "") for name, number in rows.items())
    found = _rare_classes(DataDescription("a.csv", "", "classification", splits, cut or ""), 0.1)
    assert bool(found) is is_said
    assert all("there are 120 test rows instead of the 99 asked for" in one for one in found)
