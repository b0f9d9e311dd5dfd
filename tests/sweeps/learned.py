"""Searches that learn from a known function in place of training."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sweeps.definition.loading import check_text
from sweeps.definition.planning import make_plan, trials_in_all
from sweeps.definition.sweep import Sweep
from sweeps.record.growing_plan import Proposer
from sweeps.record.sweep_record import SweepRecord

__all__ = ["QUADRATIC", "learned_sweep", "quadratic", "searched", "training"]

QUADRATIC = (
    "{model: {kind: linear}, "
    "optimizer: {kind: adam, lr: {float: [1.0e-5, 1.0], log: true}}, "
    "regularization: {l2: {float: [1.0e-7, 1.0e-1], log: true}}, training: {epochs: 1}}"
)
_FILE = """\
name: learned
seed: {seed}
data: {{source: iris}}
search: {search}
space: {space}
constraints: {constraints}
"""


def learned_sweep(
    search: str, space: str = QUADRATIC, constraints: str = "[]", seed: int = 0
) -> Sweep:
    """Return a checked sweep on iris."""
    text = _FILE.format(search=search, space=space, constraints=constraints, seed=seed)
    return check_text(text, "f.yaml", Path.cwd())[0]


def quadratic(configuration: dict[str, Any]) -> float:
    """Least, 0, at a rate of 0.003 and a penalty of 0.0001; decades count alike."""
    rate, penalty = configuration["optimizer"]["lr"], configuration["regularization"]["l2"]
    return (math.log10(rate / 0.003)) ** 2 + (math.log10(penalty / 0.0001)) ** 2


def searched(sweep: Sweep, loss: Callable[[dict[str, Any]], float]) -> SweepRecord:
    """Return the record of a sweep with one worker whose trials come to `loss`, and end at once."""
    plan = make_plan(sweep)
    wanted = trials_in_all(sweep.file.search, len(plan))
    record = SweepRecord(plan, sweep.objective, wanted=wanted)
    proposer = Proposer(sweep) if sweep.file.search.learns else None
    ended = 0
    while record.is_open:
        if ended == len(record.trials) and proposer is not None:
            found = proposer.next(record)
            if found is None:
                record.apply({"event": "exhausted", "trials": ended})
                continue
            record.apply({"event": "proposed", "planned": found.trial.to_json(), "by": found.by})
        for event in training(record, ended, loss(record.trials[ended].trial.configuration)):
            record.apply(event)
        ended += 1
    return record


def training(record: SweepRecord, index: int, value: float) -> list[dict[str, Any]]:
    """Return the events of a trial that completes with one epoch."""
    row = {"epoch": 1, record.objective.metric: value}
    about = {"t": float(index), "trial": index}
    return [
        {"event": "started", **about},
        {"event": "report", **about, "epochs": [row], "outcome": "completed"},
        {"event": "outcome", **about, "outcome": "completed", "reason": ""},
    ]
