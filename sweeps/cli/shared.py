"""What several commands share: their options, and the answer of those that end with results."""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sweeps.infra import command_line

__all__ = [
    "add_running",
    "add_set",
    "adds_trials",
    "options_of",
    "print_results",
    "warn_of_lost_net",
]

_NO_WINNER = 8


def add_set(command: argparse.ArgumentParser) -> None:
    """Add `--set`, which overrides a value of the sweep file."""
    command.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY.PATH=VALUE",
        help="override a value of the sweep file",
    )


def add_running(command: argparse.ArgumentParser) -> None:
    """Add how a command trains, and what it prints then."""
    text = "run in this process, without Ray (remembered for later commands on the run)"
    command.add_argument("--local", action=argparse.BooleanOptionalAction, help=text)
    command.add_argument("--quiet", action="store_true", help="print only the run folder")
    command.add_argument("--json", action="store_true", help="print the result as JSON")
    text = "log to MLflow or not (remembered for later commands on the run)"
    command.add_argument("--mlflow", action=argparse.BooleanOptionalAction, help=text)
    command.add_argument(
        "--accept-code",
        action="store_true",
        help="continue although your code has changed (this is recorded)",
    )


def adds_trials(run: Path, trials: int) -> bool:
    """Have the process that runs a sweep train more trials, and say so; whether there is one."""
    from sweeps.findings.wording import counted
    from sweeps.service.stopping import add_trials

    if not add_trials(run, trials):
        return False
    print(f"{run} will train {counted(trials, 'more trial')} after its planned trials")
    return True


def options_of(parsed: argparse.Namespace) -> dict[str, Any]:
    """Return how a command trains, as arguments of `sweeps.run` and the like."""
    from sweeps.terminal.progress import Display

    silent = parsed.quiet or (parsed.json and not sys.stderr.isatty())
    return {
        "runner": None if parsed.local is None else "local" if parsed.local else "ray",
        "tracking_uri": _tracking_uri(parsed),
        "accept_code": parsed.accept_code,
        "display": Display.silent() if silent else Display.for_terminal(),
    }


def _tracking_uri(parsed: argparse.Namespace) -> str | None:
    """Return where a command's record goes; None where it does not say whether it has one."""
    from sweeps.service.run_options import MLFLOW_OFF
    from sweeps.session.environment import default_runs, default_tracking_uri

    if not parsed.mlflow:
        return None if parsed.mlflow is None else MLFLOW_OFF
    run = getattr(parsed, "run", None)
    runs = getattr(parsed, "runs", None) or default_runs()
    return default_tracking_uri(Path(runs).absolute() if run is None else run.absolute().parent)


def print_results(
    parsed: argparse.Namespace,
    results: Any,
    exit_code: int | None = None,
    *,
    has_final: bool = True,
) -> int:
    """Print what a sweep came to, with or without the final in full; returns its exit code."""
    if parsed.json:
        from sweeps.findings.results import trial_line

        record = results.record
        answer = {
            "run": str(results.path),
            "objective": {"metric": record.objective.metric, "mode": record.objective.mode},
            "outcomes": {str(name): count for name, count in record.outcomes.items() if count},
            "unfinished": record.wanted - record.outcomes.total(),
            "stopped": "" if record.stopped is None else record.stopped.detail,
            "stop_reason": None if record.stopped is None else record.stopped.reason,
            "best": results.best,
            "winner": results.winner,
            "lost_net": results.lost_net,
            "missing_in_mlflow": results.missing_in_mlflow,
            "final": None if results.final is None else asdict(results.final),
            "openings": [asdict(opening) for opening in results.openings],
            "trials": [trial_line(record, trial) for trial in record.trials],
        }
        from sweeps.record.ledger import to_line

        sys.stdout.write(to_line(answer).decode())
    elif parsed.quiet:
        print(command_line.shown_path(results.path))
    else:
        from sweeps.terminal.console import answer_console
        from sweeps.terminal.tables import print_answer

        print_answer(results, answer_console(), has_final=has_final)
    if results.missing_in_mlflow and (parsed.json or parsed.quiet):
        from sweeps.infra.plain_text import shown
        from sweeps.terminal.tables import incomplete_in_mlflow

        print(f"warning: {shown('. '.join(incomplete_in_mlflow(results)))}", file=sys.stderr)
    code = _exit_code(results.record) if exit_code is None else exit_code
    return code or warn_of_lost_net(results)


def warn_of_lost_net(results: Any) -> int:
    """Print that the sweep's net was lost, if it was; returns the exit code of that, or 0."""
    from sweeps.errors import RunFolderError
    from sweeps.infra.plain_text import shown

    if not (words := results.lost_net):
        return 0
    print(f"warning: {shown(words)}", file=sys.stderr)
    return RunFolderError.exit_code


def _exit_code(record: Any) -> int:
    """Return 0 for a sweep that ended as its file says, 7 if interrupted, 8 without a winner.

    What a failed trial had reached may be the best that there is, but no trial came to its end.
    """
    from sweeps.errors import STOPPED_EXIT_CODE
    from sweeps.record.stops import StopReason

    ends = (StopReason.INTERRUPTED, StopReason.PAUSED)
    if record.stopped is not None and record.stopped.reason in ends:
        return STOPPED_EXIT_CODE
    return _NO_WINNER if record.best is None or record.has_only_failed else 0
