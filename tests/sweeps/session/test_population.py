"""A population is trained, killed, resumed, repeated, and its winner's schedule is what counts."""

from __future__ import annotations

import io
import json
import shutil
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

import sweeps
from sweeps.cli.commands import main
from sweeps.errors import RequestError
from sweeps.findings.results import Results
from sweeps.models.training.training import Training
from sweeps.models.training.weights import load_weights
from sweeps.record.kept_weights import best_weights
from sweeps.record.ledger import Ledger, read_events
from sweeps.report.lineage_figure import ancestry
from sweeps.report.report import report_sections
from sweeps.session.sweep_data import load_data
from sweeps.terminal.console import PlainConsole
from sweeps.terminal.tables import print_answer
from tests.sweeps.drivers import driver, events, wait_for
from tests.sweeps.sweep_files import space, write_sweep

PBT = "{scheduler: pbt, interval_epochs: 2, quantile_fraction: 0.4}"
MLP = "{kind: mlp, hidden_layers: 1, hidden_units: {int: [4, 16]}, dropout: {float: [0.01, 0.5]}}"
SGD = "{kind: sgd, lr: {float: [1.0e-4, 1.0], log: true}, momentum: {float: [0.1, 0.9]}}"
FINAL = "{top_k: 2, seeds: 2}"


def population(folder: Path, **sections: str) -> Path:
    # Of this seed, the final's winner is a copy.
    parts = {
        "seed": "1",
        "stopping": PBT,
        "space": space(MLP, SGD, epochs=7),
        "final": FINAL,
        **sections,
    }
    return write_sweep(folder, **parts)


def run(path: Path, runs: str = "runs", runner: Any = "local", **options: Any) -> Results:
    folder = path.parent / runs
    return sweeps.run(path, runs=folder, runner=runner, tracking_uri="none", **options)


def resumed_after_a_kill(path: Path) -> Results:
    """Return a population that was killed after its first copies, and resumed."""
    runs = path.parent / "runs"
    with driver("run", path, "--runs", runs, "--id", "killed", "--local") as process:
        wait_for(lambda: events(runs / "killed", "copied"))
        process.signal(signal.SIGKILL)
        process.wait()
    return sweeps.resume(runs / "killed", runner="local", tracking_uri="none")


def told(results: Results) -> Any:
    """All that must be the same in a repetition: copies, rows, configurations, weights."""
    rows = results.epochs().drop(columns="epoch_s").sort_values(["trial", "epoch"])
    trials = [
        (one.trial, one.copies, one.weights_sum, one.best_epoch) for one in results.record.trials
    ]
    weights = sorted((one.name, one.read_bytes()) for one in results.folder.weights.iterdir())
    final = None if results.final is None else results.final.model.sha256
    return rows.to_dict("records"), trials, weights, final


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: pytest.TempPathFactory) -> Results:
    return run(population(tmp_path_factory.mktemp("unbroken")))


def test_the_worst_go_on_as_copies_and_all_rows_are_there(unbroken: Results) -> None:
    copied = events(unbroken.path, "copied")
    assert [one["epoch"] for one in copied] == [2, 2, 2, 4, 4, 4, 6, 6, 6]
    assert len(unbroken.epochs()) == 6 * 7
    assert all(
        one.best_epoch > one.copies[-1].epoch for one in unbroken.record.trials if one.copies
    )


def test_a_copy_is_in_the_ledger_before_its_trial_goes_on(unbroken: Results) -> None:
    lines = (unbroken.path / "ledger.jsonl").read_text().splitlines()
    first = next(at for at, line in enumerate(lines) if '"copied"' in line)
    later = [line for line in lines[first:] if '"epoch":3' in line]
    assert len(later) == 6


def trained_anew(results: Results, index: int) -> Training:
    """A trial by its configuration and seed alone, from new weights to its end."""
    record, folder = results.record, results.folder
    data = [one.train_dev() for one in load_data(folder, folder.read_sweep()).splits]
    trial = record.trials[index].trial
    objective = replace(record.objective, recorded=folder.read_sweep().recorded_metrics)
    training = Training(trial.config, data, objective, trial.seed)
    while training.outcome is None:
        training.train_epoch()
    return training


@pytest.mark.parametrize("index", range(6))
def test_each_trial_is_the_one_that_its_configuration_trains_from_the_beginning(
    unbroken: Results, index: int
) -> None:
    training, trial = trained_anew(unbroken, index), unbroken.record.trials[index]
    assert training.best_row is not None
    assert trial.best is not None
    assert {**training.best_row, "epoch_s": 0} == {**trial.best, "epoch_s": 0}
    kept, _ = load_weights(best_weights(unbroken.folder.weights, trial))
    assert all(torch.equal(one, kept[name]) for name, one in training.best_weights.items())


@pytest.mark.ray
def test_ray_trains_the_same_population(unbroken: Results, tmp_path: Path) -> None:
    assert told(run(population(tmp_path), runner="ray")) == told(unbroken)


def test_a_population_that_was_killed_goes_on_as_an_unbroken_one(
    unbroken: Results, tmp_path: Path
) -> None:
    assert told(resumed_after_a_kill(population(tmp_path))) == told(unbroken)


@pytest.mark.parametrize("kept", [0, 1, 4], ids=["no copy", "one of three", "four"])
def test_copies_that_the_ledger_lost_and_all_checkpoints_come_out_the_same(
    unbroken: Results, tmp_path: Path, kept: int
) -> None:
    cut = tmp_path / "cut"
    shutil.copytree(unbroken.path, cut, ignore=shutil.ignore_patterns("final", "*.pt", "*.jsonl"))
    for name in ("plan.jsonl", "ledger.jsonl"):
        shutil.copy(unbroken.path / name, cut)
    lines = (cut / "ledger.jsonl").read_bytes().splitlines(keepends=True)
    copies = [at for at, line in enumerate(lines) if b'"event":"copied"' in line]
    (cut / "ledger.jsonl").write_bytes(b"".join(lines[: copies[kept]]))
    resumed = sweeps.resume(cut, runner="local", tracking_uri="none")
    assert told(resumed) == told(unbroken)


def test_replay_makes_every_copy_again_and_finds_one_that_does_not_follow(
    unbroken: Results, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["replay", str(unbroken.path)]) == 0
    assert "all 6 planned trials and all 9 copies follow" in capsys.readouterr().out
    changed = tmp_path / "changed"
    shutil.copytree(unbroken.path, changed, ignore=shutil.ignore_patterns("ledger.jsonl"))
    ledger = Ledger(changed / "ledger.jsonl")
    ledger.append(*map(_with_another_copy, read_events(unbroken.folder.ledger)))
    ledger.close()
    assert main(["replay", str(changed)]) == 1
    assert "does not follow: in the ledger it copied trial" in capsys.readouterr().out


def _with_another_copy(event: dict[str, Any]) -> dict[str, Any]:
    """The copies after epoch 4 went on with another rate."""
    if event["event"] == "copied" and event["epoch"] == 4:
        return event | {"values": {**event["values"], "optimizer.lr": 0.5}}
    return event


def test_a_final_repeats_the_whole_schedule_of_the_best(unbroken: Results) -> None:
    best = [one.trial for one in unbroken.record.ranked()[:2]]
    assert unbroken.final is not None
    folder = unbroken.path / "final"
    plan = [json.loads(line) for line in (folder / "plan.jsonl").read_text().splitlines()]
    assert [one["configuration"] for one in plan] == [one.configuration for one in best] * 2
    assert any("changes" in one["configuration"] for one in plan)
    repeat = next(at for at, one in enumerate(plan) if one["hash"] == unbroken.final.winner.hash)
    reports = [one for one in events(folder, "report") if one["trial"] == repeat]
    rates = {row["lr"] for report in reports for row in report["epochs"]}
    assert len(rates) == 2


def test_a_population_cannot_be_extended(unbroken: Results) -> None:
    with pytest.raises(
        RequestError, match=r"trials start together.*start a new sweep with search.tri"
    ):
        sweeps.extend(unbroken.path, 2, runner="local", tracking_uri="none")
    assert len(unbroken.folder.read_plan()) == 6


def test_the_schedule_and_lineage_of_the_winner_are_told(unbroken: Results) -> None:
    printed = io.StringIO()
    print_answer(unbroken, PlainConsole(file=printed, width=160))
    assert "from epoch" in printed.getvalue()
    sections = {one.title: one for one in report_sections(unbroken.folder)}
    lineage = sections["Who copied whom"]
    assert lineage.table is not None
    assert lineage.table.columns[0] == "from epoch"
    assert all(panel.figure is None for panel in sections["The space"].panels)
    assert any("The trials copied one another" in text for text in sections["In short"].text)
    # All wait for one another, so that the number of workers changes nothing.
    [again] = sections["How to reproduce this"].text
    assert again.endswith("the seed and these versions give the same trials and copies again.")


@pytest.mark.parametrize("index", range(6))
def test_an_ancestry_covers_every_epoch_once(unbroken: Results, index: int) -> None:
    found = ancestry(unbroken.record.trials, index)
    assert [after for _, after, _ in found] == [0, *(until for *_, until in found[:-1])]
    assert found[-1][2] == 7
