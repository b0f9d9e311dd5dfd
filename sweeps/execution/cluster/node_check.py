"""What a node of a cluster must be able to do before a trial starts there; runs on that node."""

from __future__ import annotations

import os
import platform
import time
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from sweeps.storage.files import Files, FolderFiles

__all__ = ["NodeReport", "UnfitNodeError", "check_node", "refuse_unfit_node", "versions"]

# It would fail faster than any other node trains, and so be given all the trials.
_REST_S = 30.0
_SAME = ("ray", "torch", "numpy", "pydantic")


_FIX = "mount one shared folder under the same path on every node, and name it in SWEEPS_STORAGE"


class UnfitNodeError(RuntimeError):
    """A node that joined after the check cannot train trials."""


@dataclass(frozen=True)
class NodeReport:
    """What a node said of itself.

    Attributes:
        versions: Of Python and of what a trial is made with.
        problem: Why it cannot train trials, and the fix; empty when it can.
    """

    versions: dict[str, str]
    problem: str = ""


def versions() -> dict[str, str]:
    """Return the versions that driver and nodes must have in common."""
    return {"python": platform.python_version(), **{name: _version(name) for name in _SAME}}


def refuse_unfit_node(checkpoints: Files) -> None:
    """Raise where a node that joined after the check does not see the storage; slowly.

    Raises:
        UnfitNodeError: With the node's name, and the fix.
    """
    if not checkpoints.is_there():
        time.sleep(_REST_S)
        raise UnfitNodeError(
            f"this node cannot train: {os.uname().nodename} joined after the sweep had started, "
            f"and does not see {checkpoints}; {_FIX}"
        )


def check_node(wanted: dict[str, str], storage: Files, marker: str, content: bytes) -> NodeReport:
    """Say whether this process could train trials.

    Args:
        wanted: The driver's `versions`.
        marker: A file in the storage that the driver wrote, with `content` in it.
    """
    there = versions()
    problem = (
        _other_versions(there, wanted) or _import_problem() or _storage(storage, marker, content)
    )
    return NodeReport(there, problem)


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "none"


def _other_versions(there: dict[str, str], wanted: dict[str, str]) -> str:
    # A local build such as 2.13.0+cpu is the same release: nodes may have GPUs and drivers none.
    other = [
        f"{name} {there[name]} where the driver has {wanted[name]}"
        for name in wanted
        if there[name].partition("+")[0] != wanted[name].partition("+")[0]
    ]
    if not other:
        return ""
    return (
        f"it has {', '.join(other)}; install infra/constraints.txt there, or use one image for all"
    )


def _import_problem() -> str:
    try:
        import sweeps.execution.trial_worker  # noqa: F401
    except Exception as err:
        return (
            f"it cannot import the code of a trial ({err!r}); install infra/constraints.txt there"
        )
    return ""


def _storage(storage: Files, marker: str, content: bytes) -> str:
    is_folder = isinstance(storage, FolderFiles)
    fix = _FIX if is_folder else "give it network access and credentials for that store"
    try:
        found = storage.read(marker)
    except OSError as err:
        return f"it cannot read the storage {storage} ({err.strerror or err}); {fix}"
    if found is None:
        return f"it does not see the storage {storage}; {fix}"
    if found != content:
        return f"{storage} is another folder there than on the driver; {fix}"
    answer = f"{marker}.{os.uname().nodename}.{os.getpid()}"
    try:
        storage.write(answer, b"")
    except OSError as err:
        return (
            f"it cannot write to the storage {storage} ({err.strerror or err}); "
            f"let the user that runs Ray there write to it"
        )
    storage.delete(answer)
    return ""
