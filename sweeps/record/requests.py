"""What a sweep is asked from outside while it runs: small files in `requests/` of its folder.

Whoever asks writes a file; the sweep's driver, on whatever machine, finds it there and deletes it
when it has done what was asked. `stop`, `pause` and `go-on` are of the process that runs.
`trial-12` holds until that trial has ended, so that a sweep which is not running finds it when it
goes on. `add-20-` and a word of its own asks for 20 more trials, after those of the plan.
"""

from __future__ import annotations

import secrets

from sweeps.errors import RequestError, StorageError
from sweeps.infra.command_line import command
from sweeps.record.longer_plan import refuse_longer
from sweeps.record.replay import read_ledger
from sweeps.record.run_folder import RunFolder
from sweeps.record.stops import is_pause
from sweeps.storage.files import stored_files

__all__ = [
    "GO_ON",
    "OF_PROCESS",
    "PAUSE",
    "STOP",
    "ask_for_trials",
    "ask_to_go_on",
    "ask_to_pause",
    "ask_to_stop",
    "ask_to_stop_trial",
    "asked_trials",
    "forget",
    "is_paused",
    "requests_of",
    "trial_of",
    "trials_of",
    "withdraw",
]

STOP, PAUSE, GO_ON = "stop", "pause", "go-on"
# Those that nobody may find who was not asked.
OF_PROCESS = (STOP, PAUSE, GO_ON)
_TRIAL, _ADD = "trial-", "add-"
# A page should not ask for what takes the machine's memory.
_MOST_ADDED = 100_000


def ask_to_stop(folder: RunFolder) -> None:
    """Ask the driver of a sweep to end its session as Ctrl-C does.

    Raises:
        RequestError: No process runs the sweep.
        StorageError: The request cannot be written.
    """
    _refuse_idle(folder, "there is nothing to stop")
    _ask(folder, STOP)


def ask_to_pause(folder: RunFolder) -> None:
    """Ask the driver of a sweep to end its session, and to wait; raises as `ask_to_stop`."""
    _refuse_idle(folder, "there is nothing to pause")
    if is_paused(folder):
        raise RequestError(f"{folder.path} is paused already")
    _ask(folder, PAUSE)


def ask_to_go_on(folder: RunFolder) -> None:
    """Ask the driver of a paused sweep, or of one that is about to be, to go on.

    Raises:
        RequestError: No process runs the sweep.
        StorageError: The request cannot be written.
    """
    _refuse_idle(folder, "`resume` starts it again")
    forget(folder, PAUSE)  # where it has not been heard
    _ask(folder, GO_ON)


def is_paused(folder: RunFolder) -> bool:
    """Return whether a process has this sweep and waits; raises RunFolderError."""
    return is_pause(read_ledger(folder).stopped) and folder.is_running()


def ask_to_stop_trial(folder: RunFolder, index: int) -> None:
    """Ask the driver of a sweep, or the next one, to end a trial; raises as `ask_to_stop`."""
    trials = read_ledger(folder).trials
    if not 0 <= index < len(trials):
        raise RequestError(
            f"there is no trial {index}: {folder.path} has planned trials 0 to {len(trials) - 1}"
        )
    outcome = trials[index].outcome
    if outcome is not None:
        raise RequestError(f"trial {index} has ended already: it is {outcome}")
    _ask(folder, f"{_TRIAL}{index}")


def ask_for_trials(folder: RunFolder, trials: int) -> None:
    """Ask the driver of a sweep to train more trials, after those of its plan.

    They come before what follows the search, such as its final.

    Raises:
        RequestError: No process runs the sweep, or it can have no further trials.
        StorageError: The request cannot be written.
    """
    if not 1 <= trials <= _MOST_ADDED:
        raise RequestError(f"more trials must be 1 to {_MOST_ADDED}, got {trials}")
    refuse_longer(folder, trials)
    way_on = command("extend", folder.path, "--trials", str(trials))
    _refuse_idle(folder, f"{way_on} adds them, and trains them")
    _ask(folder, f"{_ADD}{trials}-{secrets.token_hex(4)}")


def asked_trials(folder: RunFolder) -> int:
    """Return how many more trials are asked for and not yet planned; raises OSError."""
    return sum(filter(None, map(trials_of, requests_of(folder))))


def requests_of(folder: RunFolder) -> list[str]:
    """Return what is asked of a sweep, by the names of the files; raises OSError.

    More trials that the plan has already are asked for no longer, although the driver may have
    been killed before it deleted the file.
    """
    # Files that are just being written have hidden names: who deletes one, breaks the asking.
    names = [name for name in _files(folder) if not name.startswith(".")]
    if any(name.startswith(_ADD) for name in names):
        served = folder.read_description().served
        names = [name for name in names if name not in served]
    return names


def withdraw(folder: RunFolder, *requests: str) -> None:
    """Take back requests that must not be found later.

    Raises:
        StorageError: They cannot be deleted.
    """
    try:
        stored_files(folder.requests).delete(*requests)
        left = sorted({*requests} & {*_files(folder)})
    except OSError as err:
        raise StorageError(f"cannot read {folder.requests}: {err}") from err
    if left:
        raise StorageError(
            f"cannot delete {', '.join(left)} in {stored_files(folder.requests)}: a sweep needs "
            f"the right to delete files there, or it gets the same request each time it starts"
        )


def trial_of(request: str) -> int | None:
    """Return the trial that a request is about; None for another request."""
    number = request.removeprefix(_TRIAL)
    is_of_trial = request.startswith(_TRIAL) and number.isascii() and number.isdecimal()
    return int(number[:9]) if is_of_trial else None


def trials_of(request: str) -> int | None:
    """Return how many more trials a request asks for; None for another request."""
    number = request.removeprefix(_ADD).partition("-")[0]
    is_of_trials = request.startswith(_ADD) and number.isascii() and number.isdecimal()
    return int(number[:6]) if is_of_trials else None


def forget(folder: RunFolder, request: str) -> None:
    """Take back a request, or note that it is done."""
    stored_files(folder.requests).delete(request)


def _files(folder: RunFolder) -> list[str]:
    try:
        return stored_files(folder.requests).names()
    except FileNotFoundError:
        return []


def _refuse_idle(folder: RunFolder, what: str) -> None:
    if not folder.is_running():
        raise RequestError(f"{folder.path} is not running: {what}")


def _ask(folder: RunFolder, request: str) -> None:
    try:
        folder.requests.mkdir(exist_ok=True)
        stored_files(folder.requests).write(request, b"")
    except OSError as err:
        raise StorageError(
            f"cannot write to {folder.requests}: {err.strerror or err}; requests to a sweep are "
            f"written to its folder"
        ) from err
