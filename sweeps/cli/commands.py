"""The command line: `sweeps COMMAND`, or `python -m sweeps COMMAND`.

Standard output holds the answer, standard error the progress; every mistake of the user ends with
one message and its own exit code.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sweeps.cli.cluster_commands import add_cluster_commands, ask_cluster, find_run, send_to_cluster
from sweeps.cli.completion import SHELLS, completion_script
from sweeps.cli.output import checked_messages, checked_output, write_answer
from sweeps.cli.project_commands import add_project_commands
from sweeps.cli.validate_command import add_validate
from sweeps.definition.own_files import import_from_here
from sweeps.errors import StoppedAtOnce, SweepError, SweepFileError
from sweeps.infra import command_line
from sweeps.infra.other_package import clash
from sweeps.infra.plain_text import shown

__all__ = ["main"]

_COMPLETION = 'in ~/.bashrc: eval "$(sweeps completion bash)"'
_INTERRUPTED = 130
_STOPPED = 7
_NO_WINNER = 8
_PIPE_WIDTH = 160
_RECORDED = "; what was reported is kept: `{}` shows the sweep, `{}` continues it"


@checked_messages()
def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; argparse exits with 2 where it cannot be parsed."""
    if problem := clash():
        print(f"error: {problem}", file=sys.stderr)
        return 1
    given = sys.argv[1:] if arguments is None else list(arguments)
    parsed = _parser().parse_args(given)
    if arguments is None and getattr(parsed, "runs_code", True):
        import_from_here()
    try:
        with checked_output():
            return _run_command(parsed, given)
    except SweepFileError as err:
        count = len(err.problems)
        print(shown(str(err)), file=sys.stderr)
        print(f"{count} problem{'s' if count > 1 else ''}; nothing was started", file=sys.stderr)
        return err.exit_code
    except SweepError as err:
        print(f"error: {shown(str(err))}", file=sys.stderr)
        return err.exit_code
    except KeyboardInterrupt as err:
        ways_on = (command_line.command(*words) for words in (["list"], ["resume", "RUN"]))
        kept = _RECORDED.format(*ways_on) if isinstance(err, StoppedAtOnce) else ""
        print(f"interrupted{kept}", file=sys.stderr)
        return _INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _run_command(parsed: argparse.Namespace, given: list[str]) -> int:
    if send_to_cluster(parsed, given[1:], getattr(parsed, "submits_job", None)):
        return 0
    answered = ask_cluster(parsed, given)
    if answered is not None:
        return answered
    for name in {"run", "first", "second"} & vars(parsed).keys():
        setattr(parsed, name, find_run(getattr(parsed, name)))
    return int(parsed.command(parsed))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=command_line.command(), description="Hyperparameter sweeps of PyTorch nets."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_set(add_validate(commands))
    file_commands = {
        "plan": (_plan, "show what a sweep file would run, and how long it would take"),
        "run": (_run, "run a sweep file"),
    }
    for name, (function, text) in file_commands.items():
        command = commands.add_parser(name, help=text, description=text)
        command.add_argument("file", type=Path)
        _add_set(command)
        command.set_defaults(command=function)
        if name != "run":
            command.add_argument("--json", action="store_true", help="print JSON")
        if name == "plan":
            command.add_argument("--no-probe", action="store_true", help="no timing probe, no ETA")
        if name == "run":
            command.add_argument("--runs", type=Path, help="default: SWEEPS_STORAGE, or runs")
            command.add_argument(
                "--id", help="the run folder's name; a sweep that has begun there is resumed"
            )
            _add_running(command)
    _add_folder_commands(commands)
    add_cluster_commands(commands)
    add_project_commands(commands)
    command = commands.add_parser("schema", help="print the JSON Schema of sweep files")
    command.set_defaults(command=_schema)
    text = "print the script with which a shell completes commands and options"
    command = commands.add_parser("completion", help=text, description=f"{text}: {_COMPLETION}")
    command.add_argument("shell", choices=SHELLS)
    command.set_defaults(command=lambda parsed: _completion(parser, parsed.shell))
    return parser


def _completion(parser: argparse.ArgumentParser, shell: str) -> int:
    sys.stdout.write(completion_script(parser, shell))
    return 0


def _add_folder_commands(commands: Any) -> None:
    running = {
        "resume": (_resume, "run what a sweep has not finished"),
        "extend": (_extend, "add trials to a sweep's plan and run them"),
        "retry": (_retry, "run the failed trials of a sweep again"),
    }
    for name, (function, text) in running.items():
        command = commands.add_parser(name, help=text, description=text)
        command.add_argument("run", type=Path, help="a run folder, for example runs/digits")
        command.set_defaults(command=function, submits_job=name)
        if name == "resume":
            _add_set(command)
        if name == "extend":
            command.add_argument("--trials", type=_number, required=True, help="how many more")
        _add_running(command)
    text = "repeat a search's best under fresh seeds, choose, and test the choice once"
    command = commands.add_parser("final", help=text, description=text)
    command.add_argument("run", type=Path, help="a run folder whose search has been run")
    command.add_argument("--top-k", type=int, help="how many of the best trials; default: 3")
    command.add_argument("--seeds", type=int, help="fresh seeds for each of them; default: 5")
    command.add_argument(
        "--again", action="store_true", help="make another final; uses the test set once more"
    )
    command.set_defaults(command=_final, submits_job="final")
    _add_running(command)
    text = "write the report of a run folder: one HTML file of figures and words"
    command = commands.add_parser("report", help=text, description=text)
    command.add_argument("run", type=Path)
    command.add_argument("--out", type=Path, help="default: report.html in the run folder")
    command.add_argument("--png", action="store_true", help="write each figure as PNG, too")
    command.set_defaults(command=_report, runs_on_cluster=True)
    text = "write two sweeps side by side into one HTML file"
    command = commands.add_parser("compare", help=text, description=text)
    command.add_argument("first", type=Path)
    command.add_argument("second", type=Path)
    command.add_argument("--out", type=Path, default=Path("compare.html"))
    command.set_defaults(command=_compare)
    text = "print the sweep file to run next, each change with its reason"
    command = commands.add_parser("suggest", help=text, description=text)
    command.add_argument("run", type=Path)
    command.add_argument("--out", type=Path, help="write it to this file")
    command.set_defaults(command=_suggest, runs_on_cluster=True)
    text = "print what a sweep's net answers for the rows of a file, as CSV"
    command = commands.add_parser("predict", help=text, description=text)
    command.add_argument("run", type=Path)
    command.add_argument("rows", type=Path, help="a .csv or .parquet file with the same columns")
    command.add_argument("--out", type=Path, help="write the CSV to this file")
    command.set_defaults(command=_predict)
    text = "print the ranked trials of a run folder"
    command = commands.add_parser("show", help=text, description=text)
    command.add_argument("run", type=Path)
    command.add_argument("--json", action="store_true", help="print JSON")
    command.set_defaults(command=_show, runs_on_cluster=True)
    text = "complete MLflow's record of a run folder; twice changes nothing"
    command = commands.add_parser("sync", help=text, description=text)
    command.add_argument("run", type=Path)
    command.add_argument("--follow", type=int, metavar="PID", help=argparse.SUPPRESS)
    command.set_defaults(command=_sync)


def _number(text: str) -> int:
    """Return a number of trials, or end the command as argparse does."""
    if text.isdecimal() and int(text):
        return int(text)
    raise argparse.ArgumentTypeError(f"must be a whole number, 1 at least, got {text!r}")


def _add_set(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--set", action="append", default=[], metavar="KEY.PATH=VALUE", help="override a value"
    )


def _add_running(command: argparse.ArgumentParser) -> None:
    command.add_argument("--local", action="store_true", help="run in this process, without Ray")
    command.add_argument("--quiet", action="store_true", help="print only the run folder")
    command.add_argument("--json", action="store_true", help="print the result as JSON")
    command.add_argument("--no-mlflow", action="store_true", help="do not log to MLflow")
    command.add_argument(
        "--accept-code",
        action="store_true",
        help="go on although the sweep's own code has changed; recorded",
    )


def _plan(parsed: argparse.Namespace) -> int:
    from sweeps.terminal.plan_report import describe_plan

    return describe_plan(parsed.file, parsed.set, as_json=parsed.json, probe=not parsed.no_probe)


def _schema(parsed: argparse.Namespace) -> int:
    from sweeps.definition.json_schema import sweep_schema

    print(json.dumps(sweep_schema(), indent=2))
    return 0


def _run(parsed: argparse.Namespace) -> int:
    from sweeps.service.running import run

    place = {"runs": parsed.runs, "run_id": parsed.id}
    return _answer(parsed, run(parsed.file, overrides=parsed.set, **place, **_options(parsed)))


def _resume(parsed: argparse.Namespace) -> int:
    from sweeps.service.running import open_run, resume

    if open_run(parsed.run).is_finished:
        print(f"{parsed.run} is finished: there is nothing to resume", file=sys.stderr)
    return _answer(parsed, resume(parsed.run, overrides=parsed.set, **_options(parsed)))


def _extend(parsed: argparse.Namespace) -> int:
    from sweeps.service.running import extend

    return _answer(parsed, extend(parsed.run, parsed.trials, **_options(parsed)))


def _retry(parsed: argparse.Namespace) -> int:
    from sweeps.service.running import retry

    return _answer(parsed, retry(parsed.run, **_options(parsed)))


def _final(parsed: argparse.Namespace) -> int:
    from sweeps.service.running import final

    given = {"top_k": parsed.top_k, "seeds": parsed.seeds}
    overrides = [f"final.{key}={value}" for key, value in given.items() if value is not None]
    options = _options(parsed)
    return _answer(parsed, final(parsed.run, again=parsed.again, overrides=overrides, **options))


def _report(parsed: argparse.Namespace) -> int:
    from sweeps.service.answers import write_report

    print(f"written to {write_report(parsed.run, out=parsed.out)}")
    if parsed.png:
        from sweeps.service.answers import write_pictures

        for path in write_pictures(parsed.run):
            print(path)
    return 0


def _compare(parsed: argparse.Namespace) -> int:
    from sweeps.service.answers import compare

    print(f"written to {compare(parsed.first, parsed.second, out=parsed.out)}")
    return 0


def _suggest(parsed: argparse.Namespace) -> int:
    from sweeps.service.answers import home_of_suggestion, suggest

    code = write_answer(parsed.out, suggest(parsed.run))
    home = home_of_suggestion(parsed.run)
    if home is not None and home != (parsed.out or Path("file")).resolve().parent:
        print(f"keep it in {home}: data or modules that it names are there", file=sys.stderr)
    return code


def _predict(parsed: argparse.Namespace) -> int:
    from sweeps.service.answers import predict

    return write_answer(parsed.out, predict(parsed.run, parsed.rows).to_csv(index=False))


def _show(parsed: argparse.Namespace) -> int:
    from sweeps.service.running import open_run

    parsed.quiet = False
    return _answer(parsed, open_run(parsed.run), exit_code=0)


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


def _options(parsed: argparse.Namespace) -> dict[str, Any]:
    from sweeps.terminal.progress import Display

    silent = parsed.quiet or (parsed.json and not sys.stderr.isatty())
    return {
        "runner": "local" if parsed.local else "ray",
        "tracking_uri": "none" if parsed.no_mlflow else None,
        "accept_code": parsed.accept_code,
        "display": Display.silent() if silent else Display.for_terminal(),
    }


def _answer(parsed: argparse.Namespace, results: Any, exit_code: int | None = None) -> int:
    """Print what a sweep came to, and return its exit code."""
    if parsed.json:
        from sweeps.record.results import trial_line

        record = results.record
        answer = {
            "run": str(results.path),
            "objective": {"metric": record.objective.metric, "mode": record.objective.mode},
            "outcomes": {str(name): count for name, count in record.outcomes.items() if count},
            "unfinished": len(record.unfinished),
            "stopped": "" if record.stopped is None else record.stopped.detail,
            "stop_reason": None if record.stopped is None else record.stopped.reason,
            "winner": results.winner,
            "final": None if results.final is None else asdict(results.final),
            "openings": [asdict(opening) for opening in results.openings],
            "trials": [trial_line(record, trial) for trial in record.trials],
        }
        from sweeps.record.ledger import to_line

        sys.stdout.write(to_line(answer).decode())
    elif parsed.quiet:
        print(command_line.shown_path(results.path))
    else:
        from sweeps.terminal.console import PlainConsole
        from sweeps.terminal.tables import print_answer

        print_answer(results, PlainConsole(width=None if sys.stdout.isatty() else _PIPE_WIDTH))
    return _exit_code(results.record) if exit_code is None else exit_code


def _exit_code(record: Any) -> int:
    """Return 0 for a sweep that ended as its file says, 7 if interrupted, 8 without a winner."""
    from sweeps.record.stops import StopReason

    if record.stopped is not None and record.stopped.reason is StopReason.INTERRUPTED:
        return _STOPPED
    return 0 if record.best is not None else _NO_WINNER
