"""What is told to the outside when a session of a sweep is over (SWEEPS_NOTIFY_URL, _COMMAND)."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from sweeps.errors import SweepError
from sweeps.infra.command_line import command
from sweeps.infra.notify import notify
from sweeps.record.replay import read_record
from sweeps.record.run_folder import RunFolder
from sweeps.record.run_log import log, logged
from sweeps.record.stops import StopReason
from sweeps.record.sweep_record import SweepRecord
from sweeps.session.environment import checked_settings
from sweeps.terminal.progress import status_line

__all__ = ["notify_driver_lost", "notify_on_exit"]

_EVENTS = {
    StopReason.BUDGET_TARGET: "target",
    StopReason.INTERRUPTED: "interrupted",
    StopReason.PAUSED: "interrupted",  # nobody had it go on before its process ended
    StopReason.MAX_FAILURES: "failed",
}


@contextmanager
def notify_on_exit(folder: RunFolder, warn: Callable[[str], None]) -> Iterator[None]:
    """Send a notice when the block is over: `ended`, `target`, `interrupted` or `failed`.

    A session that had nothing to do sends none, and a notice that cannot be sent costs no sweep.

    Args:
        warn: Is told what went wrong with it.
    """
    settings = checked_settings()
    if settings.notify_url is None and settings.notify_command is None:
        yield
        return
    before = read_record(folder).ended_at
    try:
        yield
    except BaseException as err:
        # As it is known without reading a folder that may be what is wrong.
        _send(folder, {"event": "failed", "reason": str(err) or type(err).__name__}, warn)
        raise
    record = read_record(folder)
    if record.ended_at != before:
        _send(folder, _about(record), warn)


def notify_driver_lost(folder: RunFolder) -> None:
    """Send the notice of a session whose driver was killed, or lost its cluster, without a word."""
    settings = checked_settings()
    if settings.notify_url is not None or settings.notify_command is not None:
        reason = f"its driver is gone; resume the sweep: {command('resume', folder.path)}"
        _send(folder, {"event": "failed", "reason": reason}, lambda problem: None)


def _about(record: SweepRecord) -> dict[str, Any]:
    stop, best = record.stopped, record.best
    event = "ended" if stop is None else _EVENTS.get(stop.reason, "ended")
    reason = "" if stop is None else stop.detail
    if event == "ended" and best is None:
        event, reason = "failed", reason or "no trial has a result"
    return {
        "event": event,
        "reason": reason,
        "outcomes": {str(name): count for name, count in record.outcomes.items() if count},
        "objective": {"metric": record.objective.metric, "mode": record.objective.mode},
        "best": None if best is None else {"trial": best.trial.index, "value": record.value(best)},
        "progress": status_line(record, None),
    }


def _send(folder: RunFolder, about: dict[str, Any], warn: Callable[[str], None]) -> None:
    text = f"{folder.name}: {about['event']}"
    text += f" ({about['reason']})" if about["reason"] else ""
    text += f"; {about['progress']}" if "progress" in about else ""
    notice = {"sweep": folder.name, "run": str(folder.path), "text": text, **about}
    problems = [
        f"the notification was not sent: {one}" for one in notify(checked_settings(), notice)
    ]
    for problem in problems:
        warn(problem)
    # Where the folder itself is what is wrong, there is no log.
    with suppress(SweepError), logged(folder):
        for problem in problems:
            log(logging.WARNING, problem)
        if not problems:
            log(logging.INFO, f"the notification was sent: {about['event']}")
