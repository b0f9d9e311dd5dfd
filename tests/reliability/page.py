"""What a campaign found, and docs/reliability.md, which says so."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

__all__ = ["Found", "page"]


@dataclass
class Found:
    """What one kind of fault did.

    Attributes:
        survived: Rounds that ended as they should: finished, or refused in words and with the code.
        lost: Results of the unbroken run that the broken one does not have.
        repeated: Epochs that stand twice, or are missing, on disk.
        other: Values that are not those of the unbroken run.
        tracked: Points of MLflow that are not those on disk, twice there, or runs left open.
        left: Processes and temporary files that were still there afterwards.
        again: Epochs that were trained a second time, the price of the kills.
        notes: What went wrong, a line each.
    """

    what: str
    faults: int = 0
    rounds: int = 0
    survived: int = 0
    lost: int = 0
    repeated: int = 0
    other: int = 0
    tracked: int = 0
    left: int = 0
    again: int = 0
    notes: list[str] = field(default_factory=list)

    def row(self) -> str:
        """Return the row of the page's table."""
        numbers = (self.faults, self.rounds, self.survived, self.lost, self.repeated, self.other,
                   self.tracked, self.left, self.again)  # fmt: skip
        return f"| {self.what} | {' | '.join(map(str, numbers))} |\n"


_HEAD = """# What faults cost

Written by `make faults`, which starts sweeps in processes of their own, breaks them and what is
around them, goes on with `resume` until they end, and compares what is then on disk and in MLflow
with a run of the same file that nothing has broken: outcomes, every number of every curve but the
seconds (bit for bit), the winner, and the repeats of the final. Where an asynchronous scheduler
decides by the order in which workers report (ASHA on Ray), each epoch that both runs have is
compared, and no decision. MLflow is compared after `sync` where a tracker was killed. The instants
of the kills are random: `make faults ARGS="--seed 5"` draws others.

*Survived*: ended as it should: finished, or refused with the right exit code, and no traceback.
*Lost*: trials that have no outcome any more. *Repeated*: epochs that stand twice on disk, or are
missing. *Other*: values that differ. *MLflow*: points that are not those on disk or stand twice,
and runs that are left open. *Left*: processes and files that remain. *Again*: epochs that were
trained a second time.

| faults | tried | rounds | survived | lost | repeated | other | MLflow | left | again |
| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |
"""


def page(found: Sequence[Found], seconds: float, seed: int) -> str:
    """Return docs/reliability.md."""
    notes = [f"- {one.what}: {note}\n" for one in found for note in one.notes]
    wrong = "\n## What went wrong\n\n" + "".join(notes) if notes else "\nNothing else was seen.\n"
    return _HEAD + "".join(one.row() for one in found) + _measured(seconds, seed) + wrong + _peers()


def _peers() -> str:
    return "\n" + (Path(__file__).parent / "peers.md").read_text(encoding="utf-8")


def _measured(seconds: float, seed: int) -> str:
    names = ("ray", "torch", "mlflow")
    versions = ", ".join(f"{name} {version(name)}" for name in names)
    load = f"load {os.getloadavg()[0]:.0f} at the end"
    return (
        f"\nMeasured at {_commit()} on {os.cpu_count()} cores ({platform.system()}, {load}; "
        f"Python {platform.python_version()}, {versions}), seed {seed}, in "
        f"{seconds / 60:.0f} min.\n"
    )


def _commit() -> str:
    command = ["git", "rev-parse", "--short", "HEAD"]
    folder = Path(__file__).resolve().parent
    return subprocess.run(command, cwd=folder, capture_output=True, text=True).stdout.strip()
