"""Whether a path lies on a file system of the network, as Linux says of what is mounted."""

from __future__ import annotations

from pathlib import Path

__all__ = ["network_file_system"]

_MOUNTS = Path("/proc/self/mountinfo")
# Those on which SQLite's own documentation does not trust locks (sqlite.org/faq.html, question 5).
_KINDS = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "9p", "ceph", "lustre", "gpfs"})


def network_file_system(path: Path) -> str:
    """Return the kind of network file system that `path` lies on, or will; empty if on none."""
    try:
        lines = _MOUNTS.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:  # not Linux
        return ""
    there, kind, longest = path.resolve(), "", -1
    for line in lines:
        # proc(5): the mount point is field 5; the type follows a lone hyphen.
        before, _, after = line.partition(" - ")
        point = Path(before.split()[4].encode().decode("unicode_escape"))
        # Of two at one point the later hides the earlier.
        if (there == point or point in there.parents) and len(point.parts) >= longest:
            kind, longest = after.split()[0], len(point.parts)
    return kind if kind in _KINDS else ""
