"""Stops, pauses or lengthens a sweep that runs in another process, or stops one trial of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from sweeps.errors import RequestError, StorageError
from sweeps.record.replay import read_ledger
from sweeps.record.requests import (
    STOP,
    ask_for_trials,
    ask_to_go_on,
    ask_to_pause,
    ask_to_stop,
    ask_to_stop_trial,
    forget,
    is_paused,
    requests_of,
    trial_of,
)
from sweeps.record.run_folder import RunFolder
from sweeps.record.sweep_record import SweepRecord
from sweeps.session.environment import pull_run

__all__ = ["add_trials", "end_pause", "pause_sweep", "stop_sweep", "stop_trial"]

_POLL_S = 0.2


def stop_sweep(path: Path, wait_s: float = 90.0) -> SweepRecord:
    """Have the process that runs a sweep end as Ctrl-C does; returns what is known of it then.

    Raises:
        RequestError: There is no such sweep, no process runs it, or it has not ended in time.
        StorageError: The request cannot be written.
    """
    folder = RunFolder.open(path)
    ask_to_stop(folder)
    if not _comes(lambda: not folder.is_running(), wait_s):
        raise RequestError(
            f"{path} has not ended within {wait_s:g} s; it will end with the next report of a "
            f"running trial"
        )
    forget(folder, STOP)  # of a driver that ended without having read it
    return read_ledger(RunFolder(pull_run(path)))


def pause_sweep(path: Path, wait_s: float = 90.0) -> SweepRecord:
    """Have the process that runs a sweep end its session and wait; returns what is known then.

    Raises:
        RequestError: There is no such sweep, no process runs it, it is paused already, or it has
            not paused in time.
        StorageError: The request cannot be written.
    """
    folder = RunFolder.open(path)
    ask_to_pause(folder)

    def has_paused() -> bool:
        return is_paused(RunFolder(pull_run(path))) or not folder.is_running()

    if not _comes(has_paused, wait_s):
        raise RequestError(
            f"{path} has not paused within {wait_s:g} s: it will pause with the next report of a "
            f"running trial"
        )
    return read_ledger(RunFolder(pull_run(path)))


def end_pause(path: Path) -> bool:
    """Have a paused sweep go on in the process that has it; returns whether there was one.

    Raises:
        StorageError: The request cannot be written.
    """
    folder = RunFolder.open(path)
    if not is_paused(folder):
        return False
    ask_to_go_on(folder)
    return True


def add_trials(path: Path, trials: int) -> bool:
    """Have a process that runs a sweep train more trials; returns whether there is one.

    Raises:
        RequestError: The sweep can have no further trials.
        StorageError: The request cannot be written.
    """
    folder = RunFolder.open(path)
    if not folder.is_running():
        return False
    ask_for_trials(folder, trials)
    return True


def stop_trial(path: Path, index: int, wait_s: float = 60.0) -> str:
    """End one trial of a sweep for good; returns what became of it, in words.

    A sweep that is paused or not running finds the request when it goes on.

    Raises:
        RequestError: There is no such sweep or trial, it has ended, or does not end in time.
        StorageError: The request cannot be written.
    """
    folder = RunFolder.open(path)
    ask_to_stop_trial(folder, index)
    if not folder.is_running():
        return f"{path} is not running: when it continues, trial {index} will be stopped"
    if is_paused(folder):
        return f"{path} is paused: when it continues, trial {index} will be stopped"
    if not _comes(lambda: not _is_asked(folder, index) or not folder.is_running(), wait_s):
        raise RequestError(
            f"trial {index} has not ended within {wait_s:g} s: it will end with its next report"
        )
    trial = read_ledger(RunFolder(pull_run(path))).trials[index]
    return f"trial {index} is {trial.outcome or 'asked to end'}" + (
        f": {trial.reason}" if trial.reason else ""
    )


def _is_asked(folder: RunFolder, index: int) -> bool:
    try:
        return index in map(trial_of, requests_of(folder))
    except OSError as err:
        raise StorageError(f"cannot read {folder.requests}: {err}") from err


def _comes(is_there: Callable[[], bool], wait_s: float) -> bool:
    until = time.monotonic() + wait_s
    while not is_there():
        if time.monotonic() > until:
            return False
        time.sleep(_POLL_S)
    return True
