"""Both runners obey one contract: same plan, same records, same numbers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import sweeps
from sweeps.findings.results import Results
from tests.sweeps.sweep_files import custom_model, own_net, space, write_sweep

RUNNERS = ["local", pytest.param("ray", marks=pytest.mark.ray)]
HYPERBAND = "{scheduler: hyperband, reduction_factor: 3}"


def run(path: Path, runner: Any = "local", **options: Any) -> Results:
    runs = path.parent / f"runs-{runner}"
    return sweeps.run(path, runs=runs, runner=runner, tracking_uri="none", **options)


def curves(results: Results) -> list[dict[str, float]]:
    frame = results.epochs().drop(columns="epoch_s").sort_values(["trial", "epoch"])
    return frame.to_dict("records")


def outcomes(results: Results) -> list[str]:
    return [str(trial.outcome) for trial in results.record.trials]


@pytest.mark.ray
@pytest.mark.parametrize("stopping", ["{scheduler: none}", HYPERBAND], ids=["none", "hyperband"])
def test_both_runners_give_the_same_curves_and_outcomes(tmp_path: Path, stopping: str) -> None:
    path = write_sweep(tmp_path, stopping=stopping)
    local, ray = run(path, "local"), run(path, "ray")
    assert curves(local) == curves(ray)
    assert outcomes(local) == outcomes(ray)
    assert local.winner is not None
    assert ray.winner is not None
    assert local.winner["best"]["epoch"] == ray.winner["best"]["epoch"]


def test_a_sweep_without_a_scheduler_completes_every_trial(tmp_path: Path) -> None:
    results = run(write_sweep(tmp_path))
    assert outcomes(results) == ["completed"] * 6
    assert len(results.epochs()) == 6 * 9


@pytest.mark.parametrize("runner", RUNNERS)
def test_every_kind_of_ending_has_its_own_outcome(tmp_path: Path, runner: str) -> None:
    target = own_net(
        tmp_path,
        f"endings_{runner}",
        "        if self.number == 1 and self.calls > 20: out = out * float('nan')\n"
        "        if self.number == 2 and self.calls > 20: raise RuntimeError('no more')\n",
    )
    listed = [
        "{model: {kind: linear}}",
        f"{{model: {custom_model(target, 1)}}}",
        f"{{model: {custom_model(target, 2)}}}",
        "{model: {kind: linear}, optimizer: {kind: sgd, lr: 1.0e-9}}",
    ]
    early = ", regularization: {early_stopping: {patience: 2, min_delta: 0.001}}"
    path = write_sweep(
        tmp_path,
        search=f"{{method: manual, configurations: [{', '.join(listed)}]}}",
        trial="{retries: 1}",
        space=space("{kind: linear}", "{kind: adam, lr: 0.05}", more=early),
    )
    results = run(path, runner)
    assert outcomes(results) == ["completed", "diverged", "failed", "early_stopped"]
    failed = results.record.trials[2]
    assert "no more" in failed.reason
    assert len(failed.failures) == 2


@pytest.mark.parametrize("runner", RUNNERS)
def test_asha_records_each_decision_with_the_rung_that_it_saw(tmp_path: Path, runner: str) -> None:
    stopping = "{scheduler: asha, grace_epochs: 1, reduction_factor: 3}"
    results = run(write_sweep(tmp_path, stopping=stopping), runner)
    lines = results.folder.ledger.read_text().splitlines()
    decisions = [event for event in map(json.loads, lines) if event["event"] == "decision"]
    assert [d["seen"]["trials"] for d in decisions if d["seen"]["rung"] == 1] == list(range(6))
    assert "pruned" in outcomes(results)
    assert sum(d["action"] == "STOP" for d in decisions) == outcomes(results).count("pruned")


@pytest.mark.parametrize("runner", RUNNERS)
def test_a_trial_that_trains_past_its_limit_has_failed(tmp_path: Path, runner: str) -> None:
    target = own_net(tmp_path, f"slow_{runner}", "        time.sleep(0.05)\n")
    path = write_sweep(
        tmp_path,
        trial="{timeout_s: 0.3}",
        search="{method: random, trials: 1}",
        space=space(custom_model(target)),
    )
    results = run(path, runner)
    assert outcomes(results) == ["failed"]
    # Between two epochs, or by the watchdog of a worker whose epoch takes 2 s longer than it may.
    said = ("trained for more than trial.timeout_s = 0.3 s", "hung: killed past trial.timeout_s")
    assert results.record.trials[0].reason.startswith(said[: 1 + (runner == "ray")])


@pytest.mark.parametrize("runner", RUNNERS)
def test_a_target_stops_the_sweep_and_resume_runs_the_rest(tmp_path: Path, runner: str) -> None:
    path = write_sweep(tmp_path, budget="{target: 10.0}", resources="{workers: 1}")
    first = run(path, runner)
    assert "budget.target = 10 is reached" in str(first.record.stopped)
    assert len(first.record.unfinished) > 0
    rest = sweeps.resume(
        first.path, overrides=["budget.target=null"], runner=runner, tracking_uri="none"
    )
    assert outcomes(rest) == ["completed"] * 6


def test_extend_adds_trials_and_leaves_the_old_ones_alone(tmp_path: Path) -> None:
    first = run(write_sweep(tmp_path))
    before = curves(first)
    longer = sweeps.extend(first.path, 3, runner="local", tracking_uri="none")
    assert len(longer.record.trials) == 9
    assert curves(longer)[: len(before)] == before


def test_retry_runs_only_what_failed(tmp_path: Path) -> None:
    target = own_net(
        tmp_path,
        "flaky",
        "        if self.number == 1 and not (HERE / 'mended').exists(): raise OSError('flaky')\n",
    )
    models = f"{{choice: [{custom_model(target, 1)}, {{kind: linear}}]}}"
    path = write_sweep(
        tmp_path,
        search="{method: grid}",
        trial="{retries: 0}",
        space=space(models, "{kind: adam, lr: 0.01}"),
    )
    first = run(path)
    assert outcomes(first) == ["failed", "completed"]
    (tmp_path / "mended").touch()
    again = sweeps.retry(first.path, runner="local", tracking_uri="none")
    assert outcomes(again) == ["completed", "completed"]
