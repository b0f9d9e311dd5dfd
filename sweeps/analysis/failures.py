"""Why trials ended without being judged: their reasons, those alike together."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from sweeps.record.sweep_record import BROKEN, Outcome, TrialRecord

__all__ = ["Failure", "failures"]


@dataclass(frozen=True)
class Failure:
    """Trials that ended for one reason.

    Attributes:
        outcome: `failed`, `diverged` or `rejected`.
        reason: That of the first of them.
        trials: Their numbers, in plan order.
    """

    outcome: Outcome
    reason: str
    trials: tuple[int, ...]


def failures(trials: Sequence[TrialRecord]) -> list[Failure]:
    """Return what failed, diverged and was rejected, the most frequent reason first.

    Reasons that differ in their numbers alone (an epoch, an address, a size) are one.
    """
    found: dict[tuple[Outcome, str], list[TrialRecord]] = {}
    for trial in trials:
        if trial.outcome in (*BROKEN, Outcome.REJECTED):
            kind = re.sub(r"0x[0-9a-f]+|\d+", "#", _reason(trial))
            found.setdefault((trial.outcome, kind), []).append(trial)
    alike = sorted(found.items(), key=lambda one: -len(one[1]))
    return [
        Failure(outcome, _reason(own[0]), tuple(trial.trial.index for trial in own))
        for (outcome, _), own in alike
    ]


def _reason(trial: TrialRecord) -> str:
    """Return the error that a trial ended by, without how often it was met, or else its reason."""
    return trial.error or trial.reason
