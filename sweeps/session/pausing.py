"""A paused sweep: its session has ended, and its process waits for what it is asked next."""

from __future__ import annotations

import time

from sweeps.execution.signals import Signals
from sweeps.record.requests import GO_ON, PAUSE, STOP, forget
from sweeps.record.run_folder import RunFolder
from sweeps.session.asked import asked_now, look_every_s

__all__ = ["goes_on"]


def goes_on(folder: RunFolder, signals: Signals) -> bool:
    """Wait until a paused sweep is asked to go on; returns False where it is to end.

    Args:
        signals: Those of the session that was paused: Ctrl-C ends the wait, too, and so does
            another driver that takes the sweep over.
    """
    while signals.is_paused:
        for request in asked_now(folder):
            if request in (GO_ON, STOP):
                forget(folder, request)
                return request == GO_ON
            if request == PAUSE:
                forget(folder, request)
        time.sleep(look_every_s(folder))
    return False
