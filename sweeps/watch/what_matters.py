"""Which parameters matter, told anew whenever a sweep has grown by a tenth."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from sweeps.analysis.evidence import gather
from sweeps.analysis.importances import Importances, importances
from sweeps.record.replay import read_record
from sweeps.record.run_folder import RunFolder
from sweeps.watch.plain_values import finite

__all__ = ["WhatMatters", "measure"]

# Of 1,000 trials importances take a second or two: a page that asks often gets what is known.
_GROWTH = 1.1


def measure(folder: RunFolder) -> Importances | str:
    """Return the importances that the report would have now, or why there are none."""
    return importances(gather(folder, read_record(folder)))


class WhatMatters:
    """The importances of one sweep, for any number of pages."""

    def __init__(
        self, folder: RunFolder, measured: Callable[[RunFolder], Importances | str] = measure
    ) -> None:
        self._folder, self._measured = folder, measured
        self._lock = threading.Lock()
        self._ended = -1
        self._told: dict[str, Any] = {}

    def told(self, ended: int, is_over: bool) -> dict[str, Any]:
        """Return the importances as values for JSON.

        Args:
            ended: How many trials have ended.
            is_over: Nothing runs: what is told is of all that ended.

        Raises:
            RunFolderError: The folder was damaged.
        """
        with self._lock:
            is_old = ended > _GROWTH * self._ended or ended < self._ended
            if self._ended < 0 or is_old or (is_over and ended != self._ended):
                self._told = _as_values(self._measured(self._folder))
                self._ended = ended
            return self._told


def _as_values(found: Importances | str) -> dict[str, Any]:
    if isinstance(found, str):
        return {"found": [], "by_chance": None, "sentence": f"No importances: {found}."}
    return {
        "found": [
            {"name": one.name, "share": one.share, "trials": one.trials} for one in found.found
        ],
        "by_chance": finite(found.by_chance),
        "sentence": found.sentence,
    }
