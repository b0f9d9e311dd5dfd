"""The settings of the environment, and the place that they name for a session to train at."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sweeps.definition.sweep_file import Resources
from sweeps.errors import RequestError, SettingsError, StorageError, require_extra
from sweeps.execution.placement import Place, gpu_note, slots
from sweeps.execution.ray_folder import room_for_sockets
from sweeps.infra import settings as infra_settings
from sweeps.infra.network_files import network_file_system
from sweeps.infra.settings import IN_JOB, InfraSettings, without_password
from sweeps.infra.sqlite_uri import absolute_uri, file_of, uri_of
from sweeps.record.run_folder import RunFolder
from sweeps.storage.files import MARKER, Files, FolderFiles, bucket_of_runs
from sweeps.storage.mirror import pull

__all__ = [
    "checked_settings",
    "default_runs",
    "default_tracking_uri",
    "find_run",
    "known_runs",
    "named_run",
    "place_of",
    "pull_run",
    "pull_runs",
    "refuse_shared_sqlite",
]


def checked_settings() -> InfraSettings:
    """Return what the environment says; raises SettingsError."""
    try:
        return infra_settings.read_settings()
    except infra_settings.SettingsError as err:
        raise SettingsError(str(err)) from err


def default_runs() -> Path:
    """Return where run folders are made: SWEEPS_STORAGE, or `runs` where the command is typed.

    Of an object store it is the folder for copies of it on this machine.

    Raises:
        SettingsError: A job of a cluster does not know where: its own folder is deleted with it.
    """
    settings = checked_settings()
    if settings.bucket is not None:
        require_extra("store", f"SWEEPS_STORAGE={settings.bucket}")
        return _copies_of(settings.bucket)
    if settings.storage is None and IN_JOB in os.environ:
        raise SettingsError(
            "SWEEPS_STORAGE is not set: set it where the sweep is submitted, or in the environment "
            "of the nodes; what a job writes to its own folder is lost with it"
        )
    return settings.storage or Path("runs")


def _copies_of(bucket: str) -> Path:
    digest = hashlib.sha256(bucket.encode()).hexdigest()[:12]
    folder = Path(tempfile.gettempdir()) / f"sweeps-{os.getuid()}" / digest
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if folder.parent.stat().st_uid != os.getuid():
            raise SettingsError(f"{folder.parent} belongs to another user; set TMPDIR")
        (folder / MARKER).write_text(bucket, encoding="utf-8")
    except OSError as err:
        raise StorageError(f"cannot make {folder} for copies of {bucket}: {err}") from err
    return folder


def find_run(path: Path) -> Path:
    """Return a run folder's path; a name alone is looked for where run folders are made.

    Raises:
        StorageError: An object store does not answer or refuses.
    """
    if path.exists() or len(path.parts) != 1:
        return pull_run(path)
    return pull_run(default_runs() / path)


def named_run(path: str | Path) -> Path:
    """Return a run folder's path as functions take it; one that is there is left as it is."""
    path = Path(path)
    return path if path.exists() else find_run(path)


def pull_run(path: Path) -> Path:
    """Return a run folder's path, brought up to date where it is a copy of an object store's.

    One that a driver of this machine holds is newer than what is there.

    Raises:
        StorageError: The store does not answer or refuses.
    """
    if not RunFolder(path).is_locked():
        pull(path)
    return path


def pull_runs(runs: Path) -> Path:
    """Return the folder of run folders, with all of an object store's brought up to date."""
    bucket = bucket_of_runs(runs)
    if bucket is not None:
        try:
            names = bucket.folders()
        except OSError as err:
            raise StorageError(f"cannot read {bucket}: {err}") from err
        for name in names:
            pull_run(runs / name)
    return runs


def known_runs(runs: Path | None) -> Path:
    """Return the folder of all run folders, brought up to date; None takes that of the settings.

    Raises:
        RequestError: There is no such folder.
    """
    folder = pull_runs((runs or default_runs()).absolute())
    if not folder.is_dir():
        raise RequestError(f"no such folder: {folder}; no sweep has been run there")
    return folder


def default_tracking_uri(runs: Path) -> str:
    """Return MLFLOW_TRACKING_URI, or a SQLite store in the runs folder, as an absolute URI.

    A relative path in it starts from where the command was typed: the tracker runs elsewhere.
    """
    settings = checked_settings()
    if settings.tracking_uri is None and settings.bucket is not None:
        raise SettingsError(
            f"SWEEPS_STORAGE={settings.bucket}: MLflow's own store cannot be there; set "
            f"MLFLOW_TRACKING_URI to a server, or to none"
        )
    return absolute_uri(settings.tracking_uri or uri_of(runs / "mlflow.db"))


def refuse_shared_sqlite(uri: str) -> None:
    """Raise SettingsError where sweeps of a cluster would write SQLite on a network file system.

    Each sweep has a writer of its own, on whatever node its driver runs, and locks fail there.
    """
    file = file_of(uri)
    if file is None or checked_settings().cluster_address is None:
        return
    if kind := network_file_system(file):
        raise SettingsError(
            f"MLflow's store {file} would be SQLite on a network file system ({kind}), which does "
            f"not lock it for sweeps on several nodes; set MLFLOW_TRACKING_URI to a server, or to "
            f"none"
        )


def _folder(runs: Path) -> FolderFiles:
    try:
        runs.mkdir(parents=True, exist_ok=True)
    except OSError as err:
        raise StorageError(f"cannot write to {runs}: {err.strerror}") from err
    return FolderFiles(runs)


@contextmanager
def place_of(
    runner: str, resources: Resources, runs: Path, print_line: Callable[[str], None]
) -> Iterator[Place]:
    """Hold the place where trials are trained: this machine, or the cluster of RAY_ADDRESS.

    Args:
        runs: The folder of run folders, which all nodes of a cluster must see.
        print_line: Is told what is waited for.

    Raises:
        SettingsError: RAY_ADDRESS is a Jobs address.
        ClusterError: The cluster, or one of its nodes, cannot be used.
        PlacementError: A trial fits nowhere, or no folder has room for Ray's sockets.
    """
    settings = checked_settings()
    if runner == "local" or settings.ray_address is None:
        if runner == "ray":
            room_for_sockets()
        place = Place.local_machine()
        slots(resources, place.nodes)
        if runner == "local" and (note := gpu_note(resources, place.nodes[0])):
            print_line(f"note: {note}")
        yield place
        return
    if settings.cluster_address is None:
        shown = without_password(settings.ray_address)
        raise SettingsError(
            f"RAY_ADDRESS={shown} is a Jobs address: `submit` sends a sweep there; to run it from "
            f"here, set HOST:PORT of the cluster, or unset it for this machine"
        )
    from sweeps.execution.cluster.joining import joined

    wait_s = settings.nodes_wait_s
    storage: Files = bucket_of_runs(runs) or _folder(runs)
    with joined(settings.cluster_address, storage, resources, wait_s, print_line) as place:
        yield place
