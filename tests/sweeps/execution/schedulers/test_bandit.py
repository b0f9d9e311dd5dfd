"""The bandit rule is that of Azure Machine Learning's documentation."""

from __future__ import annotations

import pytest

from sweeps.definition.sweep_file import Bandit
from sweeps.execution.schedulers.bandit import BanditScheduler
from tests.sweeps.execution.schedulers.plays import GOALS


def bandit(mode: str, slack: float = 0.2, grace: int = 1, every: int = 1) -> BanditScheduler:
    section = Bandit(scheduler="bandit", grace_epochs=grace, every=every, slack=slack)
    return BanditScheduler(section, GOALS[mode], 30)


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


def test_what_counts_is_the_best_so_far_of_either() -> None:
    scheduler = bandit("min")
    for epoch, value in enumerate((0.5, 0.9), start=1):
        scheduler.decide(0, epoch, value)
    assert scheduler.decide(1, 1, 0.55).action == "CONTINUE"
    assert scheduler.decide(1, 2, 2.0).action == "CONTINUE"
    assert scheduler.decide(2, 2, 0.7).seen == {"rung": 2, "limit": pytest.approx(0.6)}


def test_it_decides_from_the_grace_on_and_once_in_every() -> None:
    scheduler = bandit("min", grace=3, every=10)
    assert scheduler.milestones == {3, 13, 23}
    scheduler.decide(0, 3, 0.1)
    assert scheduler.decide(1, 2, 9.0).seen is None
    assert scheduler.decide(1, 3, 9.0).action == "STOP"
