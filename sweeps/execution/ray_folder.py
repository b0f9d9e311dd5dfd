"""Folders for what Ray needs on this machine: nobody else may enter them, and they go with a sweep.

Ray gives all that it makes to everyone (mode 0777, sockets included), so that it is put inside a
folder of mode 0700.
"""

from __future__ import annotations

import os
from contextlib import AbstractContextManager
from pathlib import Path

from sweeps.errors import PlacementError
from sweeps.models.process.held_folder import held_folder
from sweeps.models.process.socket_room import LONGEST_SOCKET, room_for, spare_bytes

__all__ = ["ray_folder", "room_for_sockets"]

_PREFIX = "swr-"
_DEEPEST = f"{_PREFIX}{'x' * 8}/ray/session_2026-01-01_00-00-00_000000_4194304/sockets/plasma_store"


def ray_folder(parent: Path) -> AbstractContextManager[Path]:
    """Hold a folder for what Ray makes; see `held_folder`."""
    return held_folder(parent, _PREFIX)


def room_for_sockets() -> Path:
    """Return a folder for temporary files in which the paths of Ray's sockets are not too long.

    RAY_TMPDIR comes first; see `room_for`.

    Raises:
        PlacementError: There is none.
    """
    found = room_for(_DEEPEST, [os.environ.get("RAY_TMPDIR", "")])
    if found is not None:
        return found
    raise PlacementError(
        f"Ray keeps sockets in TMPDIR, and the system's limit of {LONGEST_SOCKET} bytes leaves "
        f"{spare_bytes(Path('/'), _DEEPEST) + 1} for the path of that folder: set TMPDIR to a "
        f"shorter one that can be written to, or train without Ray: --local"
    )
