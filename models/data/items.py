"""Items of a user's own map-style dataset, by number: what stands for them wherever they travel.

Imports no torch. A dataset itself is sent nowhere: whoever reads items calls the user's function.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Union

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict

from sweeps.models.data.loader_configuration import LoaderConfig

if TYPE_CHECKING:
    from torch import Tensor

__all__ = [
    "ANY",
    "COLLATE",
    "FLOATS",
    "PARTS",
    "InputShape",
    "ItemKind",
    "ItemRows",
    "Items",
    "NetInputs",
    "TensorKind",
    "is_dataset",
    "kind_text",
    "shape_of",
]

# What a net is called with: one tensor, or tensors by name as keywords.
NetInputs = Union["Tensor", dict[str, "Tensor"]]
# Of one row: (columns,), (channels, height, width), or one a name.
InputShape = tuple[int, ...] | dict[str, tuple[int, ...]]
# The method of a dataset that joins items, as torch's `collate_fn` does.
COLLATE = "collate"
# A size that differs from batch to batch.
ANY = -1

# What the product's own nets take, and what features become.
FLOATS = "float32"
# What a part may be called where it is given, as torch's and Hugging Face's datasets call them.
PARTS = {"train": 0, "dev": 1, "valid": 1, "val": 1, "validation": 1, "test": 2}


class TensorKind(BaseModel):
    """What a tensor is.

    Attributes:
        shape: of one row; ANY where a collate makes it differ from batch to batch.
        dtype: its name in torch, such as float32.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    shape: tuple[int, ...]
    dtype: str

    def __str__(self) -> str:
        sizes = ("any" if size == ANY else str(size) for size in self.shape)
        shape = " x ".join(sizes) or "one number"
        return f"{self.dtype} of {shape}"


ItemKind = TensorKind | dict[str, TensorKind]


def kind_text(kind: ItemKind) -> str:
    """Return what an x is, in words."""
    if isinstance(kind, TensorKind):
        return str(kind)
    return "{" + ", ".join(f"{name}: {one}" for name, one in kind.items()) + "}"


def shape_of(kind: ItemKind) -> InputShape:
    """Return the shape of a row, or of each name's."""
    if isinstance(kind, TensorKind):
        return kind.shape
    return {name: one.shape for name, one in kind.items()}


class Items:
    """The items of a user-defined dataset; a pickle has all of it but the dataset.

    Attributes:
        source: `package.module:function`, which returns the dataset.
        length: how many items it has.
        x: what the x of each is.
        digest: sha256 of the x of some items.
        options: which that function is given.
        loader: how trials read them.
        dataset: itself; None in a process that has not opened it yet (`item_reading.opened`).
    """

    options: Mapping[str, Any] = MappingProxyType({})
    loader = LoaderConfig()

    def __init__(self, source: str, dataset: Any, x: ItemKind, digest: str) -> None:
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
        labels: (rows,) what the y of each was when it was first read, as plain numbers or words;
            (rows, numbers) where it is several.
    """

    items: Items
    numbers: npt.NDArray[np.intp]
    labels: npt.NDArray[Any]

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, rows: slice | npt.NDArray[np.intp]) -> ItemRows:
        return ItemRows(self.items, self.numbers[rows], self.labels[rows])


def is_dataset(returned: Any) -> bool:
    """Return whether something is a map-style dataset, and neither arrays nor columns."""
    if isinstance(returned, tuple | list | dict | str | bytes | np.ndarray):
        return False
    is_table = hasattr(returned, "columns") or hasattr(returned, "dtype")
    return not is_table and hasattr(returned, "__getitem__") and hasattr(returned, "__len__")
