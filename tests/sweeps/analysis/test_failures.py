"""Reasons of failure that differ in their numbers alone are told as one."""

from __future__ import annotations

from sweeps.analysis.failures import Failure, failures
from sweeps.definition.planning import PlannedTrial
from sweeps.record.sweep_record import Outcome, TrialRecord


def ended(index: int, outcome: Outcome, reason: str = "", error: str = "") -> TrialRecord:
    return TrialRecord(PlannedTrial(index, "", 0, {}), outcome, reason, error=error)


def test_the_most_frequent_reason_comes_first_with_its_trials() -> None:
    trials = [
        ended(0, Outcome.FAILED, "once: ValueError: width 5", "ValueError: width 5"),
        ended(1, Outcome.COMPLETED),
        ended(2, Outcome.DIVERGED, "train_loss is nan in epoch 3"),
        ended(3, Outcome.DIVERGED, "train_loss is nan in epoch 12"),
        ended(4, Outcome.FAILED, "again: ValueError: width 7", "ValueError: width 7"),
        ended(5, Outcome.DIVERGED, "train_loss is nan in epoch 1"),
        ended(6, Outcome.FAILED, "once: OSError: at 0x7f3a", "OSError: at 0x7f3a"),
        ended(7, Outcome.FAILED, "timed out"),
    ]
    assert failures(trials) == [
        Failure(Outcome.DIVERGED, "train_loss is nan in epoch 3", (2, 3, 5)),
        Failure(Outcome.FAILED, "ValueError: width 5", (0, 4)),
        Failure(Outcome.FAILED, "OSError: at 0x7f3a", (6,)),
        Failure(Outcome.FAILED, "timed out", (7,)),
    ]


def test_a_sweep_without_failures_has_none() -> None:
    assert failures([ended(0, Outcome.COMPLETED), ended(1, Outcome.PRUNED)]) == []
