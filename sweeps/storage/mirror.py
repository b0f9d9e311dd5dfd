"""Keeps a run folder of this machine and its copy in an object store alike.

A ledger is appended to and locked, which an object store cannot do. So the driver works in a folder
of its own machine, and a thread brings what changed to the store every few seconds: what another
machine resumes from is at most so old. Checkpoints and weights are not its business: workers write
them into the store themselves, and deletions wait until the ledger that explains them is there.

The lease says who wrote last. Whoever did has a copy at least as new as what is there, even after a
kill; every other machine's copy is replaced by what is there.
"""

from __future__ import annotations

import fcntl
import json
import os
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from sweeps.errors import RunFolderError, StorageError, SweepError
from sweeps.storage.files import BucketFiles, Files, FolderFiles, bucket_of
from sweeps.storage.lease import LEASE, Lease

__all__ = ["Mirror", "NoMirror", "is_held", "mirrored", "pull", "refuse_held_elsewhere"]

_PERIOD_S = 2.0
_TIDY_S = 30.0
_STAMPS = ".mirror.json"
_NOT_MIRRORED = {".lock", LEASE, _STAMPS, "tracking.json"}
# Written where it is read, and by others than the driver.
_BY_OTHERS = {"checkpoints", "weights", "requests"}

# What a sweep cannot do without is not deleted there because something deleted it here.
_NEVER_DELETED = {"sweep.yaml", "sweep.json", "plan.jsonl", "ledger.jsonl", "openings.jsonl"}

Stamp = tuple[int, int]
Garbage = Sequence[tuple[Files, str]]


def pull(folder: Path) -> None:
    """Make a run folder what the object store has of it; without a store do nothing.

    Raises:
        StorageError: The store does not answer or refuses.
    """
    bucket = bucket_of(folder)
    if bucket is None:
        return
    try:
        _pull(folder, bucket)
    except OSError as err:
        raise StorageError(f"cannot read {bucket}: {err}") from err


def refuse_held_elsewhere(folder: Path) -> None:
    """Raise RunFolderError where another driver runs this sweep; StorageError without an answer."""
    bucket = bucket_of(folder)
    if bucket is None:
        return
    try:
        Lease(bucket).refuse_other()
    except OSError as err:
        raise StorageError(f"cannot read {bucket}: {err}") from err


def is_held(folder: Path) -> bool:
    """Return whether a driver of another machine runs this sweep; False where nobody can tell."""
    try:
        refuse_held_elsewhere(folder)
    except RunFolderError:
        return True
    except StorageError:
        return False
    return False


@contextmanager
def mirrored(folder: Path) -> Iterator[Mirror | NoMirror]:
    """Hold a run folder's copy in an object store for writing, and keep it up to date.

    Raises:
        RunFolderError: Another driver runs this sweep, or has since this copy was made.
        StorageError: The store does not answer or refuses.
    """
    bucket = bucket_of(folder)
    if bucket is None:
        yield NoMirror()
        return
    mirror = Mirror(folder, bucket)
    with _kept(folder):
        mirror.begin()
        try:
            yield mirror
        finally:
            mirror.end()


@contextmanager
def _kept(folder: Path) -> Iterator[None]:
    """Keep systemd-tmpfiles, which ages what is in a temporary folder, out of a folder in use.

    It passes by folders that somebody has locked (tmpfiles.d(5)), with all that is in them.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with suppress(OSError):  # a file system without locks
            fcntl.flock(descriptor, fcntl.LOCK_SH)
        yield
    finally:
        os.close(descriptor)


class NoMirror:
    """The mirror of a run folder that is not mirrored; does nothing."""

    def serve(self, lost: Callable[[SweepError], None], garbage: Callable[[], Garbage]) -> None:
        """See Mirror."""

    def push(self) -> None:
        """See Mirror."""


class Mirror:
    """Brings a folder's changes to the object store, in a thread of its own."""

    def __init__(self, folder: Path, bucket: BucketFiles) -> None:
        self._folder = folder
        self._is_lost = False
        self._bucket = bucket
        self._lease = Lease(bucket)
        self._stamps = _Stamps(folder)
        self._lost: Callable[[SweepError], None] | None = None
        self._garbage: Callable[[], Garbage] | None = None
        self._tidied = 0.0
        # The session and the thread push.
        self._pushing = threading.Lock()
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="mirror", daemon=True)

    def serve(self, lost: Callable[[SweepError], None], garbage: Callable[[], Garbage]) -> None:
        """Serve a session.

        Args:
            lost: Is told where another driver took the sweep over.
            garbage: Returns what nobody needs, by what the ledger says then. It is deleted when
                that ledger is in the store.
        """
        self._lost, self._garbage = lost, garbage

    def push(self) -> None:
        """Bring all that there is to the store; raises StorageError."""
        if self._is_lost:
            return
        try:
            self._push()
        except OSError as err:
            raise StorageError(f"cannot write to {self._bucket}: {err}") from err

    def begin(self) -> None:
        """Take the sweep; raises as `mirrored`."""
        try:
            # A driver that was killed before it wrote anything has left nothing to be older than.
            is_empty = not any(_is_mirrored(Path(name)) for name, _ in self._bucket.stamps())
            self._lease.take(None if is_empty else self._stamps.state)
            self._write_down()
            self._push()
        except OSError as err:
            raise StorageError(f"cannot write to {self._bucket}: {err}") from err
        self._thread.start()

    def end(self) -> None:
        """Let the sweep go, with all of it in the store; raises StorageError."""
        self._ending.set()
        self._thread.join()
        if self._is_lost:
            return
        try:
            self._lease.refuse_taken()
            self._push()
            self._lease.release()
            self._write_down()
        except OSError as err:
            raise StorageError(
                f"cannot write to {self._bucket}: {err}; all is in {self._folder}: resume the "
                f"sweep on this machine"
            ) from err

    def _write_down(self) -> None:
        """Note that this copy is the one that was written last."""
        self._stamps.state, self._stamps.is_written = self._lease.state(), True
        self._stamps.save()

    def _loop(self) -> None:
        took_s = 0.0
        # A large ledger on a slow line takes a tenth of the line, and not all of it.
        while not self._ending.wait(max(_PERIOD_S, 9 * took_s)):
            started = time.monotonic()
            try:
                self._lease.refuse_taken()  # this machine may have slept
                self._lease.renew()
                garbage = self._garbage_now_and_then()
                self._push()
                took_s = time.monotonic() - started
                for files, name in garbage:
                    files.delete(name)
            except OSError:
                continue  # it may come back; the end says so where it does not
            except SweepError as err:
                self._lose(err)
                return
            except Exception as err:  # or nobody would know that the copy there is no longer kept
                self._lose(StorageError(f"cannot write to {self._bucket}: {err!r}"))
                return

    def _lose(self, why: SweepError) -> None:
        self._is_lost = True
        if self._lost is not None:
            self._lost(why)

    def _garbage_now_and_then(self) -> Garbage:
        if self._garbage is None or time.monotonic() - self._tidied < _TIDY_S:
            return []
        self._tidied = time.monotonic()
        return self._garbage()

    def _push(self) -> None:
        """Write what changed, the ledger after what it tells of; delete what is gone."""
        with self._pushing:
            self._push_alone()

    def _push_alone(self) -> None:
        now = {name: _stamp(self._folder / name) for name in _names(self._folder)}
        changed = [name for name, stamp in now.items() if self._stamps.local.get(name) != stamp]
        for name in sorted(changed, key=lambda name: name.endswith("ledger.jsonl")):
            self._lease.renew()
            with suppress(FileNotFoundError):  # gone meanwhile
                self._bucket.write(name, (self._folder / name).read_bytes())
                self._stamps.local[name], self._stamps.remote[name] = now[name], (-1, 0)
        gone = [name for name in self._stamps.local if name not in now]
        self._bucket.delete(*(name for name in gone if Path(name).name not in _NEVER_DELETED))
        for name in gone:
            self._stamps.forget(name)
        if changed or gone:
            for name, stamp in self._bucket.stamps():
                if name in self._stamps.remote:
                    self._stamps.remote[name] = stamp
            self._stamps.save()


class _Stamps:
    """What of a folder is in the store: the local and the remote stamp of each file.

    Attributes:
        state: That of the lease when this copy was written, or brought here.
        is_written: Whether it was written here, and not brought.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.state, self.is_written = "", False
        self.local: dict[str, Stamp] = {}
        self.remote: dict[str, Stamp] = {}
        with suppress(OSError, ValueError, KeyError):
            found = json.loads((folder / _STAMPS).read_bytes())
            self.state, self.is_written = found["state"], found["is_written"]
            for name, (local, remote) in found["files"].items():
                self.local[name], self.remote[name] = tuple(local), tuple(remote)

    def note(self, name: str, remote: Stamp) -> None:
        """Note that a file here is the one in the store with this stamp."""
        self.local[name], self.remote[name] = _stamp(self._folder / name), remote

    def forget(self, name: str) -> None:
        """Note that a file is nowhere any more."""
        del self.local[name], self.remote[name]

    def is_alike(self, name: str, remote: Stamp) -> bool:
        """Return whether a file here is the one in the store, as far as stamps tell."""
        here = self.local.get(name)
        return self.remote.get(name) == remote and here == _stamp(self._folder / name)

    def save(self) -> None:
        """Write it down, whole."""
        both = {name: (self.local[name], self.remote[name]) for name in self.local}
        about = {"state": self.state, "is_written": self.is_written, "files": both}
        FolderFiles(self._folder).write(_STAMPS, json.dumps(about).encode(), durable=False)


def _pull(folder: Path, bucket: BucketFiles) -> None:
    stamps = {name: at for name, at in bucket.stamps() if _is_mirrored(Path(name))}
    if not stamps:
        return
    state, here = Lease(bucket).state(), _Stamps(folder)
    is_ours = here.is_written and state == here.state
    if not is_ours:
        _forget_copies(folder, stamps.keys())
    for name, stamp in stamps.items():
        path = folder / name
        if path.exists() and (is_ours or here.is_alike(name, stamp)):
            continue
        content = bucket.read(name)
        if content is None:  # deleted since it was listed
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        FolderFiles(path.parent).write(path.name, content, durable=False)
        here.note(name, stamp)
    for name in [name for name in here.local if name not in stamps and not is_ours]:
        here.forget(name)
    here.state, here.is_written = state, is_ours
    here.save()


def _forget_copies(folder: Path, there: Collection[str]) -> None:
    """Delete what the store no longer has, and copies of what workers wrote: they may be old."""
    for path in folder.rglob("*"):
        name = path.relative_to(folder)
        is_old = _is_by_others(name) or (_is_mirrored(name) and str(name) not in there)
        if path.is_file() and is_old:
            path.unlink(missing_ok=True)


def _names(folder: Path) -> Iterator[str]:
    for path in folder.rglob("*"):
        name = path.relative_to(folder)
        if path.is_file() and _is_mirrored(name):
            yield str(name)


def _stamp(path: Path) -> Stamp:
    try:
        stat = path.stat()
    except FileNotFoundError:
        return (-1, 0)
    return (stat.st_size, stat.st_mtime_ns)


def _is_mirrored(name: Path) -> bool:
    is_passing = name.name.endswith(".tmp") or name.name in _NOT_MIRRORED
    return not is_passing and not _is_by_others(name) and not name.name.startswith(LEASE)


def _is_by_others(name: Path) -> bool:
    """Return whether a file is in such a folder of the sweep's, or of a stage's."""
    is_own = name.parts[0].partition("-")[0] in ("inputs", "code")
    return not is_own and bool(_BY_OTHERS & set(name.parts[:-1]))
