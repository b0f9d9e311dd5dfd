"""Where Tune gets the trials of a plan that grows: one whenever there is a place for it."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from ray.tune.search import Searcher

from sweeps.execution.scheduling.ledger_scheduler import LedgerScheduler
from sweeps.record.growing_plan import GrowingPlan

__all__ = ["GrowingSearch"]


class GrowingSearch(Searcher):
    """Gives what is planned already, and then plans a trial when fewer are open than have a place.

    Not one ahead, as Tune would have it: a proposal is to know of every trial that has ended.
    """

    def __init__(
        self,
        indices: Sequence[int],
        growing: GrowingPlan,
        scheduler: LedgerScheduler,
        places: Callable[[], int],
    ) -> None:
        """Begin with the trials of `indices`.

        Args:
            places: Returns how many trials can run at once now.
        """
        super().__init__()
        self._waiting = deque(indices)
        self._growing = growing
        self._scheduler = scheduler
        self._places = places

    def set_search_properties(self, *properties: Any, **spec: Any) -> bool:
        """Take none: the goal and the space are in the plan."""
        return True

    def suggest(self, trial_id: str) -> Any:
        """Return the configuration of the next Tune trial; None where it has to wait."""
        if self._waiting:
            return {"members": [self._waiting.popleft()]}
        if self._scheduler.recorder.should_stop():
            return self.FINISHED
        if len(self._scheduler.recorder.record.unfinished) >= self._places():
            return None
        trial = self._growing.grow()
        if trial is None:
            return self.FINISHED
        self._scheduler.planned()
        return {"members": [trial.index], "planned": json.dumps(trial.to_json())}

    def on_trial_complete(self, *arguments: Any, **about: Any) -> None:
        """Learn nothing: the ledger has it."""

    def save(self, checkpoint_path: str) -> None:
        """Leave nothing in the snapshot that nobody reads."""

    def restore(self, checkpoint_path: str) -> None:
        """Take nothing from a snapshot."""
