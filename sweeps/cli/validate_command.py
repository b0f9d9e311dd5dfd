"""`sweeps validate`: the verdict on a sweep file, and what it does not cover."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sweeps.definition.sweep import Sweep
from sweeps.errors import SweepFileError
from sweeps.infra import command_line

__all__ = ["add_validate"]


def add_validate(commands: Any) -> argparse.ArgumentParser:
    """Add the command to those of a parser, and return its own."""
    text = "check a sweep file; starts nothing, writes nothing and runs none of your code"
    command: argparse.ArgumentParser = commands.add_parser("validate", help=text, description=text)
    command.add_argument("file", type=Path)
    command.add_argument("--json", action="store_true", help="print JSON")
    command.add_argument(
        "--run-code",
        action="store_true",
        dest="runs_code",
        help="also run your code: load the data, check options against your Pydantic models, and "
        "try your nets, losses and training on a few rows",
    )
    command.set_defaults(command=_validate)
    return command


def _validate(parsed: argparse.Namespace) -> int:
    from sweeps.definition.loading import check_sweep
    from sweeps.definition.patience import patience_notes
    from sweeps.definition.planning import trials_in_all
    from sweeps.rehearsal.rehearsal_apart import rehearse_sweep
    from sweeps.search_methods.learning import require_sampler

    tried: tuple[str, ...] = ()
    try:
        sweep, planned = check_sweep(parsed.file, parsed.set, run_code=parsed.runs_code)
        require_sampler(sweep.file.search)
        if parsed.runs_code:
            tried = rehearse_sweep(sweep, planned, _say)
    except SweepFileError as err:
        if not parsed.json:
            raise
        print(json.dumps({"valid": False, "problems": [vars(one) for one in err.problems]}))
        return err.exit_code
    trials = trials_in_all(sweep.file.search, len(planned))
    if parsed.json:
        about = _as_json(sweep, trials)
        about["notes"] = [*about["notes"], *patience_notes(planned)]
        print(json.dumps(about | {"sanity": tried}))
    else:
        _print(parsed.file, sweep, trials)
        for note in (*patience_notes(planned), *tried):
            print(f"note: {note}")
    return 0


def _say(text: str) -> None:
    print(text, file=sys.stderr)


def _as_json(sweep: Sweep, trials: int) -> dict[str, Any]:
    data = sweep.summary
    return {
        "valid": True,
        "name": sweep.file.name,
        "trials": trials,
        "chosen": sweep.chosen and str(sweep.chosen),
        "cut": data and data.cut,
        "notes": [] if data is None else data.notes,
        "columns": data and asdict(data.columns),
        "not_checked": _not_checked(sweep),
    }


def _print(path: Path, sweep: Sweep, trials: int) -> None:
    left = _not_checked(sweep)
    print(f"{path}: valid{', as far as it was checked' if left else ''}; {trials} trials")
    if sweep.chosen is not None:
        print(f"  {sweep.chosen}")
    if sweep.summary is not None:
        print("\n".join(f"  {line}" for line in sweep.summary.columns.lines()))
        for note in sweep.summary.notes:
            print(f"note: {note}")
    for line in left:
        print(f"not checked: {line}")
    if left:
        ways = (command_line.command("validate", "--run-code", path), "`plan` or `run`")
        print(f"to run your code and check the rest, use `{ways[0]}`, {ways[1]}")


def _not_checked(sweep: Sweep) -> list[str]:
    """Return what was left open because no code of the user's was run."""
    from sweeps.definition.trial_checks import with_models

    left = [
        f"the options of {target}: its module was not run, so they were not checked against its "
        f"Pydantic model"
        for target in ([] if sweep.runs_code else with_models(sweep.space, sweep.surroundings))
    ]
    if sweep.summary is not None or sweep.file.data.kind == "none":
        return left
    return [
        *left,
        f"the data: {sweep.file.data.source} was not run, so columns, missing values, the task, "
        f"the split and whether each net fits the data are unknown",
    ]
