"""What an item of a user's own dataset may be, and how items become the rows of one batch.

An item is (x, y), or a dictionary whose `labels`, `label` or `target` is y and whose other values
are x by name. A dataset's own `collate` joins items as torch's `collate_fn` does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from sweeps.models.data.items import ANY, COLLATE, ItemKind, NetInputs, TensorKind, kind_text
from sweeps.models.errors import DataError
from sweeps.models.own_code.own_call import called

__all__ = [
    "Item",
    "are_equal",
    "check_alike",
    "collated",
    "collating",
    "item_from",
    "joint_kind",
    "kind_of",
    "label_of",
    "moved",
    "refused",
    "stacked",
    "zero_rows",
]

_TARGETS = ("labels", "label", "target")
_DICTIONARY = "Return a dictionary of tensors, which the net takes as keyword arguments"
_WAYS_OUT: dict[type, str] = {list: _DICTIONARY, tuple: _DICTIONARY}


class Item(NamedTuple):
    """An item: as the dataset gave it, and the two that it holds."""

    given: Any
    x: Any
    y: Any


def item_from(source: str, number: int, given: Any) -> Item:
    """Return an item taken apart.

    Raises:
        DataError: it is neither a pair nor a dictionary with one y.
    """
    if isinstance(given, Mapping):
        return _of_dictionary(source, number, given)
    if isinstance(given, tuple | list) and len(given) == 2:
        return Item(given, given[0], given[1])
    found = f"a {type(given).__name__}"
    if isinstance(given, tuple | list):
        found += f" of {len(given)}"
    rule = f"an item must be (x, y) or a dictionary, and item {number} is {found}"
    raise refused(source, rule)


def _of_dictionary(source: str, number: int, given: Mapping[str, Any]) -> Item:
    found = [name for name in _TARGETS if name in given]
    if len(found) != 1 or len(given) < 2:
        rule = f"an item that is a dictionary must have its y as one of {', '.join(_TARGETS)}"
        raise refused(source, f"{rule}, and its x besides; item {number} has {', '.join(given)}")
    x = {name: value for name, value in given.items() if name != found[0]}
    return Item(given, x, given[found[0]])


def kind_of(source: str, number: int, x: Any) -> ItemKind:
    """Return what an x is.

    Raises:
        DataError: it is neither a tensor nor tensors by name.
    """
    if isinstance(x, Mapping):
        return {name: _tensor_kind(source, number, f"x[{name!r}]", x[name]) for name in x}
    return _tensor_kind(source, number, "x", x)


def _tensor_kind(source: str, number: int, name: str, x: Any) -> TensorKind:
    if not isinstance(x, Tensor):
        rule = f"{name} of an item must be a tensor, and of item {number} it is a "
        hint = _WAYS_OUT.get(type(x), "Return torch.as_tensor(x)") if name == "x" else ""
        raise refused(source, rule + type(x).__name__, hint or "Return tensors, or write a collate")
    return TensorKind(shape=tuple(x.shape), dtype=str(x.dtype).removeprefix("torch."))


def zero_rows(kind: ItemKind | None) -> NetInputs | None:
    """Return two rows of zeros, or None of dictionaries, sizes that differ, and features."""
    if not isinstance(kind, TensorKind) or ANY in kind.shape:
        return None
    return torch.zeros(2, *kind.shape, dtype=getattr(torch, kind.dtype))


def moved(x: NetInputs, device: torch.device) -> NetInputs:
    """Return inputs on a device."""
    if isinstance(x, dict):
        return {name: one.to(device) for name, one in x.items()}
    return x.to(device)


def stacked(source: str, wanted: ItemKind, numbers: Sequence[int], xs: Sequence[Any]) -> NetInputs:
    """Return the x of items as one batch, each held to what the first was.

    Raises:
        DataError: an x is another one.
    """
    if isinstance(wanted, TensorKind):
        dtype = getattr(torch, wanted.dtype)
        for number, x in zip(numbers, xs, strict=True):
            if getattr(x, "shape", None) != wanted.shape or x.dtype != dtype:
                _check_kind(source, number, x, wanted)
        return torch.stack(list(xs))
    for number, x in zip(numbers, xs, strict=True):
        _check_kind(source, number, x, wanted)
    return {name: torch.stack([x[name] for x in xs]) for name in wanted}


def _check_kind(source: str, number: int, x: Any, wanted: ItemKind) -> None:
    kind = kind_of(source, number, x)
    if kind != wanted:
        rule = f"x of every item must be {kind_text(wanted)}, as the first is, and of item {number}"
        hint = "Items of different sizes need a `collate` method on the dataset that pads them"
        is_size = _sizeless(kind) == _sizeless(wanted)
        raise refused(source, f"{rule} is {kind_text(kind)}", hint if is_size else "")


def collating(dataset: Any) -> Callable[[list[Any]], Any] | None:
    """Return the dataset's own way to join items, if it has one."""
    found = getattr(dataset, COLLATE, None)
    return found if callable(found) else None


def collated(
    source: str, collate: Callable[[list[Any]], Any], items: Sequence[Item]
) -> tuple[NetInputs, ItemKind]:
    """Return the batch that the user's function makes of items, and what its rows are.

    Raises:
        DataError: it raises, or returns other rows, or in another order, than it was given.
    """
    with called("collate must take a list of items", lambda rule: refused(source, rule)):
        returned = collate([item.given for item in items])
    form = "collate must return (x, y), or a dictionary with y as one of " + ", ".join(_TARGETS)
    is_pair = isinstance(returned, tuple | list) and len(returned) == 2
    if not is_pair and not isinstance(returned, Mapping):
        raise refused(source, f"{form}, and returned a {type(returned).__name__}")
    _, x, y = item_from(source, 0, returned)
    kinds = kind_of(source, 0, x)
    for kind in kinds.values() if isinstance(kinds, dict) else (kinds,):
        if not kind.shape or kind.shape[0] != len(items):
            rule = f"collate must return one row for each of {len(items)} items"
            raise refused(source, f"{rule}, and returned {kind_text(kinds)}")
    _check_order(source, items, y)
    return (dict(x) if isinstance(kinds, dict) else x), _of_rows(kinds)


def _of_rows(kinds: ItemKind) -> ItemKind:
    if isinstance(kinds, TensorKind):
        return TensorKind(shape=kinds.shape[1:], dtype=kinds.dtype)
    return {
        name: TensorKind(shape=kind.shape[1:], dtype=kind.dtype) for name, kind in kinds.items()
    }


def check_alike(source: str, kind: ItemKind, wanted: ItemKind) -> None:
    """Check that a batch of a collate is like others but in its sizes.

    Args:
        kind: of its rows.
        wanted: of those of the others.

    Raises:
        DataError: it has other names, types or numbers of dimensions.
    """
    if _sizeless(kind) != _sizeless(wanted):
        rule = f"collate must return rows of {kind_text(wanted)} of every batch"
        raise refused(source, f"{rule}, but for their sizes, and returned {kind_text(kind)}")


def _sizeless(kind: ItemKind) -> dict[str, tuple[str, int]]:
    kinds = kind if isinstance(kind, dict) else {"": kind}
    return {name: (one.dtype, len(one.shape)) for name, one in kinds.items()}


def _check_order(source: str, items: Sequence[Item], y: Any) -> None:
    found = y.tolist() if hasattr(y, "tolist") else list(y)
    wanted = [label_of(source, at, item.y) for at, item in enumerate(items)]
    labels = [label_of(source, at, label) for at, label in enumerate(found)]
    if not are_equal(labels, wanted):
        rule = "collate must return the y of its items in their order"
        raise refused(source, f"{rule}: {wanted}, and returned {labels}"[:400])


def joint_kind(source: str, kinds: Sequence[ItemKind]) -> ItemKind:
    """Return what the rows of batches have in common: ANY where a size differs.

    Args:
        kinds: of the rows of each.

    Raises:
        DataError: they differ in names, types or numbers of dimensions.
    """
    first = kinds[0]
    for kind in kinds:
        check_alike(source, kind, first)
    if isinstance(first, TensorKind):
        return _joint([kind for kind in kinds if isinstance(kind, TensorKind)])
    return {
        name: _joint([kind[name] for kind in kinds if isinstance(kind, dict)]) for name in first
    }


def _joint(kinds: Sequence[TensorKind]) -> TensorKind:
    sizes = zip(*(kind.shape for kind in kinds), strict=True)
    shape = tuple(found[0] if len({*found}) == 1 else ANY for found in sizes)
    return TensorKind(shape=shape, dtype=kinds[0].dtype)


def label_of(source: str, number: int, y: Any) -> Any:
    """Return a class or a number as Python has it; of a mask, or other numbers, the flat list.

    Raises:
        DataError: it is neither.
    """
    shape = getattr(y, "shape", None)
    label = y.item() if shape == () else y
    if shape and y.dtype != object:
        label = y.reshape(-1).tolist()
    is_known = isinstance(label, bool | int | float | str)
    if not is_known and not (shape and label and not isinstance(label[0], complex)):
        found = f"a {type(y).__name__}" + ("" if shape is None else f" of shape {tuple(shape)}")
        rule = "y of an item must be one class or number, or a tensor of numbers"
        raise refused(source, f"{rule}, and of item {number} it is {found}")
    return label


def are_equal(found: Sequence[Any], wanted: Sequence[Any]) -> bool:
    """Whether labels are the same; a float32 stands for the float64 that it was rounded from."""
    if list(found) == list(wanted):
        return True
    now, first = _numbers(found), _numbers(wanted)
    if now is None or first is None or not now.dtype.kind == first.dtype.kind == "f":
        return False
    return np.array_equal(now, first)


def refused(source: str, rule: str, hint: str = "") -> DataError:
    """Return the error that a dataset breaks a rule."""
    return DataError(rule, key=("source",), value=source, hint=hint, is_permanent=True)


def _numbers(labels: Sequence[Any]) -> npt.NDArray[Any] | None:
    try:
        array = np.array(labels)
    except ValueError:  # of several lengths
        return None
    return array.astype(np.float32) if array.dtype.kind == "f" else array
