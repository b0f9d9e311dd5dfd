"""Items of a user's own map-style dataset, by number: what stands for them wherever they travel.

Imports no torch. A dataset itself is sent nowhere: whoever reads items calls the user's function.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict

__all__ = ["FLOATS", "PARTS", "ItemRows", "Items", "TensorKind", "dtype_of", "is_dataset"]

# What the product's own nets take, and what features become.
FLOATS = "float32"
# What a part may be called where it is given, as torch's and Hugging Face's datasets call them.
PARTS = {"train": 0, "dev": 1, "valid": 1, "val": 1, "validation": 1, "test": 2}


class TensorKind(BaseModel):
    """What a tensor is.

    Attributes:
        shape: of one row.
        dtype: its name in torch, such as float32.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    shape: tuple[int, ...]
    dtype: str

    def __str__(self) -> str:
        shape = " x ".join(map(str, self.shape)) or "one number"
        return f"{self.dtype} of {shape}"


def dtype_of(item: TensorKind | None) -> str:
    """The dtype of what a net takes, by its name in torch; features become float32."""
    return FLOATS if item is None else item.dtype


class Items:
    """The items of a user-defined dataset; a pickle has all of it but the dataset.

    Attributes:
        source: `package.module:function`, which returns the dataset.
        length: how many items it has.
        x: what the x of each is.
        digest: sha256 of the x of some items.
        options: which that function is given.
        dataset: itself; None in a process that has not opened it yet (`item_reading.opened`).
    """

    options: Mapping[str, Any] = MappingProxyType({})

    def __init__(self, source: str, dataset: Any, x: TensorKind, digest: str) -> None:
        self.source, self.length, self.x, self.digest = source, len(dataset), x, digest
        self.dataset = dataset

    def __len__(self) -> int:
        return self.length

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "dataset": None}


@dataclass(frozen=True, eq=False)
class ItemRows:
    """Some items of a dataset, in an order.

    Attributes:
        items: all of them.
        numbers: (rows,) int64, which these are.
        labels: (rows,) what the y of each was when it was first read, as plain numbers or words.
    """

    items: Items
    numbers: npt.NDArray[np.intp]
    labels: npt.NDArray[Any]

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, rows: slice) -> ItemRows:
        return ItemRows(self.items, self.numbers[rows], self.labels[rows])


def is_dataset(returned: Any) -> bool:
    """Return whether something is a map-style dataset, and neither arrays nor columns."""
    if isinstance(returned, tuple | list | dict | str | bytes | np.ndarray):
        return False
    is_table = hasattr(returned, "columns") or hasattr(returned, "dtype")
    return not is_table and hasattr(returned, "__getitem__") and hasattr(returned, "__len__")
