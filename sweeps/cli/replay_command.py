"""`replay`: check that a sweep's plan follows from its file and its ledger."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

__all__ = ["add_replay_command"]


def add_replay_command(commands: Any) -> None:
    """Add replay."""
    text = "check that the sweep file and the results reproduce the planned trials"
    command = commands.add_parser("replay", help=text, description=text)
    command.add_argument("run", type=Path)
    command.set_defaults(command=_replay, runs_on_cluster=True)


def _replay(parsed: argparse.Namespace) -> int:
    from sweeps.service.replay import replay

    found = replay(parsed.run)
    print(f"{parsed.run}: {found.sentence}")
    return 0 if found.follows else 1
