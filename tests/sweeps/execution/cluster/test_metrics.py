"""What is exported is what the record says."""

from __future__ import annotations

from typing import ClassVar

import pytest

from sweeps.definition.planning import PlannedTrial
from sweeps.execution.cluster import metrics
from sweeps.execution.cluster.metrics import exported_metrics, readings
from sweeps.models.scoring.objective import Objective
from sweeps.record.sweep_record import SweepRecord
from tests.sweeps.drivers import wait_for


def test_every_state_has_a_value_and_the_backlog_is_never_negative() -> None:
    plan = [PlannedTrial(index, f"{index:012x}", index, {}) for index in range(4)]
    record = SweepRecord(plan, Objective("dev_loss", "min"))
    rows = [{"epoch": 1, "dev_loss": 0.5}, {"epoch": 2, "dev_loss": 0.25}]
    for event in (
        {"event": "started", "t": 1, "trial": 0},
        {"event": "report", "t": 2, "trial": 0, "epochs": rows},
        {"event": "outcome", "t": 3, "trial": 0, "outcome": "pruned", "reason": ""},
        {"event": "started", "t": 1, "trial": 1},
        {"event": "report", "t": 2, "trial": 1, "epochs": rows[:1]},
    ):
        record.apply(event)
    values = {(name, *tags.values()): value for name, tags, value in readings(record, 0)}
    assert values == {
        ("sweeps_trials", "completed"): 0,
        ("sweeps_trials", "pruned"): 1,
        ("sweeps_trials", "early_stopped"): 0,
        ("sweeps_trials", "diverged"): 0,
        ("sweeps_trials", "failed"): 0,
        ("sweeps_trials", "stopped_by_hand"): 0,
        ("sweeps_trials", "rejected"): 0,
        ("sweeps_trials", "running"): 1,
        ("sweeps_trials", "waiting"): 2,
        ("sweeps_epochs",): 3,
        ("sweeps_best_objective", "dev_loss"): 0.25,
        ("sweeps_tracking_backlog",): 1,
    }
    assert ("sweeps_tracking_backlog", {}, 0) in readings(record, 5)


class Exporter:
    """Keeps what a gauge was set to, as Ray's Gauge takes it."""

    values: ClassVar[dict[str, float]] = {}

    def __init__(self, name: str, description: str, tag_keys: tuple[str, ...]) -> None:
        self._name = name

    def set(self, value: float, tags: dict[str, str]) -> None:
        self.values[self._name + tags["outcome"]] = value


def test_a_reading_that_fails_ends_no_sweep_and_the_next_one_is_exported(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(metrics, "Gauge", Exporter)
    monkeypatch.setattr(metrics, "_PERIOD_S", 0.01)
    record = SweepRecord([PlannedTrial(0, "0" * 12, 0, {})], Objective("dev_loss", "min"))
    asked = []

    def recorded() -> int:
        asked.append(len(asked))
        if len(asked) < 3:
            raise RuntimeError("dictionary changed size during iteration")
        return 0

    with exported_metrics("one", record, recorded):
        wait_for(lambda: "sweeps_trialswaiting" in Exporter.values)
        record.apply({"event": "started", "t": 1, "trial": 0})
    assert Exporter.values["sweeps_trialswaiting"] == 0
    assert Exporter.values["sweeps_trialsrunning"] == 1


def test_a_trial_that_was_interrupted_waits_until_a_worker_takes_it_up_again() -> None:
    plan = [PlannedTrial(index, f"{index:012x}", index, {}) for index in range(2)]
    record = SweepRecord(plan, Objective("dev_loss", "min"))
    seen = []
    for event in (
        {"event": "session", "t": 1, "trials": 2},
        {"event": "started", "t": 2, "trial": 0},
        {"event": "started", "t": 2, "trial": 1},
        {"event": "end", "t": 3, "reason": "interrupted by SIGINT"},
        {"event": "session", "t": 4, "trials": 2},
        {"event": "started", "t": 5, "trial": 1},
        # Killed: no end.
        {"event": "session", "t": 6, "trials": 2},
        {"event": "started", "t": 7, "trial": 0},
        {"event": "outcome", "t": 8, "trial": 0, "outcome": "completed", "reason": ""},
    ):
        record.apply(event)
        values = {tags.get("outcome"): value for _, tags, value in readings(record, 0)}
        seen.append((values["running"], values["waiting"]))
    assert seen == [(0, 2), (1, 1), (2, 0), (0, 2), (0, 2), (1, 1), (0, 2), (1, 1), (0, 1)]


def test_without_a_finite_objective_there_is_no_best() -> None:
    record = SweepRecord([PlannedTrial(0, "0" * 12, 0, {})], Objective("dev_loss", "min"))
    assert "sweeps_best_objective" not in {name for name, _, _ in readings(record, 0)}
