"""Runs the product as a user does, and reads from its ledger when what happened."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.benchmarks.processes import Command, run_command

__all__ = ["ProductRun", "run_product"]


@dataclass(frozen=True)
class ProductRun:
    """One `python -m sweeps run`, by the clock (Unix time).

    Attributes:
        first_trial_at: the first `started` event of the ledger.
        first_epoch_at: when the first epoch of any trial had ended.
        last_outcome_at: the last `outcome` event; MLflow's record and the results follow.
        recorded_at: when MLflow had the whole record, or the last outcome without MLflow; the
            report is drawn after that.
        trials: how many ended.
    """

    command: Command
    first_trial_at: float
    first_epoch_at: float
    last_outcome_at: float
    recorded_at: float
    trials: int

    @property
    def startup_s(self) -> float:
        return self.first_trial_at - self.command.started_at

    @property
    def steady_s(self) -> float:
        """From the first trial's start to the last record written; the report is still to come."""
        return self.recorded_at - self.first_trial_at

    @property
    def training_s(self) -> float:
        return self.last_outcome_at - self.first_trial_at


def run_product(
    sweep: Path,
    folder: Path,
    sample_period_s: float | None = None,
    environment: Mapping[str, str] | None = None,
) -> ProductRun:
    """Run a sweep file with its full record, in a fresh folder of runs."""
    command = run_command(
        ["sweeps", "run", str(sweep), "--runs", str(folder), "--json"],
        sample_period_s,
        environment,
    )
    (path,) = folder.glob("*/ledger.jsonl")
    events = [json.loads(line) for line in path.read_text().splitlines()]
    outcomes = _of_kind(events, "outcome")
    if {event["outcome"] for event in outcomes} != {"completed"}:
        raise RuntimeError(f"{path}: not every trial was completed")
    return ProductRun(
        command,
        first_trial_at=_of_kind(events, "started")[0]["t"],
        first_epoch_at=min(map(_first_epoch_end, _of_kind(events, "report"))),
        last_outcome_at=outcomes[-1]["t"],
        recorded_at=_recorded_at(path.parent) or outcomes[-1]["t"],
        trials=len(outcomes),
    )


def _recorded_at(run: Path) -> float:
    """When MLflow had all; 0 where it was left out."""
    path = run / "tracking.json"
    return float(json.loads(path.read_bytes())["recorded_at"]) if path.exists() else 0.0


def _of_kind(events: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [event for event in events if event["event"] == kind]


def _first_epoch_end(report: dict[str, Any]) -> float:
    """A report comes after its last epoch; the epochs before it say how long they took."""
    return float(report["t"] - sum(row["epoch_s"] for row in report["epochs"][1:]))
