"""The files of the net that a sweep ended with, and whether they are as they were written.

Nothing else on disk depends on them, so a sweep whose net was lost has all of its figures; but it
can answer nothing, and what cannot answer must not become a model in MLflow.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from sweeps.errors import RequestError, RunFolderError
from sweeps.infra.command_line import command
from sweeps.record.final import read_final
from sweeps.record.kept_weights import best_weights
from sweeps.record.run_folder import PREPROCESSING, RunFolder
from sweeps.record.seals import text_seal
from sweeps.record.sweep_record import Outcome, SweepRecord, TrialRecord
from sweeps.storage.files import bucket_of, fetch_file

__all__ = ["NetFiles", "is_net_lost", "lost_net_words", "net_files", "refuse_lost_net"]

# What is trained again ends as it had ended; one that others ended early would go on instead.
_TRAINED_AGAIN = (Outcome.COMPLETED, Outcome.EARLY_STOPPED, Outcome.FAILED)


@dataclass(frozen=True)
class NetFiles:
    """What is needed to answer with a net.

    Attributes:
        weights_sum, preprocessing_sum: Their checksums (`seals.text_seal`); empty where a version
            wrote them that had none.
        way_out: How to get the net back.
    """

    weights: Path
    preprocessing: Path
    weights_sum: str
    preprocessing_sum: str
    way_out: str

    def problem(self) -> str:
        """Return what is wrong with the files, in words; empty if nothing is.

        Raises:
            StorageError: The object store that they are in does not answer.
        """
        with suppress(OSError):  # a name that cannot be: the reading says so
            fetch_file(self.weights)
        sums = {self.weights: self.weights_sum, self.preprocessing: self.preprocessing_sum}
        return next(filter(None, (_damage(path, seal) for path, seal in sums.items())), "")


def net_files(folder: RunFolder, record: SweepRecord) -> NetFiles | None:
    """Return the files of the net of a sweep's final, or else of its best trial; None before.

    Raises:
        RunFolderError: final.json was damaged.
    """
    choice = read_final(folder)
    if choice is not None:
        model = choice.model
        return NetFiles(
            folder.path / model.weights,
            folder.path / model.preprocessing,
            model.sha256[: len(text_seal(b""))],
            model.preprocessing_sum,
            f"restore it from a backup, or choose again: {command('final', folder.path, '--again')}"
            " (the test set will then have been used once more)",
        )
    if record.best is None:
        return None
    return NetFiles(
        best_weights(folder.weights, record.best),
        folder.path / PREPROCESSING,
        record.best.weights_sum,
        record.preprocessing_sum,
        _way_out(folder, record.best),
    )


def lost_net_words(folder: RunFolder, record: SweepRecord) -> str:
    """Return that the net of a sweep was lost, and the way out; empty where it is there.

    Nothing is said while workers write, nor of what only an object store has: it takes long.
    """
    files = net_files(folder, record)
    if files is None or folder.is_running():
        return ""
    if bucket_of(folder.path) is not None and not files.weights.exists():
        return ""
    return _words(folder, files)


def refuse_lost_net(folder: RunFolder, record: SweepRecord) -> NetFiles:
    """Return the files of a sweep's net.

    Raises:
        RequestError: There is no net.
        RunFolderError: A file is missing, or is not as it was written.
    """
    files = net_files(folder, record)
    if files is None:
        raise RequestError(f"{folder.name} has no trial with a finite objective, so no net")
    if words := _words(folder, files):
        raise RunFolderError(words)
    return files


def is_net_lost(folder: RunFolder, record: SweepRecord) -> bool:
    """Return whether the search's best trial has to be trained again to have its net."""
    files = None if read_final(folder) is not None else net_files(folder, record)
    return files is not None and bool(files.problem())


def _words(folder: RunFolder, files: NetFiles) -> str:
    problem = files.problem()
    if not problem:
        return ""
    return (
        f"{problem}. It belongs to the final net of {folder.name}: without it the net cannot be "
        f"used, nor logged to MLflow; all results remain valid. To restore it, {files.way_out}"
    )


def _way_out(folder: RunFolder, best: TrialRecord) -> str:
    index = best.trial.index
    backup = "restore it from a backup, or"
    if best.outcome is None:
        return (
            f"{backup} resume, which trains trial {index} again: {command('resume', folder.path)}"
        )
    if best.outcome in _TRAINED_AGAIN:
        return f"{backup} train trial {index} again: {command('retry', folder.path)}"
    return f"{backup} run the sweep again: trial {index} was {best.outcome}"


def _damage(path: Path, seal: str) -> str:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return f"{path} is missing"
    except OSError as err:
        return f"cannot read {path}: {err}"
    if seal and text_seal(content) != seal:
        return f"{path} was damaged: its checksum does not match the record"
    return ""
