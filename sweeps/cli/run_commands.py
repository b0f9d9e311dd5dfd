"""Commands that go on with a run folder: train what is missing, choose, complete its record."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sweeps.cli.shared import add_running, add_set, adds_trials, options_of, print_results
from sweeps.errors import RequestError

__all__ = ["add_run_commands"]


def add_run_commands(commands: Any) -> None:
    """Add resume, extend, retry, final and sync."""
    command = _add(commands, "resume", _resume, "continue an unfinished sweep")
    add_set(command)
    _add_only_ask(command)
    command = _add(commands, "extend", _extend, "add trials to a sweep and run them")
    command.add_argument("--trials", type=_number, required=True, help="number of trials to add")
    _add_only_ask(command)
    _add(commands, "retry", _retry, "run the failed trials of a sweep again")
    text = (
        "retrain the best trials with fresh seeds, pick the winner, and evaluate it once on the "
        "test set"
    )
    command = _add(commands, "final", _final, text)
    command.add_argument("--top-k", type=int, help="number of best trials to retrain; default: 3")
    command.add_argument("--seeds", type=int, help="fresh seeds per trial; default: 5")
    add_set(command)
    text = "run another final; this uses the test set once more"
    command.add_argument("--again", action="store_true", help=text)
    text = "complete MLflow's record of a run folder; safe to repeat"
    command = commands.add_parser("sync", help=text, description=text)
    command.add_argument("run", type=Path)
    command.add_argument("--follow", type=int, metavar="PID", help=argparse.SUPPRESS)
    command.set_defaults(command=_sync)


def _add(
    commands: Any, name: str, function: Callable[[argparse.Namespace], int], text: str
) -> argparse.ArgumentParser:
    """Add a command that trains, as a job where RAY_ADDRESS names a cluster's Jobs API."""
    command: argparse.ArgumentParser = commands.add_parser(name, help=text, description=text)
    command.add_argument("run", type=Path, help="a run folder, for example runs/digits")
    command.set_defaults(command=function, submits_job=name)
    add_running(command)
    return command


def _add_only_ask(command: argparse.ArgumentParser) -> None:
    """Add what a machine that does not see the storage has a job do: ask, and train nothing."""
    command.add_argument("--only-ask", action="store_true", help=argparse.SUPPRESS)


def _number(text: str) -> int:
    """Return a number of trials, or end the command as argparse does."""
    if text.isdecimal() and int(text):
        return int(text)
    raise argparse.ArgumentTypeError(f"must be a whole number, at least 1, got {text!r}")


def _resume(parsed: argparse.Namespace) -> int:
    from sweeps.service.running import open_run, resume
    from sweeps.service.stopping import end_pause

    if not parsed.set and end_pause(parsed.run):
        print(f"{parsed.run} continues in the process that runs it")
        return 0
    if parsed.only_ask:
        raise RequestError(f"{parsed.run} is not paused: nothing to resume")
    if open_run(parsed.run).is_finished:
        print(f"{parsed.run} is finished: nothing to resume", file=sys.stderr)
    return print_results(parsed, resume(parsed.run, overrides=parsed.set, **options_of(parsed)))


def _extend(parsed: argparse.Namespace) -> int:
    from sweeps.service.running import extend

    if adds_trials(parsed.run, parsed.trials):
        return 0
    if parsed.only_ask:
        raise RequestError(f"{parsed.run} is no longer running, so trials cannot be added")
    return print_results(parsed, extend(parsed.run, parsed.trials, **options_of(parsed)))


def _retry(parsed: argparse.Namespace) -> int:
    from sweeps.service.running import retry

    return print_results(parsed, retry(parsed.run, **options_of(parsed)))


def _final(parsed: argparse.Namespace) -> int:
    from sweeps.service.running import final

    given = {"top_k": parsed.top_k, "seeds": parsed.seeds}
    overrides = [f"final.{key}={value}" for key, value in given.items() if value is not None]
    overrides += parsed.set
    options = options_of(parsed)
    return print_results(
        parsed, final(parsed.run, again=parsed.again, overrides=overrides, **options)
    )


def _sync(parsed: argparse.Namespace) -> int:
    from sweeps.record.run_folder import RunFolder
    from sweeps.service.running import sync
    from sweeps.session.environment import default_tracking_uri
    from sweeps.tracking.follower import follow

    if parsed.follow is not None:
        folder = RunFolder.open(parsed.run)
        uri = default_tracking_uri(folder.path.parent)
        from sweeps.session.closing import CLOSING

        has_ended = False
        try:
            has_ended = follow(folder, uri, lambda: os.getppid() == parsed.follow, CLOSING)
        finally:
            if not has_ended and os.getppid() != parsed.follow:
                from sweeps.session.notifications import notify_driver_lost

                notify_driver_lost(folder)
        return 0
    results = sync(parsed.run)
    print(f"MLflow has all {results.record.outcomes.total()} ended trials of {parsed.run}")
    return 0
