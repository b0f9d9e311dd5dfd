"""Ray's scheduler with what it leaves out: the rung that a decision looks at, and halvings due.

Ray's HyperBand marks a bracket at its first halving and never takes the mark away, so it would
wait for ever for a trial that ends on its own afterwards; rungs that round to the same epoch
would wait as well. Both are settled here, by Ray's own halving.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from ray.tune.schedulers import (
    AsyncHyperBandScheduler,
    HyperBandScheduler,
    MedianStoppingRule,
    TrialScheduler,
)

from sweeps.definition.goal import Goal
from sweeps.execution.schedulers.rungs import TIME_ATTR

__all__ = ["OTHERS_WERE_BETTER", "Rungs", "in_words"]

OTHERS_WERE_BETTER = "others of its bracket were better"


class Seated(Protocol):
    """What Ray's schedulers use of a trial."""

    trial_id: str
    status: str


class Rungs:
    """One of Ray's schedulers, which is given seats in place of Tune's trials."""

    def __init__(self, inner: TrialScheduler, goal: Goal) -> None:
        # Any: it is given seats and a controller of seats, not Ray's own.
        self._inner: Any = inner
        self._goal = goal
        self._is_inside = False
        self.name = type(inner).__name__
        self.picks_itself = isinstance(inner, HyperBandScheduler)

    def add(self, controller: Any, seat: Any) -> None:
        """Add a trial."""
        self._inner.on_trial_add(controller, seat)

    def choose(self, controller: Any) -> Any:
        """Return the seat that is to run next, or None."""
        return self._inner.choose_trial_to_run(controller)

    def decide(self, controller: Any, seat: Any, result: Mapping[str, Any]) -> str:
        """Return what the scheduler does on a report: CONTINUE, PAUSE or STOP."""
        self._is_inside = True
        try:
            action = self._inner.on_trial_result(controller, seat, dict(result))
            if self.picks_itself:
                action = self._halve_while_due(controller, self._bracket(seat), action)
            return str(action)
        finally:
            self._is_inside = False

    def leave(self, controller: Any, seat: Any, result: Mapping[str, Any] | None) -> None:
        """Take a trial out; its last result counts where there is one."""
        if result and not self.picks_itself:
            self._inner.on_trial_complete(controller, seat, dict(result))
            return
        if self._is_inside or not self.picks_itself:
            self._inner.on_trial_remove(controller, seat)
            return
        bracket = self._bracket(seat)
        self._is_inside = True
        try:
            bracket.is_being_processed = True  # so that the halving is left to the next line
            self._inner.on_trial_remove(controller, seat)
            self._halve_while_due(controller, bracket, TrialScheduler.PAUSE)
        finally:
            self._is_inside = False

    def seen(self, seat: Any, result: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return the rung that the coming decision looks at; None where none is taken."""
        if isinstance(self._inner, AsyncHyperBandScheduler):
            return self._asha_rung(seat, result[TIME_ATTR])
        if isinstance(self._inner, MedianStoppingRule):
            return self._median(seat, result[TIME_ATTR])
        if self.picks_itself:
            bracket, band = self._inner._trial_info[seat]
            if result[TIME_ATTR] < bracket._cumul_r:
                return None
            return {"rung": bracket._cumul_r, "band": band, "bracket_size": bracket._n0}
        return None

    def debug_string(self) -> str:
        """Return the scheduler's own description."""
        return str(self._inner.debug_string())

    def _bracket(self, seat: Any) -> Any:
        return self._inner._trial_info[seat][0]

    def _halve_while_due(self, controller: Any, bracket: Any, action: str) -> str:
        while bracket._live_trials and bracket.cur_iter_done() and not bracket.finished():
            later = str(self._inner._process_bracket(controller, bracket))
            action = action if action == TrialScheduler.STOP else later
        return action

    def _asha_rung(self, seat: Seated, epoch: int) -> dict[str, Any] | None:
        """Return the rung that a report at `epoch` enters: epochs, size and cutoff before it."""
        bracket = self._inner._trial_info[seat.trial_id]
        for milestone, recorded in bracket._rungs:
            if epoch >= milestone and seat.trial_id not in recorded:
                cutoff = bracket.cutoff(recorded)
                return {
                    "rung": milestone,
                    "trials": len(recorded),
                    "cutoff": None if cutoff is None else float(cutoff) * self._inner._metric_op,
                }
        return None

    def _median(self, seat: Seated, epoch: int) -> dict[str, Any] | None:
        inner = self._inner
        if epoch < inner._grace_period:
            return None
        others = [other for other in inner._trials_beyond_time(epoch) if other is not seat]
        means = [float(inner._running_mean(other, epoch)) for other in others]
        finite = sorted(mean for mean in means if mean - mean == 0)
        return {"trials": len(finite), "median": _middle(finite)}


def _middle(values: list[float]) -> float | None:
    if not values:
        return None
    half = len(values) // 2
    return values[half] if len(values) % 2 else (values[half - 1] + values[half]) / 2


def in_words(seen: Mapping[str, Any], value: float) -> str:
    """Return why a trial with this objective was stopped at what the scheduler saw."""
    if "cutoff" in seen:
        return f"{value:.6g} is worse than the cutoff {seen['cutoff']:.6g} of {seen['trials']}"
    if seen.get("median") is not None:
        return f"its best is worse than the median {seen['median']:.6g} of {seen['trials']}"
    return OTHERS_WERE_BETTER
