"""Commands on a sweep file: check it, show what it would run, run it."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sweeps.cli.shared import add_running, add_set, options_of, print_results
from sweeps.cli.validate_command import add_validate

__all__ = ["add_file_commands"]


def add_file_commands(commands: Any) -> None:
    """Add validate, plan, run and schema."""
    add_set(add_validate(commands))
    text = "show what a sweep file would run, and how long it would take"
    command = _add(commands, "plan", _plan, text)
    command.add_argument("--json", action="store_true", help="print JSON")
    command.add_argument("--no-probe", action="store_true", help="skip the timing probe (no ETA)")
    command = _add(commands, "run", _run, "run a sweep file")
    command.add_argument("--runs", type=Path, help="default: SWEEPS_STORAGE, or runs")
    text = "name of the run folder; if it holds this sweep already, the sweep is resumed"
    command.add_argument("--id", help=text)
    add_running(command)
    text = "print the JSON Schema of sweep files"
    command = commands.add_parser("schema", help=text, description=text)
    command.set_defaults(command=_schema)


def _add(
    commands: Any, name: str, function: Callable[[argparse.Namespace], int], text: str
) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(name, help=text, description=text)
    command.add_argument("file", type=Path)
    add_set(command)
    command.set_defaults(command=function)
    return command


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
    return print_results(
        parsed, run(parsed.file, overrides=parsed.set, **place, **options_of(parsed))
    )
