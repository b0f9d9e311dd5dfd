"""How a trial can end."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["BROKEN", "CUT_SHORT", "Outcome"]


class Outcome(StrEnum):
    """How a trial ended; the same word on disk, in MLflow, tables and reports."""

    COMPLETED = "completed"
    PRUNED = "pruned"
    EARLY_STOPPED = "early_stopped"
    DIVERGED = "diverged"
    FAILED = "failed"
    STOPPED_BY_HAND = "stopped_by_hand"
    REJECTED = "rejected"  # before it trained, by `require`

    @property
    def words(self) -> str:
        """The outcome in a sentence."""
        return self.replace("_", " ")


# How trials end that broke down: whatever they had reached is no answer to their configuration.
BROKEN = (Outcome.FAILED, Outcome.DIVERGED)
# How trials end that were not given all of their epochs: more might have brought them further.
CUT_SHORT = (Outcome.PRUNED, Outcome.STOPPED_BY_HAND)
