"""Makes the user's own modules importable from beside the sweep file."""

from __future__ import annotations

import sys
from pathlib import Path

__all__ = ["make_importable"]


def make_importable(folder: Path | str) -> None:
    """Let modules in `folder` be imported, after everything that could be imported before."""
    if str(folder) not in sys.path:
        sys.path.append(str(folder))
