"""The bandit rule is that of Azure Machine Learning's documentation."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from sweeps.definition.planning import PlannedTrial
from sweeps.definition.sweep_file import SweepFile
from sweeps.execution.scheduling.ledger_scheduler import LedgerScheduler
from sweeps.record.ledger import Ledger, read_events
from sweeps.record.recorder import Recorder
from sweeps.record.run_folder import RunFolder
from sweeps.record.sweep_record import Outcome, SweepRecord
from sweeps.record.trial_report import TrialReport
from sweeps.schedulers.bandit import Bandit, BanditScheduler
from tests.sweeps.drivers import events
from tests.sweeps.schedulers.plays import OBJECTIVES


def bandit(mode: str, slack: float = 0.2, grace: int = 1, every: int = 1) -> BanditScheduler:
    section = Bandit(scheduler="bandit", grace_epochs=grace, every=every, slack=slack)
    return BanditScheduler(section, OBJECTIVES[mode], 30)


@pytest.mark.parametrize(
    ("mode", "best", "kept", "stopped"),
    [
        # Azure's example: the best is 0.8 and the slack 0.2; a run ends if y + 0.2 y is below 0.8.
        ("max", 0.8, 0.67, 0.66),
        ("min", 0.5, 0.6, 0.61),
        # Below zero a slack widens as well: R2 can be negative, and so can a log-likelihood.
        ("max", -0.5, -0.6, -0.61),
        ("min", -0.8, -0.67, -0.66),
    ],
)
def test_a_trial_is_stopped_beyond_the_slack(
    mode: str, best: float, kept: float, stopped: float
) -> None:
    scheduler = bandit(mode)
    actions = [scheduler.decide(n, 1, value).action for n, value in enumerate((best, kept))]
    last = scheduler.decide(2, 1, stopped)
    assert [*actions, last.action] == ["CONTINUE", "CONTINUE", "STOP"]
    assert last.reason.startswith(f"its best, {stopped:g}, is worse than")


def test_trials_are_compared_with_the_best_at_the_same_epoch() -> None:
    scheduler = bandit("min")
    scheduler.decide(0, 1, 1.0)
    scheduler.decide(0, 2, 0.1)
    assert scheduler.decide(1, 1, 1.1).action == "CONTINUE"
    assert scheduler.decide(1, 2, 0.9).action == "STOP"


def test_it_decides_from_the_grace_on_and_once_in_every() -> None:
    scheduler = bandit("min", grace=3, every=10)
    assert scheduler.milestones == {3, 13, 23}
    scheduler.decide(0, 3, 0.1)
    assert scheduler.decide(1, 2, 9.0).seen is None
    assert scheduler.decide(1, 3, 9.0).action == "STOP"


FILE = {"name": "one", "data": {"source": "iris"}, "search": {"method": "grid"}, "space": {}}
PLAN = [PlannedTrial(index, f"{index:012x}", index, {}) for index in range(2)]
LEADER = [0.5, 0.9, 0.7, 0.6, 0.6]
RISES_AND_FALLS = [0.5, 0.6, 0.95, 0.7, 0.6]
NEVER_GOOD = [0.5, 0.6, 0.7, 0.6, 0.5]


def asked(path: Path) -> LedgerScheduler:
    """Return what a runner asks, told what the ledger in `path` has."""
    folder = RunFolder(path)
    ledger = Ledger(folder.ledger)
    record = SweepRecord.of(PLAN, OBJECTIVES["max"], read_events(folder.ledger))
    recorder = Recorder(folder, ledger, record, SweepFile.model_validate(FILE))
    return LedgerScheduler(bandit("max", 0.2, grace=5, every=5), recorder)


def report(trial: int, values: Sequence[float], after: int = 0, **more: Any) -> TrialReport:
    rows = [
        {"epoch": epoch, OBJECTIVES["max"].metric: value}
        for epoch, value in enumerate(values, start=after + 1)
    ]
    return TrialReport(trial, rows, **more)


def told(scheduler: LedgerScheduler, trial: int, values: list[float], cuts: list[int]) -> str:
    """Report a trial's epochs in parts that end at `cuts`; returns the last decision."""
    parts = zip([0, *cuts[:-1]], cuts, strict=True)
    actions = [scheduler.reported(report(trial, values[a:b], a)) for a, b in parts]
    return str(actions[-1])


# A report falls due at a milestone and, by the clock, in between: more of them on a slow machine.
@pytest.mark.parametrize("cuts", [[5], [2, 5], [3, 5], [4, 5], [1, 2, 3, 4, 5]])
@pytest.mark.parametrize(
    ("values", "action"), [(RISES_AND_FALLS, "CONTINUE"), (NEVER_GOOD, "STOP")]
)
def test_what_is_decided_does_not_depend_on_when_reports_came(
    tmp_path: Path, values: list[float], action: str, cuts: list[int]
) -> None:
    scheduler = asked(RunFolder.create(tmp_path, "one").path)
    told(scheduler, 0, LEADER, [5])
    assert told(scheduler, 1, values, cuts) == action


@pytest.mark.parametrize("cuts", [[5], [3, 5]])
def test_the_reason_names_the_best_of_all_epochs(tmp_path: Path, cuts: list[int]) -> None:
    scheduler = asked(RunFolder.create(tmp_path, "one").path)
    told(scheduler, 0, LEADER, [5])
    told(scheduler, 1, NEVER_GOOD, cuts)
    reason = scheduler.recorder.record.trials[1].reason
    assert reason.startswith("bandit at epoch 5: its best, 0.7, is worse than 0.75")


@pytest.mark.parametrize("more", [{}, {"outcome": Outcome.EARLY_STOPPED}], ids=["goes on", "ended"])
def test_a_resume_compares_with_the_best_of_all_epochs(tmp_path: Path, more: Any) -> None:
    folder = RunFolder.create(tmp_path, "one")
    asked(folder.path).reported(report(0, RISES_AND_FALLS, **more))
    scheduler = asked(folder.path)
    assert told(scheduler, 1, [0.78] * 5, [5]) == "STOP"
    assert events(folder.path, "decision")[-1]["seen"] == {
        "rung": 5,
        "limit": pytest.approx(0.95 / 1.2),
    }
