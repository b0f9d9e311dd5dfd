"""Whether a `data` section can be run at all, found out before anything starts.

Reads the data as a sweep would, so that a check that passes is a sweep that loads.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from models.data_configuration import DataConfig, Task
from models.errors import DataError

__all__ = ["DataReport", "DataSummary", "check_data"]


@dataclass(frozen=True)
class DataSummary:
    """What a sweep needs to know of its data to check the rest of a sweep file.

    Attributes:
        task: classification or regression, `auto` resolved.
        outputs: number of classes, or 1.
        input_shape: of one row as a net takes it: (columns,), or (channels, height, width).
        class_names: empty for regression.
        train_rows: rows that are trained on.
        dev_rows: rows that trials are compared on.
        test_rows: rows in the vault.
        digest: sha256 of the data set's contents, in hexadecimal.
    """

    task: Task
    outputs: int
    input_shape: tuple[int, ...]
    class_names: tuple[str, ...]
    train_rows: int
    dev_rows: int
    test_rows: int
    digest: str


@dataclass(frozen=True)
class DataReport:
    """The outcome of a check: a summary, or every problem that was found.

    Attributes:
        summary: None when there are problems.
        problems: errors with `key`, `value`, `rule`, `choices` and `hint`.
    """

    summary: DataSummary | None
    problems: tuple[DataError, ...] = ()


def check_data(config: DataConfig, base_dir: Path, seed: int) -> DataReport:
    """Reads and splits the data of a sweep, and reports what would stop it.

    Args:
        config: the `data` section.
        base_dir: folder that relative file names start from.
        seed: the sweep's, which decides the split.
    """
    raise NotImplementedError
