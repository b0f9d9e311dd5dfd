"""What the operating system refused when something was to be written, and the way on."""

from __future__ import annotations

import errno

__all__ = ["is_full", "meaning", "mend", "next_step"]

_FREE = ("the disk is full", "free some space")
_NOT_OURS = ("the run folder is not writable", "change its permissions")
_REFUSALS = {
    errno.ENOSPC: _FREE,
    errno.EDQUOT: _FREE,
    errno.EFBIG: ("a file may not become larger", "raise `ulimit -f`, or free some space"),
    errno.EROFS: ("the disk is read-only", "mount it read-write"),
    errno.EMFILE: ("too many files are open", "raise `ulimit -n`"),
    errno.ENFILE: ("too many files are open", "close programs that hold many"),
    errno.ENOENT: ("the run folder is gone", "put it back where it was"),
    errno.EACCES: _NOT_OURS,
    errno.EPERM: _NOT_OURS,
    errno.EISDIR: ("a folder stands where a file belongs", "delete it"),
    errno.EIO: ("the disk has a fault", "check it, or move the run folder to another"),
    errno.ESTALE: ("the network's file system is gone", "mount it again"),
}


def is_full(number: int) -> bool:
    """Return whether an error of this number says that there is no room."""
    return _REFUSALS.get(number) is _FREE


def meaning(number: int) -> str:
    """Return what an error of this number means for a sweep."""
    return _REFUSALS.get(number, ("the record could not be written", ""))[0]


def mend(number: int) -> str:
    """Return what to do about an error of this number."""
    return _REFUSALS.get(number, ("", "fix that"))[1]


def next_step(number: int) -> str:
    """Return what to do about an error of this number that has stopped a sweep."""
    return f"{mend(number)}, then resume the sweep"
