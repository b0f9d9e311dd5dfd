"""A sweep with several objectives: the first ranks as alone, and the front shows the others."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from torch import nn

import sweeps
from sweeps.definition.loading import load_sweep
from sweeps.errors import SweepFileError
from sweeps.findings.results import Results
from sweeps.report.report import write_report
from sweeps.terminal.tables import print_answer
from tests.sweeps.sweep_files import space, write_sweep

TWO = "[{metric: dev_accuracy}, {metric: parameters}]"
# These are measurements, which no two runs share.
MEASURED = ("train_s", "started_at", "ended_at")


def ran(folder: Path, **sections: str) -> Results:
    path = write_sweep(folder, space=space(epochs=2), **sections)
    return sweeps.run(path, runs=folder / "runs", runner="local", tracking_uri="none")


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Results:
    return ran(tmp_path_factory.mktemp("two"), objective=TWO)


def lines(results: Results) -> list[dict[str, Any]]:
    found = [json.loads(line) for line in (results.path / "trials.jsonl").read_text().splitlines()]
    [(one["best"].pop("epoch_s"), one["sizes"].pop("ms_per_row")) for one in found]
    return [{key: one[key] for key in one if key not in MEASURED} for one in found]


def problem_of(folder: Path, **sections: str) -> tuple[str, int, int, str]:
    with pytest.raises(SweepFileError) as caught:
        load_sweep(write_sweep(folder, **sections))
    (one,) = caught.value.problems
    return one.path, one.line, one.column, f"{one.rule} ({one.hint})"


def test_the_trials_are_those_of_the_first_objective_alone(two: Results, tmp_path: Path) -> None:
    alone = ran(tmp_path, objective="{metric: dev_accuracy}")
    assert lines(two) == lines(alone)
    assert two.winner is not None
    assert alone.winner is not None
    assert two.winner["trial"] == alone.winner["trial"]


def test_what_a_sweep_with_one_objective_writes_says_nothing_of_others(tmp_path: Path) -> None:
    written = json.loads((ran(tmp_path).path / "sweep.json").read_text())
    assert "others" not in written["goal"]
    assert "others" not in written["sweep"]["objective"]


def test_parameters_are_as_many_as_torch_counts(two: Results) -> None:
    table = two.trials()
    widths = table["model.hidden_units"].tolist()
    nets = [nn.Sequential(nn.Linear(4, width), nn.Linear(width, 3)) for width in widths]
    counted = [sum(one.numel() for one in net.parameters()) for net in nets]
    assert table["parameters"].tolist() == counted


def test_the_front_is_that_of_optuna_over_the_recorded_values(two: Results) -> None:
    optuna = pytest.importorskip("optuna")
    table = two.trials().set_index("trial")
    pairs = table[["best_dev_accuracy", "parameters"]].sort_index().to_numpy().tolist()
    study = optuna.create_study(directions=["maximize", "minimize"])
    study.add_trials([optuna.trial.create_trial(values=one) for one in pairs])
    expected = sorted(one.number for one in study.best_trials)
    assert sorted(table.index[table["front"]]) == expected


def test_the_answer_marks_and_counts_the_trials_on_the_front(two: Results) -> None:
    console = Console(file=io.StringIO(), width=200)
    print_answer(two, console)
    text = console.file.getvalue()  # type: ignore[attr-defined]
    on = int(two.trials()["front"].sum())
    assert f"{on} of 6 trials are on the front of dev_accuracy and parameters" in text
    assert text.count("   *   ") == on


def test_the_report_draws_the_front(two: Results) -> None:
    page = write_report(two.folder, two.path / "again.html").read_text()
    assert "dev_accuracy (max), parameters (min)" in page
    assert "dev_accuracy and parameters" in page
    assert "the line is the front of these two" in page


def test_a_resumed_sweep_has_the_sizes_that_the_ledger_has(two: Results) -> None:
    again = sweeps.open_run(two.path)
    assert again.trials().equals(two.trials())


@pytest.mark.parametrize(
    ("objective", "place", "column", "words"),
    [
        (
            "[{metric: dev_acuracy}, {metric: parameters}]",
            "objective.0.metric",
            22,
            "dev_accuracy",
        ),
        ("[{metric: dev_loss}, {metric: parametres}]", "objective.1.metric", 42, "parameters"),
        ("[{metric: dev_loss}, {metric: dev_loss}]", "objective.1.metric", 42, "listed twice"),
        ("{metric: parameters}", "objective.metric", 21, "write it second"),
        ("[{metric: dev_loss}, {metrik: parameters}]", "objective.1.metrik", 34, "'metric'"),
        ("[]", "objective", 12, "write [{metric: dev_loss}, {metric: parameters}]"),
        ("dev_loss", "objective", 12, "write {metric: dev_loss}"),
        ("[dev_f1, flops]", "objective", 12, "write [{metric: dev_f1}, {metric: flops}]"),
        ("[{metric: dev_f1}, flops]", "objective.1", 31, "write {metric: flops}"),
        ("{metric: dev_loss, goal: minimize}", "objective.goal", 31, "leave it out: the metric"),
        (
            "[{metric: dev_loss}, {metric: flops, mode: min}]",
            "objective.1.mode",
            49,
            "leave it out",
        ),
    ],
)
def test_a_wrong_objective_is_answered_at_its_place_in_the_list(
    tmp_path: Path, objective: str, place: str, column: int, words: str
) -> None:
    found = problem_of(tmp_path, objective=objective)
    assert found[0] == place
    assert (found[2], words in found[3]) == (column, True), found


def test_own_training_has_no_size_that_the_product_knows(tmp_path: Path) -> None:
    (tmp_path / "sized.py").write_text("def train(trial, lr):\n    yield {'loss': lr}\n")
    own = "{training: {kind: custom, target: 'sized:train', epochs: 2, options: {lr: 1.0}}}"
    metrics, search = "{loss: {}}", "{method: random, trials: 1}"
    found = problem_of(
        tmp_path,
        space=own,
        metrics=metrics,
        search=search,
        objective="[{metric: dev_loss}, {metric: parameters}]",
    )
    assert found[0] == "objective.1.metric"
    assert "goal: min" in found[3]
