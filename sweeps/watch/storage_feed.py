"""The sweeps of a storage: each read when it is asked for, and from then on only what it gains."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sweeps.errors import RunFolderError
from sweeps.record.run_folder import RunFolder
from sweeps.watch.feed import Feed

__all__ = ["StorageFeed"]

_REFRESH_S = 5.0


class StorageFeed:
    """Has one feed for each sweep of a folder of run folders."""

    def __init__(self, runs: Path, refresh: Callable[[Path], object]) -> None:
        """Begin with no sweep read.

        Args:
            refresh: Brings a run folder up to date where it is a copy of an object store's.
        """
        self.runs = runs
        self._refresh = refresh
        self._lock = threading.Lock()
        self._feeds: dict[str, Feed] = {}
        self._refreshed: dict[str, float] = {}

    def feed(self, name: str) -> Feed | None:
        """Return that of a sweep; None where there is none of this name.

        Raises:
            RunFolderError: The folder is not complete.
            StorageError: An object store does not answer.
        """
        if name not in self._names():
            return None
        with self._lock:
            if time.monotonic() - self._refreshed.get(name, -_REFRESH_S) >= _REFRESH_S:
                self._refresh(self.runs / name)
                self._refreshed[name] = time.monotonic()
            if name not in self._feeds:
                self._feeds[name] = Feed(RunFolder.open(self.runs / name))
            return self._feeds[name]

    def summaries(self) -> list[dict[str, Any]]:
        """Return how far each sweep is, the latest first; of a damaged one, what is wrong."""
        found = [self._summary(name) for name in self._names()]
        return sorted(found, key=lambda one: one.get("created_at", 0.0), reverse=True)

    def _names(self) -> set[str]:
        return {path.parent.name for path in self.runs.glob("*/sweep.json")}

    def _summary(self, name: str) -> dict[str, Any]:
        try:
            feed = self.feed(name)
            return {"name": name, "state": "damaged"} if feed is None else feed.summary()
        except RunFolderError as err:
            return {"name": name, "state": "damaged", "stopped": str(err)}
