"""Keeps a run folder of this machine and its copy in an object store alike.

A ledger is appended to and locked, which an object store cannot do. So the driver works in a folder
of its own machine, and a thread brings what changed to the store every few seconds: what another
machine resumes from is at most so old. Checkpoints and weights are not its business: workers write
them into the store themselves, and deletions wait until the ledger that explains them is there.
"""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from sweeps.errors import RunFolderError, StorageError, SweepError
from sweeps.record.files import BucketFiles, bucket_of

__all__ = ["Mirror", "mirrored", "pull"]

_PERIOD_S = 2.0
_LEASE = ".lease.json"
# A holder renews its lease every ten seconds or so; one that has not for so long is gone.
_LEASE_S = 40.0
_RENEW_S = 10.0
_TIDY_S = 30.0
# What only grows: a longer one here has what a kill kept from being brought there.
_GROWING = {"ledger.jsonl", "openings.jsonl", "log.jsonl", "tracking.log"}
_STAMPS = ".mirror.json"
_NOT_MIRRORED = {".lock", _LEASE, _STAMPS, "tracking.json"}
_BY_WORKERS = {"checkpoints", "weights"}

Stamp = tuple[int, int]


def pull(folder: Path) -> None:
    """Bring what the object store has of a run folder to this machine; without one do nothing.

    Raises:
        StorageError: The store does not answer or refuses.
    """
    bucket = bucket_of(folder)
    if bucket is None:
        return
    try:
        here = _Stamps(folder)
        for name, stamp in bucket.stamps():
            path = folder / name
            is_longer_here = path.name in _GROWING and _stamp(path)[0] > stamp[0]
            if not _is_mirrored(Path(name)) or here.remote.get(name) == stamp or is_longer_here:
                continue
            content = bucket.read(name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content or b"")
            here.note(name, stamp)
        if here.remote:
            here.save()
    except OSError as err:
        raise StorageError(f"cannot read {bucket.uri}: {err}") from err


@contextmanager
def mirrored(folder: Path) -> Iterator[Mirror]:
    """Hold a run folder's copy in an object store for writing, and keep it up to date.

    Without a store the mirror does nothing.

    Raises:
        RunFolderError: Another driver runs this sweep, or has since this copy was made.
        StorageError: The store does not answer or refuses.
    """
    mirror = Mirror(folder, bucket_of(folder))
    mirror.begin()
    try:
        yield mirror
    finally:
        mirror.end()


class _Stamps:
    """What of a folder is in the store: the local and the remote stamp of each file."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.local: dict[str, Stamp] = {}
        self.remote: dict[str, Stamp] = {}
        with suppress(OSError, ValueError):
            for name, (local, remote) in json.loads((folder / _STAMPS).read_bytes()).items():
                self.local[name], self.remote[name] = tuple(local), tuple(remote)

    def note(self, name: str, remote: Stamp) -> None:
        """Note that a file here is the one in the store with this stamp."""
        self.local[name], self.remote[name] = _stamp(self._folder / name), remote

    def forget(self, name: str) -> None:
        del self.local[name], self.remote[name]

    def save(self) -> None:
        both = {name: (self.local[name], self.remote[name]) for name in self.local}
        (self._folder / _STAMPS).write_text(json.dumps(both))


class Mirror:
    """Brings a folder's changes to the object store, in a thread of its own."""

    def __init__(self, folder: Path, bucket: BucketFiles | None) -> None:
        self._folder = folder
        self._is_on = bucket is not None
        self._bucket = bucket or BucketFiles("")
        self._lost: Callable[[SweepError], None] | None = None
        self._tidy: Callable[[], None] | None = None
        self._tidied = 0.0
        self._stamps = _Stamps(folder)
        self._holder = f"{socket.gethostname()}:{os.getpid()}:{time.time_ns()}"
        self._renewed = 0.0
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="mirror", daemon=True)

    def serve(self, lost: Callable[[SweepError], None], tidy: Callable[[], None]) -> None:
        """Serve a session.

        Args:
            lost: Is told where another driver took the sweep over.
            tidy: Deletes from the store what the ledger that is there says nobody needs.
        """
        self._lost, self._tidy = lost, tidy

    def push(self) -> None:
        """Bring all that there is to the store; raises StorageError."""
        if not self._is_on:
            return
        try:
            self._push()
        except OSError as err:
            raise StorageError(f"cannot write to {self._bucket.uri}: {err}") from err

    def begin(self) -> None:
        """Take the sweep; raises as `mirrored`."""
        if not self._is_on:
            return
        try:
            self._take_lease()
            self._refuse_old_copy()
            self._push()
        except OSError as err:
            raise StorageError(f"cannot write to {self._bucket.uri}: {err}") from err
        self._thread.start()

    def end(self) -> None:
        """Let the sweep go, with all of it in the store; raises StorageError."""
        if not self._is_on:
            return
        self._ending.set()
        self._thread.join()
        try:
            self._push()
            self._bucket.delete(_LEASE)
        except OSError as err:
            raise StorageError(
                f"cannot write to {self._bucket.uri}: {err}; all is in {self._folder}: resume the "
                f"sweep on this machine"
            ) from err

    def _loop(self) -> None:
        while not self._ending.wait(_PERIOD_S):
            try:
                self._renew_lease()
                self._push()
                self._tidy_now_and_then()
            except OSError:
                continue  # it may come back; the end says so where it does not
            except SweepError as err:
                if self._lost is not None:
                    self._lost(err)
                return

    def _tidy_now_and_then(self) -> None:
        if self._tidy is not None and time.monotonic() - self._tidied > _TIDY_S:
            self._tidy()
            self._tidied = time.monotonic()

    def _push(self) -> None:
        """Write what changed, the ledger after what it tells of; delete what is gone."""
        now = {name: _stamp(self._folder / name) for name in self._names()}
        changed = [name for name, stamp in now.items() if self._stamps.local.get(name) != stamp]
        for name in sorted(changed, key=lambda name: name.endswith("ledger.jsonl")):
            with suppress(FileNotFoundError):  # gone meanwhile
                self._bucket.write(name, (self._folder / name).read_bytes())
                self._stamps.local[name], self._stamps.remote[name] = now[name], (-1, 0)
        gone = [name for name in self._stamps.local if name not in now]
        self._bucket.delete(*gone)
        for name in gone:
            self._stamps.forget(name)
        if changed or gone:
            for name, stamp in self._bucket.stamps():
                if name in self._stamps.remote:
                    self._stamps.remote[name] = stamp
            self._stamps.save()

    def _names(self) -> Iterator[str]:
        for path in self._folder.rglob("*"):
            name = path.relative_to(self._folder)
            if path.is_file() and _is_mirrored(name):
                yield str(name)

    def _take_lease(self) -> None:
        found = self._read_lease()
        if found is not None and not self._is_over(found):
            raise RunFolderError(
                f"{self._bucket.uri} is in use by {found['holder']}; wait for it or stop it "
                f"first; if that machine is gone, try again in {_LEASE_S:g} s"
            )
        self._write_lease()
        time.sleep(1.0 if found is not None else 0.0)
        self._refuse_other_holder()

    def _is_over(self, lease: dict[str, Any]) -> bool:
        """Return whether a holder is gone: its process, or its machine."""
        host, pid, _ = str(lease["holder"]).split(":")
        if host == socket.gethostname():
            return not Path(f"/proc/{pid}").exists() or int(pid) == os.getpid()
        self._bucket.write(f"{_LEASE}.now", b"")  # the store's clock, not ours
        stamps = dict(self._bucket.stamps(recursive=False))
        self._bucket.delete(f"{_LEASE}.now")
        age_ns = stamps[f"{_LEASE}.now"][1] - stamps.get(_LEASE, (0, 0))[1]
        return age_ns > _LEASE_S * 1e9

    def _renew_lease(self) -> None:
        if time.monotonic() - self._renewed > _RENEW_S:
            self._refuse_other_holder()
            self._write_lease()

    def _refuse_other_holder(self) -> None:
        found = self._read_lease()
        if found is not None and found["holder"] != self._holder:
            raise RunFolderError(f"{self._bucket.uri} was taken over by {found['holder']}")

    def _read_lease(self) -> dict[str, Any] | None:
        content = self._bucket.read(_LEASE)
        return None if not content else dict(json.loads(content))

    def _write_lease(self) -> None:
        self._bucket.write(_LEASE, json.dumps({"holder": self._holder}).encode())
        self._renewed = time.monotonic()

    def _refuse_old_copy(self) -> None:
        """Raise where a session elsewhere wrote to the ledger since this copy was brought."""
        there = dict(self._bucket.stamps(recursive=False)).get("ledger.jsonl")
        ledger = self._folder / "ledger.jsonl"
        size = ledger.stat().st_size if ledger.exists() else 0
        if there is not None and there[0] > size:
            raise RunFolderError(
                f"{self._bucket.uri} has changed since it was read; type the command again"
            )


def _stamp(path: Path) -> Stamp:
    try:
        stat = path.stat()
    except FileNotFoundError:
        return (-1, 0)
    return (stat.st_size, stat.st_mtime_ns)


def _is_mirrored(name: Path) -> bool:
    return (
        not _BY_WORKERS & set(name.parts)
        and not name.name.endswith(".tmp")
        and name.name not in _NOT_MIRRORED
    )
