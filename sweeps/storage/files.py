"""Where trials leave checkpoints and weights: a folder that all nodes see, or an object store.

Each file is written whole or not at all, so that a kill leaves the old one or the new one.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from sweeps.errors import StorageError
from sweeps.infra.whole_file import replace_file

__all__ = [
    "MARKER",
    "BucketFiles",
    "Files",
    "FolderFiles",
    "bucket_of",
    "bucket_of_runs",
    "fetch_file",
    "remove_folder",
    "rename_folder",
    "stored_files",
]

# In the folder of all run folders: the address of the object store that they are a copy of.
MARKER = ".bucket"


class Files(Protocol):
    """Files by name."""

    def read(self, name: str) -> bytes | None:
        """Return a file's content, or None where there is none; raises OSError."""

    def write(self, name: str, content: bytes, durable: bool = True) -> None:
        """Replace a file; raises OSError.

        Args:
            durable: Whether it has to survive that the machine goes down just now.
        """

    def delete(self, *names: str) -> None:
        """Delete files that nobody needs; what cannot be deleted stops nothing."""

    def names(self) -> list[str]:
        """Return the names that there are; raises OSError."""

    def is_there(self) -> bool:
        """Return whether this process can reach the place."""


@dataclass(frozen=True)
class FolderFiles:
    """Files in a folder."""

    path: Path

    def __str__(self) -> str:
        """Return the folder's path."""
        return str(self.path)

    def read(self, name: str) -> bytes | None:
        """See Files."""
        try:
            return (self.path / name).read_bytes()
        except FileNotFoundError:
            return None

    def write(self, name: str, content: bytes, durable: bool = True) -> None:
        """See Files."""
        replace_file(self.path / name, content, durable)

    def delete(self, *names: str) -> None:
        """See Files."""
        for name in names:
            with suppress(OSError):
                (self.path / name).unlink(missing_ok=True)

    def names(self) -> list[str]:
        """See Files."""
        return [path.name for path in self.path.iterdir() if path.is_file()]

    def is_there(self) -> bool:
        """See Files."""
        return self.path.is_dir()


@dataclass(frozen=True)
class BucketFiles:
    """Files under an address of an object store, by Arrow's file systems, which Ray uses too.

    Attributes:
        uri: For example s3://bucket/runs/digits/weights?region=eu-central-1; without secrets,
            which each machine has in its own environment.
    """

    uri: str

    def __str__(self) -> str:
        """Return the address."""
        return self.uri

    def below(self, *parts: str) -> BucketFiles:
        """Return the files of a folder in this one."""
        address, separator, options = self.uri.partition("?")
        return BucketFiles("/".join((address.rstrip("/"), *parts)) + separator + options)

    def opened(self) -> tuple[Any, str]:
        """Return Arrow's file system, and the path in it; raises OSError."""
        import pyarrow as pa
        from pyarrow.fs import FileSystem

        try:
            system, path = FileSystem.from_uri(self.uri)
        except (ValueError, pa.ArrowException) as err:
            raise OSError(str(err)) from err
        return system, path

    def read(self, name: str) -> bytes | None:
        """See Files."""
        system, path = self.opened()
        try:
            with system.open_input_stream(f"{path}/{name}") as stream:
                content: bytes = stream.read()
        except FileNotFoundError:
            return None
        return content

    def write(self, name: str, content: bytes, durable: bool = True) -> None:
        """See Files."""
        system, path = self.opened()
        with system.open_output_stream(f"{path}/{name}") as stream:
            stream.write(content)

    def delete(self, *names: str) -> None:
        """See Files."""
        with suppress(OSError):
            system, path = self.opened()
            for name in names:
                with suppress(FileNotFoundError):
                    system.delete_file(f"{path}/{name}")

    def names(self) -> list[str]:
        """See Files."""
        return [name for name, _ in self.stamps(recursive=False)]

    def stamps(self, recursive: bool = True) -> Iterator[tuple[str, tuple[int, int]]]:
        """Yield each file's name below this address, with its size and time of change in ns."""
        from pyarrow.fs import FileSelector, FileType

        system, path = self.opened()
        wanted = FileSelector(path, allow_not_found=True, recursive=recursive)
        for info in system.get_file_info(wanted):
            if info.type == FileType.File:
                yield info.path[len(path) + 1 :], (info.size, info.mtime_ns or 0)

    def folders(self) -> list[str]:
        """Return the names of the folders at this address; raises OSError."""
        from pyarrow.fs import FileSelector, FileType

        system, path = self.opened()
        found = system.get_file_info(FileSelector(path, allow_not_found=True))
        return sorted(info.base_name for info in found if info.type == FileType.Directory)

    def is_there(self) -> bool:
        """See Files."""
        try:
            self.names()
        except OSError:
            return False
        return True

    def copy_to(self, folder: Path, suffix: str) -> None:
        """Make a folder of this machine have the files that end so; raises OSError.

        A store keeps no modes: what names its interpreter is made executable again.
        """
        for name in [name for name, _ in self.stamps() if name.endswith(suffix)]:
            content = self.read(name)
            if content is None:  # deleted since it was listed
                continue
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            if FolderFiles(target.parent).read(target.name) != content:
                FolderFiles(target.parent).write(target.name, content, durable=False)
                if content.startswith(b"#!"):
                    target.chmod(target.stat().st_mode | 0o111)


def bucket_of(folder: Path) -> BucketFiles | None:
    """Return where a folder is in the object store that it is a copy of; None for one that is not.

    A run folder or a part of one: the marker is in the folder of all run folders.
    """
    for parent in folder.parents:
        bucket = bucket_of_runs(parent)
        if bucket is not None:
            return bucket.below(*folder.relative_to(parent).parts)
    return None


def bucket_of_runs(runs: Path) -> BucketFiles | None:
    """Return the object store that a folder of run folders is a copy of; None where it is none."""
    marker = runs / MARKER
    return BucketFiles(marker.read_text(encoding="utf-8").strip()) if marker.is_file() else None


def stored_files(folder: Path) -> Files:
    """Return where the files of a run folder's `checkpoints` or `weights` really are."""
    return bucket_of(folder) or FolderFiles(folder)


def fetch_file(path: Path) -> Path:
    """Return a file's path, once it is on this machine if it is anywhere.

    Raises:
        StorageError: The object store does not answer, or the file cannot be written here.
    """
    bucket = None if path.exists() else bucket_of(path.parent)
    if bucket is None:
        return path
    with _storage_errors(bucket):
        content = bucket.read(path.name)
        if content is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            FolderFiles(path.parent).write(path.name, content, durable=False)
    return path


def rename_folder(old: Path, new: Path, last: str) -> None:
    """Rename a folder, in the object store, too; raises StorageError.

    Args:
        last: The file that makes the new folder whole, and the old one cease to be.
    """
    bucket, target = bucket_of(old), bucket_of(new)
    with _storage_errors(bucket or old):
        if bucket is not None and target is not None:
            names = sorted((name for name, _ in bucket.stamps()), key=lambda name: name == last)
            for name in names:
                content = bucket.read(name)
                if content is None:
                    raise StorageError(f"{bucket} changed while it was renamed: {name} is gone")
                target.write(name, content)
            bucket.delete(last, *names)
        old.rename(new)


def remove_folder(path: Path) -> None:
    """Delete a folder and what is in it, in the object store, too; raises StorageError."""
    bucket = bucket_of(path)
    with _storage_errors(bucket or path):
        if path.exists():
            shutil.rmtree(path)
        if bucket is not None:
            bucket.delete(*[name for name, _ in bucket.stamps()])


@contextmanager
def _storage_errors(place: object) -> Iterator[None]:
    try:
        yield
    except OSError as err:
        raise StorageError(f"{place} does not answer or refuses: {err}") from err
