"""Why a session stopped before all of its trials had ended: a name to decide by, words to read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

__all__ = ["Stop", "StopReason", "is_pause", "read_stop"]


class StopReason(StrEnum):
    """The kind of a stop; the same word in the ledger and in the JSON of commands."""

    INTERRUPTED = "interrupted"
    PAUSED = "paused"
    BUDGET_TIME = "budget_time"
    BUDGET_TRIALS = "budget_trials"
    BUDGET_TARGET = "budget_target"
    MAX_FAILURES = "max_failures"
    TAKEN_OVER = "taken_over"
    DISK_FULL = "disk_full"
    CLUSTER_LOST = "cluster_lost"
    OTHER = "other"


_ENDS_OF_A_SEARCH = frozenset(
    {StopReason.BUDGET_TIME, StopReason.BUDGET_TRIALS, StopReason.BUDGET_TARGET}
)
# How the ledgers of format 1 tell them apart: by the text alone.
_FORMAT_1 = {
    r"interrupted by ": StopReason.INTERRUPTED,
    r"budget\.time_s ": StopReason.BUDGET_TIME,
    r"budget\.trials ": StopReason.BUDGET_TRIALS,
    r"budget\.target ": StopReason.BUDGET_TARGET,
    r"\d+ trials failed; budget\.max_failures ": StopReason.MAX_FAILURES,
    r"another driver has this sweep$": StopReason.TAKEN_OVER,
    r"the disk is full$": StopReason.DISK_FULL,
    r"the cluster has lost its head$": StopReason.CLUSTER_LOST,
}


@dataclass(frozen=True)
class Stop:
    """Why a session stopped.

    Attributes:
        reason: What decisions are taken by.
        detail: What people read; nothing is decided by it.
    """

    reason: StopReason
    detail: str

    def __str__(self) -> str:
        return self.detail

    @property
    def ends_search(self) -> bool:
        """Whether the search is over although trials are left, so that its final may follow."""
        return self.reason in _ENDS_OF_A_SEARCH


def is_pause(stop: Stop | None) -> bool:
    """Return whether a session stopped to go on later, perhaps in the same process."""
    return stop is not None and stop.reason is StopReason.PAUSED


def read_stop(event: Mapping[str, Any]) -> Stop | None:
    """Return why a session stopped, from the event of its end; None where nothing was left to do.

    Raises:
        KeyError, ValueError: The event was damaged.
    """
    reason = event["reason"]
    if not reason:
        return None
    if "detail" in event:
        return Stop(StopReason(reason), event["detail"])
    kinds = (kind for pattern, kind in _FORMAT_1.items() if re.match(pattern, reason))
    return Stop(next(kinds, StopReason.OTHER), reason)
