"""The data of a sweep that has begun: read again, held to what it was, and cut as it was."""

from __future__ import annotations

from dataclasses import dataclass

from sweeps.definition.split_identity import split_digest
from sweeps.definition.sweep_file import SweepFile
from sweeps.errors import ChangedDataError, RunFolderError
from sweeps.models.data.datasets import Dataset, load_dataset
from sweeps.models.errors import DataError
from sweeps.models.splits.cuts import cut_dataset
from sweeps.models.splits.splits import Splits, split_folds
from sweeps.record.description import DataDescription
from sweeps.record.run_folder import RunFolder

__all__ = ["SweepData", "load_data"]

_READ_OTHERWISE = (
    ". If the data are unchanged, an earlier version read them differently (classes written as "
    "1.0, 01 or true; a column of numbers with other texts in it): this version cannot continue "
    "that sweep, only start a new one"
)


@dataclass(frozen=True)
class SweepData:
    """All rows, and what the nets of a trial see of them: with folds, one for each net.

    Own training may have none.
    """

    dataset: Dataset | None
    splits: tuple[Splits, ...]


def load_data(folder: RunFolder, file: SweepFile) -> SweepData:
    """Return the data that a sweep was started with.

    Raises:
        RunFolderError: It cannot be read.
        ChangedDataError: It is not the same any more.
    """
    if file.data.kind == "none":
        return SweepData(None, ())
    dataset = _read(folder, file)
    about = folder.read_description().data
    if dataset.digest != about.digest:
        raise ChangedDataError(
            f"the data {file.data.source} changed since {folder.name} was started, so its trials "
            f"could not be compared; restore the data, or start a new sweep{_otherwise(about)}"
        )
    cut = cut_dataset(dataset, file.data.split, file.seed)
    _refuse_other_splits(folder, file, cut.rule)
    return SweepData(dataset, split_folds(dataset, file.data, file.seed, cut))


def _refuse_other_splits(folder: RunFolder, file: SweepFile, rule: str) -> None:
    """Raise RunFolderError where the rows would be cut otherwise than the sweep's were."""
    data = folder.read_description().data
    for split in data.splits:
        if split.digest != split_digest(file, data.digest, rule, split.name):
            raise RunFolderError(
                f"cannot read {folder.description}: seed and data.split must give the split "
                f"{split.name} that the sweep was started with. The file was damaged or edited: "
                f"restore it from a backup"
            )


def _read(folder: RunFolder, file: SweepFile) -> Dataset:
    try:
        return load_dataset(file.data, folder.base_dir())
    except DataError as err:
        raise RunFolderError(
            f"cannot read the data {file.data.source} that {folder.name} was started with: {err}; "
            f"restore it, or start a new sweep{_otherwise(folder.read_description().data)}"
        ) from err


def _otherwise(about: DataDescription) -> str:
    """Return what else may be the cause where a version that knew one cut started the sweep."""
    return "" if about.cut else _READ_OTHERWISE
