"""A paused sweep: its session has ended, and its process waits for what it is asked next."""

from __future__ import annotations

import time

from sweeps.execution.signals import Signals
from sweeps.record.requests import GO_ON, PAUSE, STOP, forget, requests_of
from sweeps.record.run_folder import RunFolder
from sweeps.record.stops import StopReason
from sweeps.record.sweep_record import SweepRecord
from sweeps.session.asked import look_every_s

__all__ = ["goes_on", "has_paused"]


def has_paused(record: SweepRecord) -> bool:
    """Return whether the last session ended because it was asked to pause."""
    return record.stopped is not None and record.stopped.reason is StopReason.PAUSED


def goes_on(folder: RunFolder, signals: Signals) -> bool:
    """Wait until a paused sweep is asked to go on; returns False where it is to end.

    Args:
        signals: Those of the session that was paused: Ctrl-C ends the wait, too, and so does
            another driver that takes the sweep over.
    """
    while signals.is_paused:
        for request in _asked(folder):
            if request in (GO_ON, STOP):
                forget(folder, request)
                return request == GO_ON
            if request == PAUSE:
                forget(folder, request)
        time.sleep(look_every_s(folder))
    return False


def _asked(folder: RunFolder) -> list[str]:
    try:
        return requests_of(folder)
    except OSError:  # the storage may come back
        return []
