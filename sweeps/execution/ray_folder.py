"""Folders for what Ray needs on this machine: nobody else may enter them, and they go with a sweep.

Ray gives all that it makes to everyone (mode 0777, sockets included), so that it is put inside a
folder of mode 0700.
"""

from __future__ import annotations

import os
import sys
import tempfile
from contextlib import AbstractContextManager
from pathlib import Path

from sweeps.errors import PlacementError
from sweeps.models.process.held_folder import held_folder

__all__ = ["ray_folder", "room_for_sockets"]

_PREFIX = "swr-"
# Of the kernel: a socket's address holds so many bytes (sys/un.h), less its last zero.
_LONGEST_SOCKET = 103 if sys.platform == "darwin" else 107
_DEEPEST = "ray/session_2026-01-01_00-00-00_000000_4194304/sockets/plasma_store"


def ray_folder(parent: Path) -> AbstractContextManager[Path]:
    """Hold a folder for what Ray makes; see `held_folder`."""
    return held_folder(parent, _PREFIX)


def room_for_sockets() -> Path:
    """Return a folder for temporary files in which the paths of Ray's sockets are not too long.

    RAY_TMPDIR, TMPDIR and what else Python looks at come first, then /tmp and /var/tmp.

    Raises:
        PlacementError: There is none.
    """
    asked = [os.environ.get("RAY_TMPDIR", ""), _default()]
    for place in filter(None, [*asked, "/tmp", "/var/tmp"]):
        folder = Path(place).absolute()
        if _spare_bytes(folder) >= 0 and os.access(folder, os.W_OK | os.X_OK):
            return folder
    raise PlacementError(
        f"Ray keeps sockets in TMPDIR, and the system's limit of {_LONGEST_SOCKET} bytes leaves "
        f"{_spare_bytes(Path('/')) + 1} for the path of that folder: set TMPDIR to a shorter one "
        f"that can be written to, or train without Ray: --local"
    )


def _default() -> str:
    try:
        return tempfile.gettempdir()
    except FileNotFoundError:  # it found none that can be written to
        return ""


def _spare_bytes(folder: Path) -> int:
    """Return how much longer the path of `folder` could be; negative where it is too long."""
    deepest = folder / f"{_PREFIX}{'x' * 8}" / _DEEPEST
    return _LONGEST_SOCKET - len(os.fsencode(deepest))
