"""Where a cluster of this machine is kept, and the command that stops it."""

from __future__ import annotations

from pathlib import Path

from sweeps.infra.command_line import command
from sweeps.infra.local import DEFAULT_FOLDER

__all__ = ["down_command"]


def down_command(folder: Path, *options: str) -> str:
    """Return the command that stops the cluster of a folder, with these options."""
    is_default = folder == Path(DEFAULT_FOLDER).absolute()
    words: list[str | Path] = [] if is_default else ["--folder", folder]
    return command("cluster", "down", *options, *words)
