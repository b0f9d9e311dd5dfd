"""The answer at the end of a sweep: readable in a narrow terminal, and it says what to type."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

import sweeps
from sweeps.findings.results import Results
from sweeps.infra.command_line import command
from sweeps.infra.settings import IN_JOB
from sweeps.record.sweep_record import SweepRecord
from sweeps.terminal.tables import next_steps, parameter_columns, print_answer
from tests.sweeps.drivers import EVERY_EPOCH, run_command
from tests.sweeps.sweep_files import custom_model, own_net, space, write_sweep


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


@pytest.mark.parametrize(
    ("width", "parameter"), [(80, "lr"), (80, "hidden_units"), (120, "dev_accuracy")]
)
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
    assert "... and 2 more trials" in text
    assert f"Best of the search: trial {best.trial.index}, dev_loss = " in text


def test_a_learning_rate_comes_first_then_choices_then_numbers() -> None:
    flat = {"regularization.l2": 0.1, "model.kind": "mlp", "model.width": 8, "optimizer.lr": 0.01}
    columns = parameter_columns(list(flat), [flat, {"model.kind": None}])
    assert list(columns) == ["lr", "kind", "l2", "width"]


def test_columns_that_do_not_fit_are_named_with_the_file_that_has_them(results: Results) -> None:
    line = next(line for line in answer(results, 80).splitlines() if line.startswith("..."))
    assert line == (
        f"... and 2 more trials; no room for 1 column: dev_accuracy; all are in "
        f"{results.path}/trials.jsonl"
    )
    assert "no room" not in answer(results, 120)


def test_the_winner_is_shown_by_what_was_varied(results: Results) -> None:
    text = answer(results, 100).partition("Best of the search: ")[2]
    shown = [line.split()[0] for line in text.splitlines() if line.startswith("  ")]
    assert shown == ["model.hidden_units", "optimizer.lr", "(and"]
    assert "settings that were not searched)" in text


def test_where_nothing_was_varied_the_winner_is_shown_whole(tmp_path: Path) -> None:
    fixed = space(model="{kind: linear}", optimizer="{kind: sgd, lr: 0.1}", epochs=1)
    path = write_sweep(tmp_path, search="{method: random, trials: 1}", space=fixed)
    one = sweeps.run(path, runs=tmp_path / "runs", runner="local", tracking_uri="none")
    assert "  optimizer.momentum" in answer(one, 100)


def test_the_time_taken_and_the_next_commands_are_said(results: Results) -> None:
    text = answer(results, 100)
    assert "17 of 17 trials ended: 17 completed. Total time: " in text
    assert f"evaluate on test:  {command('final', results.path)}\n" in text
    assert "Open MLflow" not in text  # nothing is in MLflow
    assert "sync" not in text


def test_the_answer_of_a_job_is_one_for_the_machine_that_reads_it(
    results: Results, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(IN_JOB, "{}")
    monkeypatch.setenv("SWEEPS_STORAGE", str(results.path.parent))
    name, text = results.path.name, "\n".join(next_steps(results))
    assert f"Written to {name}/ of the cluster's storage" in text
    assert f"Report:  sweeps report {name}\n" in f"{text}\n"
    assert str(results.path.parent) not in text


def test_why_trials_failed_is_said_once_a_reason_with_where_the_tracebacks_are(
    tmp_path: Path,
) -> None:
    body = "        if self.training: raise RuntimeError('no luck [today]')"
    target = own_net(tmp_path, "own_net_without_luck", body)
    nets = ", ".join(custom_model(target, number) for number in range(3))
    fixed = space(f"{{choice: [{nets}]}}", "{kind: sgd}", epochs=1)
    path = write_sweep(tmp_path, search="{method: grid}", space=fixed, trial="{retries: 0}")
    failed = sweeps.run(path, runs=tmp_path / "runs", runner="local", tracking_uri="none")
    text = answer(failed, 100)
    reason = "failed once; last error: RuntimeError: no luck [today]"
    assert text.count(f"Trial 0 and 2 more {reason}\n") == 1
    assert f"The tracebacks are in {failed.path}/trials.jsonl" in text
    assert "No trial has a finite objective" in text


def test_what_a_failed_trial_had_reached_is_no_winner_and_no_success(tmp_path: Path) -> None:
    body = "        if self.training and self.calls > 9: raise ValueError('later')"
    target = own_net(tmp_path, "own_net_that_fails_late", body)
    fixed = space(custom_model(target, 0), "{kind: sgd}", epochs=30)
    path = write_sweep(
        tmp_path,
        search="{method: grid}",
        space=fixed,
        stopping=EVERY_EPOCH,
        trial="{retries: 0, sanity_check: skip}",
    )
    code, said = run_command("run", path, "--runs", tmp_path / "runs", "--local")
    assert code == 8, said
    assert "All trials that ended failed. The best value reached: trial" in said
    assert "Best of the search" not in said


def test_of_a_sweep_without_any_report_it_is_not_said_that_its_objective_was_not_finite(
    results: Results,
) -> None:
    begun = Results(
        results.folder, SweepRecord(results.folder.read_plan(), results.record.objective)
    )
    assert "No trial has reported anything yet: there is no winner." in answer(begun, 100)


def test_a_record_that_mlflow_lacks_is_said_with_the_command_that_completes_it(
    results: Results,
) -> None:
    lacking = Results(results.folder, results.record, "MLflow at http://host: connection refused")
    text = answer(lacking, 80)
    assert "MLflow's record is incomplete: MLflow at http://host: connection refused" in text
    assert command("sync", results.path) in text


@pytest.mark.parametrize(
    ("runs", "words"), [("runs", ("ui",)), ("others", ("ui", "--runs", "others"))]
)
def test_where_to_look_is_said_of_what_mlflow_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, runs: str, words: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    path = write_sweep(tmp_path, search="{method: random, trials: 1}")
    one = sweeps.run(path, runs=runs, runner="local", tracking_uri="none")
    (tmp_path / runs / "mlflow.db").touch()
    assert f"Open MLflow:  {command(*words)}\n" in answer(one, 100)


def test_trials_that_diverged_are_said_with_the_reason(tmp_path: Path) -> None:
    wild = space("{kind: linear}", "{kind: sgd, lr: {float: [1.0e+5, 1.0e+6]}}")
    path = write_sweep(
        tmp_path, data="{source: diabetes}", search="{method: random, trials: 2}", space=wild
    )
    one = sweeps.run(path, runs=tmp_path / "runs", runner="local", tracking_uri="none")
    text = " ".join(answer(one, 100).split())
    assert "Trial 0 and 1 more diverged: " in text
    assert one.record.trials[0].reason in text


def test_a_sweep_that_goes_on_has_a_best_so_far(results: Results) -> None:
    assert "Best of the search: " in answer(results, 100)
    results.record.trials[-1].outcome, ended = None, results.record.trials[-1].outcome
    text = answer(results, 100)
    results.record.trials[-1].outcome = ended
    assert "Best so far: trial " in text
    assert "Best of the search" not in text


def test_results_say_where_they_are_and_how_far(results: Results) -> None:
    assert repr(results) == f"<results of {results.path}: 17 of 17 trials ended>"
