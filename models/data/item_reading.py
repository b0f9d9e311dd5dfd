"""Reading items of a user's own dataset: each checked, and named where something is wrong with it.

What a dataset draws at random, from torch's, numpy's or Python's generator, follows from a seed
for each batch, and moves no generator of anybody else's.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from sweeps.models.data.items import ItemRows, Items, TensorKind
from sweeps.models.data.own import call_data_function, dataset_of
from sweeps.models.errors import DataError
from sweeps.models.own_code.guards import described
from sweeps.models.process.randomness import seeded

__all__ = ["ItemReader", "opened", "read_dataset"]

# Of these the digest is taken; all of a dataset on disk would take as long as an epoch.
_SAMPLED = 16
_SEED = 0  # of what is read outside of a trial
_LABELS = "targets"
_JOIN = "Join what it holds into one tensor, and take it apart in a net of your own"
_WAYS_OUT: dict[type, str] = dict.fromkeys((dict, list, tuple), _JOIN)
# Items of one forward pass of an evaluation: at most as many as hold a million numbers.
_NUMBERS_PER_PASS = 2**20
_MOST_PER_PASS = 256
_PASSING = (OSError, MemoryError)  # another attempt may not meet them


def read_dataset(source: str, dataset: Any) -> tuple[Items, npt.NDArray[Any]]:
    """Return the items of a dataset and the label of each.

    Labels are its `targets`, as torchvision's datasets have them; or else every item is read once.

    Args:
        source: the function that returned it.
        dataset: with `__len__` and `__getitem__`, whose items are (x, y).

    Raises:
        DataError: it is empty, an item cannot be read or is none, or another one the second time.
    """
    length = _length(source, dataset)
    if length == 0:
        raise _refused(source, "the dataset must have items, and its length is 0")
    sample = sorted({*np.linspace(0, length - 1, _SAMPLED).round().astype(int).tolist()})
    x, found, digest = _sampled(source, dataset, sample)
    if _sampled(source, dataset, sample)[2] != digest:
        rule = "the dataset must give the same item each time, and gave others when read again"
        hint = "Draw at random from torch's, numpy's or random's global generators alone"
        raise _refused(source, rule, hint)
    given = getattr(dataset, _LABELS, None)
    if given is None:
        labels = _read_labels(source, dataset)
    else:
        labels = _given_labels(source, given, length)
    for number, label in zip(sample, found, strict=True):
        if not _are_equal([label], labels[number : number + 1]):
            rule = f"y of item {number} must be targets[{number}], {labels[number]!r}"
            raise _refused(source, f"{rule}, and is {label!r}")
    return Items(source, dataset, x, digest), _array(labels)


def opened(items: Items) -> Any:
    """Return the dataset of some items, which its function makes anew once in each process.

    Raises:
        DataError: the function fails, or what it returns is not as long as it was.
    """
    if items.dataset is None:
        found = dataset_of(items.source, call_data_function(items.source, items.options))
        now = None if found is None else _length(items.source, found[0])
        if found is None or now != items.length:
            rule = f"the function must return the same dataset each time, of {items.length} items"
            got = "no dataset" if found is None else f"one of {now}"
            raise _refused(items.source, f"{rule}, and returned {got} in another process")
        items.dataset = found[0]
    return items.dataset


class ItemReader:
    """Reads the x of some rows of a dataset, in batches."""

    def __init__(self, rows: ItemRows) -> None:
        """Opens the dataset where this process has not done so yet.

        Raises:
            DataError: see `opened`.
        """
        self._dataset = opened(rows.items)
        self._source, self._x = rows.items.source, rows.items.x
        self._dtype = getattr(torch, self._x.dtype)
        self._numbers, self._labels = rows.numbers.tolist(), rows.labels.tolist()

    def read(self, positions: Sequence[int], seed: int) -> Tensor:
        """Return (positions, *shape) the x of some rows, stacked.

        Args:
            positions: which of the rows, from 0 on.
            seed: of all that is drawn at random for them.

        Raises:
            DataError: an item raises, has another shape, or another y than it had.
        """
        numbers = [self._numbers[at] for at in positions]
        with seeded(seed):
            items = [_item(self._source, self._dataset, number) for number in numbers]
        found = []
        for number, (x, y) in zip(numbers, items, strict=True):
            if getattr(x, "shape", None) != self._x.shape or x.dtype != self._dtype:
                _check_kind(self._source, number, x, self._x)
            found.append(_label(self._source, number, y))
        wanted = [self._labels[at] for at in positions]
        if not _are_equal(found, wanted):
            raise self._another_label(numbers, found, wanted)
        return torch.stack([x for x, _ in items])

    def blocks(self, positions: Sequence[int], seed: int) -> Iterator[Tensor]:
        """Yield the x of rows in order, in blocks for forward passes without gradients.

        Args:
            positions: which of the rows, from 0 on.
            seed: of what is drawn at random: equal rows of equal seeds are equal.
        """
        numbers = max(math.prod(self._x.shape), 1)
        size = min(_MOST_PER_PASS, max(1, _NUMBERS_PER_PASS // numbers))
        for start in range(0, len(positions), size):
            yield self.read(positions[start : start + size], seed + start)

    def _another_label(
        self, numbers: Sequence[int], found: Sequence[Any], wanted: Sequence[Any]
    ) -> DataError:
        every = zip(numbers, found, wanted, strict=True)
        number, now, first = next(one for one in every if not _are_equal([one[1]], [one[2]]))
        rule = f"y of item {number} must stay what it was, {first!r}, and is {now!r} now"
        return _refused(self._source, rule, "A dataset gives the same items in every process")


def _sampled(
    source: str, dataset: Any, numbers: Sequence[int]
) -> tuple[TensorKind, list[Any], str]:
    """Return what an x is, the labels of some items, and a digest of their x."""
    with seeded(_SEED):
        items = [_item(source, dataset, number) for number in numbers]
    kind = _kind(source, numbers[0], items[0][0])
    hashed = hashlib.sha256(kind.model_dump_json().encode())
    for number, (x, _) in zip(numbers, items, strict=True):
        _check_kind(source, number, x, kind)
        hashed.update(x.detach().contiguous().flatten().view(torch.uint8).numpy().tobytes())
    labels = [_label(source, number, y) for number, (_, y) in zip(numbers, items, strict=True)]
    return kind, labels, hashed.hexdigest()


def _read_labels(source: str, dataset: Any) -> list[Any]:
    with seeded(_SEED):
        every = (_item(source, dataset, number) for number in range(len(dataset)))
        return [_label(source, number, y) for number, (_, y) in enumerate(every)]


def _given_labels(source: str, given: Any, length: int) -> list[Any]:
    labels = given.tolist() if hasattr(given, "tolist") else list(given)
    if len(labels) != length:
        rule = f"targets must have one value an item: {length}, not {len(labels)}"
        raise _refused(source, rule)
    return [_label(source, number, label) for number, label in enumerate(labels)]


def _item(source: str, dataset: Any, number: int) -> tuple[Any, Any]:
    with _named(source, f"item {number} of the dataset"):
        item = dataset[number]
    if not isinstance(item, tuple | list) or len(item) != 2:
        found = f"a {type(item).__name__}"
        if isinstance(item, tuple | list):
            found += f" of {len(item)}"
        raise _refused(source, f"an item must be (x, y), and item {number} is {found}")
    return item[0], item[1]


@contextmanager
def _named(source: str, what: str) -> Iterator[None]:
    """Have what the user's code raises name what was read."""
    try:
        yield
    except MemoryError:
        raise
    except Exception as err:
        passing = isinstance(err, _PASSING)
        rule = f"{what} must be readable, and raised ({described(err)})"
        raise DataError(rule, key=("source",), value=source, is_permanent=not passing) from err


def _kind(source: str, number: int, x: Any) -> TensorKind:
    if not isinstance(x, Tensor):
        rule = f"x of an item must be a tensor, and of item {number} it is a {type(x).__name__}"
        raise _refused(source, rule, _WAYS_OUT.get(type(x), "Return torch.as_tensor(x)"))
    return TensorKind(shape=tuple(x.shape), dtype=str(x.dtype).removeprefix("torch."))


def _check_kind(source: str, number: int, x: Any, wanted: TensorKind) -> None:
    kind = _kind(source, number, x)
    if kind != wanted:
        rule = f"x of every item must be {wanted}, as the first is, and of item {number} is {kind}"
        raise _refused(source, rule)


def _label(source: str, number: int, y: Any) -> Any:
    """A class or a number as Python has it."""
    label = y.item() if getattr(y, "shape", None) == () else y
    if not isinstance(label, bool | int | float | str):
        shape = getattr(y, "shape", None)
        found = f"a {type(y).__name__}" + ("" if shape is None else f" of shape {tuple(shape)}")
        rule = f"y of an item must be one class or number, and of item {number} it is {found}"
        raise _refused(source, rule)
    return label


def _are_equal(found: Sequence[Any], wanted: Sequence[Any]) -> bool:
    """Whether labels are the same; a float32 stands for the float64 that it was rounded from."""
    if list(found) == list(wanted):
        return True
    if not all(isinstance(one, float) for one in (*found, *wanted)):
        return False
    return bool((np.array(found, np.float32) == np.array(wanted, np.float32)).all())


def _array(labels: list[Any]) -> npt.NDArray[Any]:
    if any(isinstance(label, str) for label in labels):
        found = np.empty(len(labels), dtype=object)
        found[:] = labels
        return found
    return np.array(labels)


def _length(source: str, dataset: Any) -> int:
    with _named(source, "the length of the dataset"):
        return len(dataset)


def _refused(source: str, rule: str, hint: str = "") -> DataError:
    return DataError(rule, key=("source",), value=source, hint=hint, is_permanent=True)
