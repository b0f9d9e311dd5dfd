"""Who runs a sweep whose run folder is in an object store: what a lock is to a folder.

Every change of the lease is a conditional write upon the version that was read before it. So of any
number of drivers that begin at once one becomes the holder, and one that was taken over while its
machine slept can neither renew nor release what is another's.
"""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from sweeps.errors import RunFolderError
from sweeps.storage.conditional import ConditionalFile, OvertakenError, Version
from sweeps.storage.files import BucketFiles

__all__ = ["LEASE", "Lease"]

LEASE = ".lease.json"
# A holder renews its lease every ten seconds or so; one that has not for so long is gone.
_LEASE_S = 60.0
_RENEW_S = 10.0


class Lease:
    """Who holds a sweep in the store, or held it last; every method raises OSError."""

    def __init__(self, bucket: BucketFiles) -> None:
        self._bucket = bucket
        self._file = ConditionalFile(bucket, LEASE)
        self._held: Version | None = None
        self._renewed = 0.0
        # The session and the mirror's thread renew it.
        self._lock = threading.Lock()
        self.holder = f"{_machine()}:{os.getpid()}:{time.time_ns()}"

    def take(self, state: str | None) -> None:
        """Become the holder.

        Args:
            state: That of the lease when this machine's copy was read; None if any will do.

        Raises:
            RunFolderError: Another holds it, became the holder just now, or did since.
        """
        found = self._file.read()
        self._refuse(found)
        if state is not None and _state(found) != state:
            raise RunFolderError(
                f"{self._bucket} has changed since it was read; run the command again"
            )
        try:
            self._write(is_held=True, since=found)
        except OvertakenError:
            self._refuse(self._file.read())
            raise RunFolderError(
                f"{self._bucket} was taken by another driver just now; run the command again"
            ) from None
        self._refuse_unconditional()

    def renew(self) -> None:
        """Show now and then that the holder lives; raises RunFolderError where it is another."""
        with self._lock:
            if time.monotonic() - self._renewed > _RENEW_S:
                self._update(is_held=True)

    def refuse_taken(self) -> None:
        """Raise RunFolderError where another became the holder."""
        found = self._file.read()
        if found is not None and _about(found)["holder"] != self.holder:
            raise self._taken(found)

    def release(self) -> None:
        """Let others hold it; raises RunFolderError where another does already."""
        with self._lock:
            self._update(is_held=False)

    def refuse_other(self) -> None:
        """Raise RunFolderError where another holds it."""
        self._refuse(self._file.read())

    def state(self) -> str:
        """Return who held it last and whether they do; empty of a sweep that nobody held yet."""
        return _state(self._file.read())

    def _update(self, is_held: bool) -> None:
        try:
            self._write_again(is_held)
        except OvertakenError:
            raise self._taken(self._file.read()) from None

    def _write_again(self, is_held: bool) -> None:
        try:
            self._write(is_held, self._held)
        except OvertakenError:
            found = self._file.read()
            if found is None or _about(found)["holder"] != self.holder:
                raise
            # An earlier write of ours reached the store, although its answer did not reach us.
            self._write(is_held, found)

    def _write(self, is_held: bool, since: Version | None) -> None:
        # Without the time two versions would be one to a store whose e-tag is a digest.
        about = {"holder": self.holder, "is_held": is_held, "written_at": time.time_ns()}
        self._held = self._file.write(json.dumps(about).encode(), since)
        self._renewed = time.monotonic()

    def _taken(self, found: Version | None) -> RunFolderError:
        how = "is gone" if found is None else f"was taken over by {_about(found)['holder']}"
        return RunFolderError(f"{self._bucket} {how}")

    def _refuse(self, found: Version | None) -> None:
        if found is None or not _about(found)["is_held"]:
            return
        holder = str(_about(found)["holder"])
        if not _is_gone(holder) and self._file.age_s() <= _LEASE_S:
            raise RunFolderError(
                f"{self._bucket} is in use by {holder}; wait for it or stop it "
                f"first; if that machine is gone, try again in {_LEASE_S:g} s"
            )

    def _refuse_unconditional(self) -> None:
        """Raise RunFolderError where the store writes what its condition forbids."""
        before = self._held
        self._write(is_held=True, since=before)
        for stale in (None, before):
            with suppress(OvertakenError):
                self._write(is_held=True, since=stale)
                raise RunFolderError(
                    f"{self._bucket} ignores the condition of a conditional write (If-None-Match, "
                    f"If-Match), so two drivers could run this sweep at once: use a store that "
                    f"knows conditional writes, or a folder"
                )


def _about(lease: Version) -> dict[str, Any]:
    return dict(json.loads(lease.content))


def _state(lease: Version | None) -> str:
    return "" if lease is None else "{holder} {is_held}".format(**_about(lease))


def _is_gone(holder: str) -> bool:
    """Return whether a holder is known to be no more: it was a process of this machine."""
    machine, pid, _ = holder.rsplit(":", 2)
    # Else its number may be another's by now: the time says more.
    is_over = not Path(f"/proc/{pid}").exists() or int(pid) == os.getpid()
    return machine == _machine() and is_over


def _machine() -> str:
    """Return what tells processes of this machine, or of this container, from others."""
    namespace = ""
    with suppress(OSError):
        namespace = os.readlink("/proc/self/ns/pid").partition("[")[2].rstrip("]")
    return f"{socket.gethostname()}/{namespace}"
