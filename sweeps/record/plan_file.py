"""plan.jsonl: one line a planned trial, each with a checksum that follows from the line before."""

from __future__ import annotations

import json
from collections.abc import Sequence

from sweeps.definition.planning import PlannedTrial, configuration_hash
from sweeps.record.seals import DAMAGES, Chain, parsed

__all__ = ["PlanLineError", "plan_text", "read_plan_text"]


class PlanLineError(ValueError):
    """A line is not what was written; `line` is its number, from 1."""

    def __init__(self, line: int, why: Exception) -> None:
        super().__init__(f"it must have {why}" if isinstance(why, KeyError) else str(why))
        self.line = line


def plan_text(plan: Sequence[PlannedTrial]) -> tuple[bytes, str]:
    """Return a plan as its file has it, and the checksum of the last line."""
    chain = Chain()
    lines = [json.dumps(trial.to_json(), separators=(",", ":")).encode() for trial in plan]
    return b"".join(chain.sealed(line) + b"\n" for line in lines), chain.seal


def read_plan_text(text: bytes, wanted: int, seal: str | None) -> list[PlannedTrial]:
    """Return the first `wanted` trials of a plan.

    Args:
        seal: The checksum that the last of them must have; None where that was not noted.

    Raises:
        PlanLineError: A line is not what was written, or there are too few.
    """
    chain, trials = Chain(), list[PlannedTrial]()
    for line in [line for line in text.split(b"\n") if line][:wanted]:
        try:
            chain.check(line)
            trials.append(_planned(len(trials), line))
        except DAMAGES as err:
            raise PlanLineError(len(trials) + 1, err) from err
    if len(trials) < wanted:
        why = f"the plan must have {wanted} trials, got {len(trials)}"
        raise PlanLineError(len(trials) + 1, ValueError(why))
    if seal not in (None, chain.seal):
        raise PlanLineError(wanted, ValueError("its checksum does not match sweep.json"))
    return trials


def _planned(index: int, line: bytes) -> PlannedTrial:
    trial = PlannedTrial.from_json(parsed(line))
    if trial.index != index:
        raise ValueError(f"trial {index} must come next, got trial {trial.index}")
    if trial.hash != configuration_hash(trial.configuration):
        raise ValueError("the configuration does not match its hash")
    return trial
