"""What a worker tells the driver about a trial; plain values, so that it needs no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sweeps.record.sweep_record import Outcome

__all__ = ["TrialReport"]


@dataclass(frozen=True)
class TrialReport:
    """What a trial did since its last report.

    Attributes:
        rows: The new epochs' metrics, in order.
        outcome: How the trial ended, or None while it goes on.
        failure: Why this attempt failed, with its traceback; the trial may be tried again.
        is_code_error: Whether that was an error of code, which no other attempt may spare.
        unsaved: Why what a kill needs could not be written, where it could not.
        errno: The number of that error; 0 where it has none.
        other_code: Files of the user's code that are not what the session began with; then there
            is nothing else.
        notice: What a trial of this worker, this one or one before, left changed for the others.
        weights: The `epoch` of the weights that were written, and the checksum of their file,
            `digest`; None where none were.
        sizes: Of the net, by `SIZES`, with a trial's first rows; else empty.
        is_spoilt: Whether the worker should take up no other trial, if it can be replaced.
    """

    trial: int
    rows: list[dict[str, float]]
    outcome: Outcome | None = None
    reason: str = ""
    failure: str = ""
    is_code_error: bool = False
    unsaved: str = ""
    errno: int = 0
    other_code: str = ""
    notice: str = ""
    is_spoilt: bool = False
    weights: dict[str, Any] | None = None
    sizes: dict[str, float] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return plain values, as sent between processes."""
        return {
            "trial": self.trial,
            "rows": self.rows,
            "outcome": self.outcome,
            "reason": self.reason,
            "failure": self.failure,
            "is_code_error": self.is_code_error,
            "unsaved": self.unsaved,
            "errno": self.errno,
            "other_code": self.other_code,
            "notice": self.notice,
            "is_spoilt": self.is_spoilt,
            "weights": self.weights,
            "sizes": self.sizes,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> TrialReport:
        """Undo `to_json`."""
        outcome = value["outcome"]
        return cls(
            trial=value["trial"],
            rows=value["rows"],
            outcome=None if outcome is None else Outcome(outcome),
            reason=value["reason"],
            failure=value["failure"],
            is_code_error=value["is_code_error"],
            unsaved=value["unsaved"],
            errno=value["errno"],
            other_code=value["other_code"],
            notice=value["notice"],
            is_spoilt=value["is_spoilt"],
            weights=value["weights"],
            sizes=value["sizes"],
        )
