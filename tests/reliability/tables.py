"""The tables of mischievous nets, data functions and damaged folders, each tried as a person would.

The tables are those of the tests, which hold each case to its own words; here they are counted, on
the command line, and on both runners where that costs only seconds.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import sweeps
from sweeps.errors import RunFolderError
from tests.reliability.page import Found
from tests.sweeps.drivers import EVERY_EPOCH, run_command
from tests.sweeps.faults.test_faults_edits import DESCRIPTION, LEDGER, PLAN
from tests.sweeps.faults.test_faults_mischief import (
    MISCHIEFS,
    innocent,
    listed,
    mischief,
)
from tests.sweeps.faults.test_faults_own_code import ENDS, own_data
from tests.sweeps.sweep_files import custom_model, space, write_sweep

__all__ = ["break_data_functions", "break_folders", "break_nets"]

_LOCAL: dict[str, Any] = {"runner": "local", "tracking_uri": "none"}


def break_nets(folder: Path, runner: Any, names: Sequence[str] = tuple(MISCHIEFS)) -> Found:
    """Train nets that change their process, each before innocent ones that must not notice."""
    found = Found(f"nets that change their process, {runner}")
    whole = _trained(folder / "whole", "{kind: linear}", runner)
    for name in names:
        own = folder / name
        own.mkdir(parents=True)
        target = mischief(own, f"campaign_{runner}_{name.replace('-', '_')}", MISCHIEFS[name])
        mine = _trained(own, custom_model(target, 1), runner)
        wrong = sum(one != other for one, other in zip(whole, mine, strict=True))
        _count(found, name, wrong)
        found.other += wrong
    return found


def break_data_functions(folder: Path) -> Found:
    """Run sweeps whose data functions end the program, or raise what cannot be read."""
    found = Found("data functions that end the program")
    for name, body in ENDS.items():
        own = folder / name
        own.mkdir(parents=True)
        path = own_data(own, f"campaign_data_{name}", body)
        code, said = run_command("run", path, "--runs", own / "runs", "--local")
        is_told = code == 2 and "data.source: the function must" in said
        _count(found, name, not is_told or "Traceback" in said)
        found.left += (own / "runs").exists()
    return found


def break_folders(folder: Path) -> Found:
    """Damage copies of a finished run folder; each must be refused, as it was and as written."""
    found = Found("edits and losses in a run folder")
    folder.mkdir(parents=True)
    path = write_sweep(
        folder,
        search="{method: random, trials: 3}",
        stopping=EVERY_EPOCH,
        space=space(epochs=4),
    )
    whole = sweeps.run(path, runs=folder / "runs", **_LOCAL).path
    tables = {"ledger": LEDGER, "sweep.json": DESCRIPTION, "plan": PLAN}
    for file, table in tables.items():
        for name, damage in table.items():
            run = Path(shutil.copytree(whole, folder / "damaged"))
            damage(run)
            _count(found, f"{file}: {name}", not _is_refused(run))
            shutil.rmtree(run)
    return found


def _is_refused(run: Path) -> bool:
    """Return whether a resume names the damage and the way out."""
    try:
        sweeps.resume(run, **_LOCAL)
    except RunFolderError as err:
        return "backup" in str(err)
    return False


def _trained(folder: Path, model: str, runner: Any) -> list[dict[str, float]]:
    folder.mkdir(parents=True, exist_ok=True)
    path = listed(folder, model)
    runs = folder / "runs"
    return innocent(sweeps.run(path, runs=runs, runner=runner, tracking_uri="none"))


def _count(found: Found, name: str, is_wrong: bool | int) -> None:
    found.rounds += 1
    found.faults += 1
    found.survived += not is_wrong
    if is_wrong:
        found.notes.append(name)
