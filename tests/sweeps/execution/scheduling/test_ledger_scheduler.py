"""Decisions after a resume are those of Ray's own scheduler on the reports that exist."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ray.tune.schedulers import AsyncHyperBandScheduler, MedianStoppingRule

import sweeps
from sweeps.findings.results import Results
from tests.sweeps.drivers import events
from tests.sweeps.sweep_files import space, write_sweep

ASHA = "{scheduler: asha, grace_epochs: 1, reduction_factor: 2}"
MEDIAN = "{scheduler: median, grace_epochs: 2, min_samples: 2}"
HYPERBAND = "{scheduler: hyperband, reduction_factor: 3}"
HYPERBAND_CLOSE = "{scheduler: hyperband, reduction_factor: 1.5}"
ALL = pytest.mark.parametrize(
    "stopping", [ASHA, MEDIAN, HYPERBAND], ids=["asha", "median", "hyperband"]
)


class NoOthers:
    """Tune's controller where no other trial waits."""

    def get_live_trials(self) -> list[Any]:
        return []


class Member:
    """What Ray's schedulers use of a trial."""

    status = "RUNNING"

    def __init__(self, index: int) -> None:
        self.trial_id = str(index)


DECISION = ("trial", "epoch", "action", "seen")


def run(folder: Path, stopping: str, trials: int = 9, **sections: str) -> Results:
    search = f"{{method: random, trials: {trials}}}"
    path = write_sweep(folder, stopping=stopping, search=search, **sections)
    return sweeps.run(path, runs=folder / "runs", runner="local", tracking_uri="none")


def resumed_after(results: Results, lines: int, runner: Any = "local") -> Results:
    """Resume a copy of a sweep as if it had been killed after so many lines of its ledger."""
    copy = results.path.with_name(f"cut-{lines}")
    shutil.copytree(results.path, copy)
    ledger = (copy / "ledger.jsonl").read_bytes().splitlines(keepends=True)
    (copy / "ledger.jsonl").write_bytes(b"".join(ledger[:lines]) + ledger[lines][:9])
    return sweeps.resume(copy, runner=runner, tracking_uri="none")


def decisions(run: Path) -> list[dict[str, Any]]:
    return [{key: event[key] for key in DECISION} for event in events(run, "decision")]


def endings(results: Results) -> list[tuple[str, int]]:
    return [(str(trial.outcome), trial.epochs) for trial in results.record.trials]


def lines_after_first(run: Path, text: str) -> int:
    lines = (run / "ledger.jsonl").read_text().splitlines()
    return 1 + next(number for number, line in enumerate(lines) if text in line)


@ALL
def test_every_trial_ends_whatever_the_scheduler(tmp_path: Path, stopping: str) -> None:
    results = run(tmp_path, stopping)
    assert results.record.unfinished == []
    assert results.record.outcomes["pruned"] > 0  # type: ignore[index]


@ALL
@pytest.mark.parametrize("share", [0.15, 0.4, 0.95])
def test_a_resumed_sweep_decides_as_the_unbroken_one(
    tmp_path: Path, stopping: str, share: float
) -> None:
    whole = run(tmp_path, stopping)
    lines = int(share * len(whole.folder.ledger.read_bytes().splitlines()))
    resumed = resumed_after(whole, lines)
    assert decisions(resumed.path) == decisions(whole.path)
    assert endings(resumed) == endings(whole)
    assert resumed.winner is not None
    assert whole.winner is not None
    assert resumed.winner["trial"] == whole.winner["trial"]


@pytest.mark.ray
def test_hyperband_resumed_on_ray_keeps_its_brackets(tmp_path: Path) -> None:
    whole = run(tmp_path, HYPERBAND)
    lines = lines_after_first(whole.path, '"action":"PAUSE"') + 1
    resumed = resumed_after(whole, lines, "ray")
    assert endings(resumed) == endings(whole)
    assert resumed.record.unfinished == []


@ALL
def test_a_decision_that_a_kill_kept_from_the_ledger_is_made_at_resume(
    tmp_path: Path, stopping: str
) -> None:
    whole = run(tmp_path, stopping)
    pruned = lines_after_first(whole.path, '"outcome":"pruned"') - 1
    before = whole.folder.ledger.read_text().splitlines()[:pruned]
    last_report = max(n for n, line in enumerate(before) if '"event":"report"' in line) + 1
    resumed = resumed_after(whole, last_report)
    assert decisions(resumed.path) == decisions(whole.path)
    assert endings(resumed) == endings(whole)


@pytest.mark.parametrize("stopping", [ASHA, MEDIAN], ids=["asha", "median"])
def test_a_last_report_counts_although_a_kill_kept_its_outcome_from_the_ledger(
    tmp_path: Path, stopping: str
) -> None:
    # ASHA takes the last value of a trial of four epochs into its rung there.
    shorter = space(epochs=9).replace("epochs: 9", "epochs: {choice: [4, 9]}")
    whole = run(tmp_path, stopping, trials=16, space=shorter)
    last_reports = [one for one in events(whole.path, "report") if "outcome" in one]
    first = next(one["trial"] for one in last_reports if one["epochs"][-1]["epoch"] == 4)
    lines = whole.folder.ledger.read_text().splitlines()
    outcome = f'"trial":{first},"outcome":"completed","reason"'
    resumed = resumed_after(whole, next(n for n, line in enumerate(lines) if outcome in line))
    assert decisions(resumed.path) == decisions(whole.path)
    assert endings(resumed) == endings(whole)


RAYS = {
    ASHA: lambda: AsyncHyperBandScheduler("epoch", "loss", "min", 9, 1, 2),
    MEDIAN: lambda: MedianStoppingRule("epoch", "loss", "min", 2, 2, 10**9),
}


@pytest.mark.parametrize("stopping", RAYS, ids=["asha", "median"])
def test_a_resumed_ledger_replays_in_rays_own_scheduler(tmp_path: Path, stopping: str) -> None:
    whole = run(tmp_path, stopping)
    resumed = resumed_after(whole, len(whole.folder.ledger.read_bytes().splitlines()) // 2)
    assert recorded_actions(resumed.path) == rays_own_actions(resumed, RAYS[stopping]())


def recorded_actions(run: Path) -> list[tuple[int, int, str]]:
    return [(event["trial"], event["epoch"], event["action"]) for event in events(run, "decision")]


def rays_own_actions(results: Results, inner: Any) -> list[tuple[int, int, str]]:
    """Feed the ledger's reports to a fresh scheduler of Ray's; return its decisions."""
    trials = [Member(index) for index in range(9)]
    tune = NoOthers()
    [inner.on_trial_add(tune, trial) for trial in trials]
    decided = {(event["trial"], event["epoch"]) for event in events(results.path, "decision")}
    found = []
    for line in map(json.loads, results.folder.ledger.read_text().splitlines()):
        if line["event"] == "report":
            last = line["epochs"][-1]
            key = (line["trial"], last["epoch"])
            result = {"epoch": last["epoch"], "loss": last["dev_loss"]}
            tell = inner.on_trial_complete if "outcome" in line else inner.on_trial_result
            action = tell(tune, trials[line["trial"]], result)
            found += [(*key, str(action))] * (key in decided)
    return found


def test_ashas_recorded_cutoffs_are_percentiles_of_the_ledgers_values(tmp_path: Path) -> None:
    results = run(tmp_path, ASHA)
    seen: dict[float, list[float]] = {}
    expected, recorded = [], []
    values = {(trial, row["epoch"]): row["dev_loss"] for trial, row in rows_of(results)}
    for event in events(results.path, "decision"):
        rung = seen.setdefault(event["seen"]["rung"], [])
        expected.append(-np.nanpercentile([-v for v in rung], 50) if rung else None)
        recorded.append(event["seen"]["cutoff"])
        rung.append(values[event["trial"], event["epoch"]])
    assert recorded == expected


def rows_of(results: Results) -> list[tuple[int, dict[str, float]]]:
    return [(int(row["trial"]), row) for row in results.epochs().to_dict("records")]


def test_hyperband_goes_on_when_two_rungs_round_to_the_same_epoch(tmp_path: Path) -> None:
    results = run(tmp_path, HYPERBAND_CLOSE, 30, space=space(epochs=4))
    assert results.record.unfinished == []
    assert results.record.outcomes["pruned"] > 0  # type: ignore[index]


def test_hyperband_goes_on_when_a_trial_ends_itself_after_the_first_halving(
    tmp_path: Path,
) -> None:
    early = ", regularization: {early_stopping: {patience: 1, min_delta: 0.2}}"
    results = run(tmp_path, HYPERBAND, 17, space=space(more=early, epochs=27))
    assert results.record.unfinished == []
    assert "early_stopped" in results.record.outcomes
