"""Files that are replaced as a whole: a reader, or a kill, sees the old one or the new one."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

__all__ = ["replace_file"]


def replace_file(path: Path, content: bytes, durable: bool = True) -> None:
    """Write a file under a temporary name, then rename it.

    Args:
        path: Where; its folder exists.
        content: All of the new file.
        durable: Have it survive a machine that goes down; without, only a process that does.

    Raises:
        OSError: The disk is full or not writable; the old file is untouched.
    """
    # Threads, and processes of other containers, may write the same file at once.
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
