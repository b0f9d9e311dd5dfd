"""Reading a data set, wherever it comes from, into one record.

No row is dropped, shuffled, scaled or otherwise learned from here.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from models.data_configuration import DataConfig, Task
from models.features import Features

__all__ = ["Dataset", "load_dataset"]


@dataclass(frozen=True, eq=False)
class Dataset:
    """A data set as it was read.

    Attributes:
        source: the configuration's source, as written.
        features: raw features of all rows.
        target: (rows,) int64 class indices into `class_names`, or float64 numbers.
        task: what the target asks for.
        class_names: in the order of the class indices; empty for regression.
        digest: sha256 of features, names and target, in hexadecimal.
    """

    source: str
    features: Features
    target: npt.NDArray[Any]
    task: Task
    class_names: tuple[str, ...]
    digest: str

    def __len__(self) -> int:
        return len(self.target)

    @property
    def outputs(self) -> int:
        """Outputs that a net needs: one for each class, or one for regression."""
        return len(self.class_names) or 1


def load_dataset(config: DataConfig, base_dir: Path) -> Dataset:
    """Reads the data set that a configuration names.

    Args:
        config: the `data` section of a sweep file.
        base_dir: folder that relative file names start from.

    Raises:
        DataError: the source is missing or unreadable, has no such columns, or its target does
            not suit the task.
    """
    raise NotImplementedError
