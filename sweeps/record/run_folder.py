"""A sweep's folder on disk, `runs/<sweep>/`: where each file is, how it is written and checked.

sweep.yaml      the file as the user wrote it
sweep.json      the sweep as it runs: identity, overrides, every section with its defaults
plan.jsonl      one line a trial that is planned from the beginning
ledger.jsonl    what happened (sweeps.record.ledger)
checkpoints/    one file a running trial, to continue from
weights/        one file a trial: the weights of its best epoch, with JSON that says what they are
requests/       what the running sweep is asked from outside (sweeps.record.requests)
programs/       where trials are programs, a folder for each: what it reports, prints and saves
preprocessing.json    how raw features become what the nets take, fitted on the training rows
trials.jsonl, epochs.parquet, winner.json    written when a sweep ends, from the ledger

Every file but the ledger is written to a temporary name, made durable, then renamed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from sweeps.definition.planning import PlannedTrial
from sweeps.definition.sweep_file import SweepFile
from sweeps.errors import RequestError, RunFolderError, StorageError
from sweeps.infra.command_line import command
from sweeps.infra.whole_file import replace_file
from sweeps.record.description import Description
from sweeps.record.description_file import read_description, read_description_values
from sweeps.record.folder_lock import is_locked, locked
from sweeps.record.new_folder import PLACES_OF_WORKERS, make_folder, make_named_folder
from sweeps.record.plan_file import PlanLineError, plan_text, read_plan_text
from sweeps.record.seals import SEAL_KEY, parsed, seal_of, text_seal
from sweeps.storage.files import Files, stored_files
from sweeps.storage.mirror import is_held
from sweeps.storage.refusals import mend, next_step

__all__ = ["FORMAT", "PREPROCESSING", "RunFolder", "write_atomically"]

# Format 1, without checksums, is read, too. A plan that grows makes a folder one of format 3.
FORMAT, _GROWING = 2, 3
_READABLE = (1, FORMAT, _GROWING)
PREPROCESSING = "preprocessing.json"


def write_atomically(path: Path, data: bytes) -> None:
    """Write `data` so that a reader or a kill sees the old file or the new one, whole.

    Raises:
        StorageError: The disk is full or not writable; the old file is untouched.
    """
    try:
        replace_file(path, data)
    except OSError as err:
        why = f"{err.strerror or err}; nothing was changed: {mend(err.errno or 0)}, then try again"
        raise StorageError(f"cannot write {path}: {why}") from err


@dataclass(frozen=True)
class RunFolder:
    """The paths of one sweep's files, and how they are read."""

    path: Path

    @property
    def name(self) -> str:
        """The sweep's name for people: the folder's."""
        return self.path.name

    @property
    def source(self) -> Path:
        """The sweep file as the user wrote it."""
        return self.path / "sweep.yaml"

    @property
    def ledger(self) -> Path:
        """The append-only log."""
        return self.path / "ledger.jsonl"

    @property
    def plan(self) -> Path:
        """One line a planned trial."""
        return self.path / "plan.jsonl"

    @property
    def description(self) -> Path:
        """The sweep as it runs."""
        return self.path / "sweep.json"

    @property
    def checkpoints(self) -> Path:
        """Where running trials save what they need to continue."""
        return self.path / "checkpoints"

    @property
    def weights(self) -> Path:
        """Where the best weights of each trial are."""
        return self.path / "weights"

    @property
    def programs(self) -> Path:
        """Where trials that are programs have a folder each."""
        return self.path / "programs"

    @property
    def tracking_status(self) -> Path:
        """How far a tracker is with recording the sweep elsewhere; missing where none began to."""
        return self.path / "tracking.json"

    @property
    def requests(self) -> Path:
        """Where whoever wants something of a running sweep leaves it."""
        return self.path / "requests"

    @property
    def checkpoint_files(self) -> Files:
        """What workers save in `checkpoints`, wherever that is."""
        return stored_files(self.checkpoints)

    @property
    def weight_files(self) -> Files:
        """What workers save in `weights`, wherever that is."""
        return stored_files(self.weights)

    @classmethod
    def create(cls, runs: Path, name: str) -> RunFolder:
        """Make a new folder `runs/name`, or `name-2`, `name-3` where that exists.

        Raises:
            StorageError: The folder cannot be made, or the disk is almost full.
        """
        return cls(make_folder(runs, name))

    @classmethod
    def create_as(cls, runs: Path, name: str) -> RunFolder:
        """Make the folder `runs/name`, or take one whose sweep was killed before it was set up.

        Raises:
            StorageError: The folder cannot be made, or the disk is almost full.
        """
        return cls(make_named_folder(runs, name))

    @classmethod
    def open(cls, path: Path) -> RunFolder:
        """Return the folder of an existing sweep.

        Raises:
            RequestError: There is none.
            RunFolderError: A file of it is missing, or its format is another.
        """
        folder = cls(path.resolve())
        if path.is_file():
            raise RequestError(
                f"{path} is a file, not a run folder{_others(path.parent)}; a "
                f"sweep file is run by `{command('run', path)}`"
            )
        if not path.is_dir():
            raise RequestError(f"there is no run folder {path}{_others(path.parent)}")
        if not folder._was_begun():
            raise RequestError(
                f"{path} is not a run folder: it has neither {folder.description.name} nor "
                f"{folder.plan.name}{_others(path)}; `list` shows all sweeps"
            )
        for file in (folder.description, folder.plan):
            if not file.exists():
                raise RunFolderError(
                    f"{path} is not a complete run folder: {file.name} is missing. "
                    f"{folder._why_incomplete()}"
                )
        folder._refuse_other_format()
        return folder

    def _why_incomplete(self) -> str:
        """Return why one of the files that are written before the first trial is not there."""
        if self.ledger.exists():  # is begun after them
            return "Restore it from a backup; the other files have all results"
        return "The sweep was killed before its first trial; start it again"

    def _was_begun(self) -> bool:
        """Return whether a sweep has left anything here, even if only an empty folder."""
        return any(path.exists() for path in (self.description, self.plan, self.checkpoints))

    def _refuse_other_format(self) -> None:
        try:
            version = parsed(self.description.read_bytes())["format"]
        except (OSError, ValueError, KeyError):
            version = FORMAT  # damaged: the next line says how
        if version in _READABLE:
            self.read_description()
        else:
            raise RunFolderError(
                f"{self.path} has format {version!r}; this version reads up to {_GROWING}: use the "
                f"version of sweeps that wrote it"
            )

    def read_description(self) -> Description:
        """Return what sweep.json says; raises RunFolderError where it was damaged."""
        return read_description(self.description)

    def description_values(self) -> dict[str, Any]:
        """Return sweep.json as plain values, to be changed; raises as read_description."""
        return read_description_values(self.description)

    def base_dir(self) -> Path:
        """Return where relative data files and the user's modules are looked for.

        A path that is relative is inside the sweep's folder, a stage's too: the files came with it.
        """
        description = self.read_description()
        stage = description.stage
        sweep = self.path if stage is None else self.path.parents[stage.count("/")]
        return sweep / description.base_dir

    def module_folders(self) -> tuple[Path, ...]:
        """Return the folders that the user's modules are imported from, the first first."""
        more = self.read_description().module_folders
        return (self.base_dir(), *map(Path, more))

    def read_sweep(self) -> SweepFile:
        """Return the sweep as it runs; raises RunFolderError where sweep.json was damaged."""
        try:
            return self.read_description().sweep
        except ValidationError as err:
            place = ".".join(map(str, err.errors()[0]["loc"]))
            raise RunFolderError(
                f"cannot read {self.description}: sweep.{place}: {err.errors()[0]['msg']}. The "
                f"file was damaged or edited: restore it from a backup"
            ) from err

    def read_source(self) -> str:
        """Return sweep.yaml; raises RunFolderError where it is missing or was edited."""
        try:
            content = self.source.read_bytes()
            if self.read_description().source_sum not in (None, text_seal(content)):
                raise ValueError("it was edited since the sweep was started")
            return content.decode()
        except (OSError, ValueError) as err:
            raise RunFolderError(
                f"cannot read {self.source}: {err}; restore it from a backup"
            ) from err

    def read_plan(self) -> list[PlannedTrial]:
        """Return the planned trials in order, without those that the ledger adds.

        Lines beyond the number in sweep.json belong to an extension that was killed before it
        was made; they do not count.

        Raises:
            RunFolderError: A line was damaged, or there are too few.
        """
        about = self.read_description()
        try:
            return read_plan_text(self.plan.read_bytes(), about.plan_lines, about.plan_sum)
        except (OSError, PlanLineError) as err:
            place = f", line {err.line}" if isinstance(err, PlanLineError) else ""
            raise RunFolderError(
                f"cannot read {self.plan}{place}: {err}. The plan was damaged or edited: restore "
                f"it from a backup"
            ) from err

    def refuse_results_without_ledger(self) -> None:
        """Raise RunFolderError where weights say that a ledger existed."""
        try:
            names = self.weight_files.names()
        except FileNotFoundError:  # a copy without empty folders: whoever trains makes them
            return
        except OSError as err:
            raise StorageError(f"cannot read {self.weight_files}: {err}") from err
        if any(name.endswith(".safetensors") for name in names):
            raise RunFolderError(
                f"{self.ledger} is missing, and with it the results of the trials; restore it from "
                f"a backup, or delete {self.weights} to run all trials again"
            )

    def remove_leftovers(self) -> None:
        """Delete what killed processes left: files half written, and stacks of hung trials.

        Raises:
            StorageError: One cannot be deleted.
        """
        for pattern in (".*.tmp", "checkpoints/*.tmp", "weights/*.tmp", "checkpoints/*.late"):
            for path in self.path.glob(pattern):
                try:
                    path.unlink(missing_ok=True)
                except OSError as err:
                    why = f"{err.strerror}; {next_step(err.errno or 0)}"
                    raise StorageError(f"cannot delete {path}: {why}") from err

    def write_plan(self, plan: Sequence[PlannedTrial]) -> str:
        """Replace plan.jsonl; returns its checksum, which sweep.json holds as `plan_sum`."""
        text, seal = plan_text(plan)
        write_atomically(self.plan, text)
        return seal

    def write_source(self, text: str) -> str:
        """Write sweep.yaml; returns its checksum, which sweep.json holds as `source_sum`."""
        write_atomically(self.source, text.encode())
        return text_seal(text.encode())

    def write_description(self, description: Mapping[str, Any]) -> None:
        """Replace sweep.json."""
        about = {**description, "format": _GROWING if "plan_lines" in description else FORMAT}
        about[SEAL_KEY] = seal_of(about)
        write_atomically(self.description, json.dumps(about, indent=2).encode())

    def take_format(self) -> None:
        """Give a folder of an earlier format the checksums of this one; nothing else changes."""
        if self.read_description().plan_sum is None:
            about = {"plan_sum": self.write_plan(self.read_plan())}
            if self.source.exists():  # a stage has none
                about["source_sum"] = text_seal(self.source.read_bytes())
            self.change_description(about)

    def change_description(self, changes: Mapping[str, Any]) -> None:
        """Replace some of sweep.json's values."""
        self.write_description({**self.description_values(), **changes})

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold this folder for writing until the block is left; raises as `locked`."""
        with locked(self.path):
            self.make_places()
            yield

    def make_places(self) -> None:
        """Make the folders that workers write to: copies, git's too, leave out empty ones.

        Raises:
            StorageError: The folder cannot be written to.
        """
        try:
            for place in PLACES_OF_WORKERS:
                (self.path / place).mkdir(exist_ok=True)
        except OSError as err:
            why = f"{err.strerror}; {next_step(err.errno or 0)}"
            raise StorageError(f"cannot write to {self.path}: {why}") from err

    def is_locked(self) -> bool:
        """Return whether a process of this machine runs this sweep now; writes nothing."""
        return is_locked(self.path)

    def is_running(self) -> bool:
        """Return whether a process runs this sweep now, here or on another machine."""
        return is_locked(self.path) or is_held(self.path)


def _others(runs: Path) -> str:
    found = sorted(path.parent.name for path in runs.glob("*/plan.jsonl")) if runs.is_dir() else []
    return f"; {runs} has {', '.join(found[-10:])}" if found else ""
