"""Commands that answer from what a run folder has; nothing is trained."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from sweeps.cli.output import write_answer
from sweeps.cli.shared import print_results, warn_of_lost_net
from sweeps.errors import RequestError

__all__ = ["add_answer_commands"]


def add_answer_commands(commands: Any) -> None:
    """Add report, compare, suggest, predict and show."""
    text = "write the report of a run folder, one HTML file"
    command = commands.add_parser("report", help=text, description=text)
    command.add_argument("run", type=Path)
    command.add_argument("--out", type=Path, help="default: report.html in the run folder")
    command.add_argument("--png", action="store_true", help="also write each figure as a PNG file")
    command.set_defaults(command=_report, runs_on_cluster=True)
    text = "compare two sweeps in one HTML file"
    command = commands.add_parser("compare", help=text, description=text)
    command.add_argument("first", type=Path)
    command.add_argument("second", type=Path)
    command.add_argument("--out", type=Path, default=Path("compare.html"))
    command.set_defaults(command=_compare)
    text = "print the sweep file to run next, with a reason for each change"
    command = commands.add_parser("suggest", help=text, description=text)
    command.add_argument("run", type=Path)
    command.add_argument("--out", type=Path, help="write the sweep file to this file")
    command.set_defaults(command=_suggest, runs_on_cluster=True)
    text = "print the predictions of a sweep's net for the rows of a file, as CSV"
    command = commands.add_parser("predict", help=text, description=text)
    command.add_argument("run", type=Path)
    command.add_argument(
        "rows", type=Path, help="a .csv or .parquet file with the columns of the data"
    )
    command.add_argument("--out", type=Path, help="write the CSV to this file")
    command.set_defaults(command=_predict)
    text = "print the ranked trials of a run folder"
    command = commands.add_parser("show", help=text, description=text)
    command.add_argument("run", type=Path)
    command.add_argument("--json", action="store_true", help="print JSON")
    text = "also print the tables of the final: its candidates with intervals, and its test metrics"
    command.add_argument("--final", action="store_true", help=text)
    command.set_defaults(command=_show, runs_on_cluster=True)


def _report(parsed: argparse.Namespace) -> int:
    from sweeps.service.answers import write_report
    from sweeps.service.running import open_run

    print(f"written to {write_report(parsed.run, out=parsed.out)}")
    if parsed.png:
        from sweeps.service.answers import write_pictures

        for path in write_pictures(parsed.run):
            print(path)
    return warn_of_lost_net(open_run(parsed.run))


def _compare(parsed: argparse.Namespace) -> int:
    from sweeps.service.answers import compare

    print(f"written to {compare(parsed.first, parsed.second, out=parsed.out)}")
    return 0


def _suggest(parsed: argparse.Namespace) -> int:
    from sweeps.service.answers import home_of_suggestion, suggest

    code = write_answer(parsed.out, suggest(parsed.run))
    home = home_of_suggestion(parsed.run)
    if home is not None and home != (parsed.out or Path("file")).resolve().parent:
        print(f"keep it in {home}, where the data or modules that it names are", file=sys.stderr)
    return code


def _predict(parsed: argparse.Namespace) -> int:
    from sweeps.service.answers import predict

    if parsed.out is not None and parsed.out.resolve() == parsed.rows.resolve():
        raise RequestError(f"--out {parsed.out} is the file of rows itself; name another one")
    return write_answer(parsed.out, predict(parsed.run, parsed.rows).to_csv(index=False))


def _show(parsed: argparse.Namespace) -> int:
    from sweeps.service.running import open_run

    parsed.quiet = False
    return print_results(parsed, open_run(parsed.run), exit_code=0, has_final=parsed.final)
