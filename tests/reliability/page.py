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


_HEAD = """# Reliability

This page is written by `make faults`. It starts sweeps in processes of their own, breaks them and
their surroundings, resumes them until they finish, and compares the result on disk and in MLflow
with an undisturbed run of the same sweep file: outcomes, every value of every curve except times
(bit for bit), the winner, and the repeats of the final. With ASHA on Ray, decisions depend on the
order in which workers report, so only the epochs that both runs have are compared. Where the
MLflow tracker was killed, MLflow is compared after `sync`. Kills come at random times: `make
faults ARGS="--seed 5"` draws others.

- *Survived*: the sweep finished, or was refused with a clear message and the right exit code.
- *Lost*: trials whose outcome is gone.
- *Repeated*: epochs that are recorded twice or missing on disk.
- *Other*: values that differ from the undisturbed run.
- *MLflow*: points that are missing, duplicated or different there, and runs left open.
- *Left*: processes and files that were not cleaned up.
- *Again*: epochs that had to be trained a second time.

| faults | tried | rounds | survived | lost | repeated | other | MLflow | left | again |
| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |
"""

_LIMITS = """
## Known limits

- **Ray is killed while it starts.** If the raylet dies in the milliseconds in which the driver
  registers with it, Ray's C++ code ends the process with exit code 1 and its own text.
  Nothing runs in Python after that, and no other process can change an exit code, so only a driver
  started as a child of another process could say more. Nothing is lost: `sweeps resume RUN`, or
  `--local`, which needs no Ray.
- **Ray takes a busy machine for a dead one.** Its GCS may declare the node dead where its raylet
  was not scheduled for too long; Ray then ends the driver in the same way. Resume the sweep.
- **MLflow cannot be reached.** The sweep says so before the first trial, trains at full speed, and
  waits 20 s at its end. `sweeps sync RUN` then completes MLflow's record.
- **Many sweeps on Ray in one process.** Ray 2.60 keeps a socket and a thread of each session that
  it ends in the process that started it; `ray.init()` and `ray.shutdown()` alone do the same. The
  rows of leaks count what is above that. A command ends its process, and with it both.
- **A hung training function with `--local`.** `trial.timeout_s` cannot stop code in the driver's
  own process; on Ray it can.
- **SIGKILL of the command itself.** Child processes that the user's own code started outlive it.
"""


def page(found: Sequence[Found], seconds: float, seed: int) -> str:
    """Return docs/reliability.md."""
    notes = [f"- {one.what}: {note}\n" for one in found for note in one.notes]
    wrong = "\n## What went wrong\n\n" + "".join(notes) if notes else "\nNothing went wrong.\n"
    return (
        _HEAD
        + "".join(one.row() for one in found)
        + _measured(seconds, seed)
        + wrong
        + _LIMITS
        + _peers()
    )


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
