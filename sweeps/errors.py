"""Every error that a user of sweeps can meet, in one tree.

SweepError                  a mistake that the user can fix; its message says how
├── SweepFileError          the sweep file (or a --set override) is wrong: all problems at once
├── RequestError            a command asks for what cannot be: no such run, nothing to retry, ...
├── RunFolderError          a run folder is damaged, in use or of another version
│   └── ChangedDataError    its data is not what it was started with
├── SettingsError           an environment variable cannot be used
├── MissingExtraError       what is asked needs packages that are not installed
├── PlacementError          a trial asks for more than this machine, or any node, can ever give
├── ClusterError            the Ray cluster does not answer, refuses, or a node is not ready
├── StorageError            results cannot be written (disk full, no permission)
└── TrackingError           the MLflow store cannot be reached or refuses
    └── RefusedRecordError  it refuses a part of the record, and would again

`exit_code` of each class is what the command line returns; one that cannot be parsed ends with
2, too.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from packaging.requirements import Requirement

__all__ = [
    "STOPPED_EXIT_CODE",
    "ChangedDataError",
    "ClusterError",
    "FileProblem",
    "MissingExtraError",
    "PlacementError",
    "RefusedRecordError",
    "RequestError",
    "RunFolderError",
    "SettingsError",
    "StoppedAtOnce",
    "StorageError",
    "SweepError",
    "SweepFileError",
    "TrackingError",
    "require_extra",
]

# Of a session that a signal has stopped.
STOPPED_EXIT_CODE = 7
_DISTRIBUTION = "torch-sweeps"
# What tells that an extra of pyproject.toml is installed: modules that only it brings.
_EXTRAS = {
    "search": ("cmaes", "optuna"),
    "report": ("optuna", "plotly"),
    "png": ("kaleido",),
    "store": ("obstore",),
    "cluster": ("aiohttp_cors", "opencensus"),
    "server": ("flask_wtf", "psutil", "psycopg"),
}


class SweepError(Exception):
    """A mistake that the user can fix; the message gives rule, value, place and fix."""

    exit_code = 1


@dataclass(frozen=True)
class FileProblem:
    """One thing wrong with a sweep file.

    Attributes:
        source: File name, or `--set` where an override brought the value in.
        line: 1-based; 0 where there is no position (an override).
        column: 1-based; 0 where there is no position.
        path: Dotted key path, for example `space.optimizer.lr`.
        rule: What was expected, and what was found.
        choices: The allowed values, where they are few.
        hint: The way out, for example a did-you-mean.
        kind: unknown_key, missing_key, whole_number, type or value: what programs decide by.
    """

    source: str
    line: int
    column: int
    path: str
    rule: str
    choices: tuple[str, ...] = ()
    hint: str = ""
    kind: str = "value"

    def __str__(self) -> str:
        """Return `file:line:column: path: rule (allowed: ...; hint)` as compilers print it."""
        place = f"{self.source}:{self.line}:{self.column}" if self.line else self.source
        text = f"{place}: {self.path}: {self.rule}" if self.path else f"{place}: {self.rule}"
        if self.choices:
            text += f"; allowed: {', '.join(self.choices)}"
        return f"{text}; {self.hint}" if self.hint else text


class SweepFileError(SweepError):
    """The sweep file cannot be run; `problems` holds all of them, in file order."""

    exit_code = 2

    def __init__(self, problems: list[FileProblem]) -> None:
        self.problems = sorted(problems, key=lambda problem: (problem.line, problem.column))
        super().__init__("\n".join(str(problem) for problem in self.problems))


class RequestError(SweepError):
    """What is asked cannot be done with this sweep, or there is none; nothing is damaged."""


class RunFolderError(SweepError):
    """A run folder is damaged, in use or of another version."""

    exit_code = 3


class ChangedDataError(RunFolderError):
    """The data of a run folder is not what its sweep was started with."""


class PlacementError(SweepError):
    """A trial asks for resources that no part of this machine or cluster has."""

    exit_code = 4


class SettingsError(SweepError):
    """An environment variable cannot be used."""

    exit_code = 2


class MissingExtraError(SweepError):
    """What is asked needs packages that are not installed: an extra, which the message names."""

    exit_code = 2


class ClusterError(SweepError):
    """The Ray cluster cannot be used: it does not answer, refuses, or a node is not ready."""

    exit_code = 9


class StorageError(SweepError):
    """Results cannot be written: the disk is full or the folder is not writable."""

    exit_code = 5


class TrackingError(SweepError):
    """The MLflow store cannot be reached or refuses the record; nothing on disk is lost."""

    exit_code = 6


class StoppedAtOnce(KeyboardInterrupt):
    """Ctrl-C ended a session before it could end by itself; what was reported is in its folder."""


class RefusedRecordError(TrackingError):
    """The MLflow store refuses a part of the record as such: the same request would not pass."""


def require_extra(extra: str, user: str, modules: Sequence[str] = ()) -> None:
    """Raise MissingExtraError where an extra, or what is needed of it, is not installed.

    Args:
        extra: Its name in pyproject.toml.
        user: What needs it, as the message calls it.
        modules: Those of its modules that are needed; all where empty.
    """
    missing = [name for name in modules or _EXTRAS[extra] if find_spec(name) is None]
    if missing:
        wanted = shlex.join(_requirements(extra, missing))
        raise MissingExtraError(
            f"{user} needs packages that are not installed ({', '.join(missing)}): "
            f"pip install {wanted}"
        )


def _requirements(extra: str, missing: Sequence[str]) -> list[str]:
    """Return what to install, by its own name: the distribution itself may be on no index.

    Of an extra some modules of which are missing, what is called like them; where one belongs to
    a package of another name, all that the extra has.
    """
    found = {one.name.replace("-", "_"): str(one) for one in _of_extra(extra)}
    if not found:  # run from a copy of the files
        return [f"{_DISTRIBUTION}[{extra}]"]
    return [found[name] for name in missing] if {*missing} <= {*found} else [*found.values()]


def _of_extra(extra: str) -> Iterator[Requirement]:
    # Here, as it takes time that only this command is to pay.
    from importlib.metadata import PackageNotFoundError, requires

    from packaging.requirements import Requirement

    try:
        requirements = requires(_DISTRIBUTION) or []
    except PackageNotFoundError:
        return
    for one in map(Requirement, requirements):
        marker, one.marker = one.marker, None
        is_meant = marker is not None and marker.evaluate({"extra": extra})
        if marker is None or not is_meant or marker.evaluate({"extra": ""}):
            continue
        if one.name == _DISTRIBUTION:
            for other in sorted(one.extras):
                yield from _of_extra(other)
        else:
            yield one
