"""Reading items of a user's own dataset: each checked, and named where something is wrong with it.

What a dataset draws at random, from torch's, numpy's or Python's generator, follows from a seed
for each batch, and moves no generator of anybody else's.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from sweeps.models.data.item_forms import (
    Item,
    are_equal,
    check_alike,
    collated,
    collating,
    item_from,
    joint_kind,
    kind_of,
    label_of,
    refused,
    stacked,
)
from sweeps.models.data.items import ItemKind, ItemRows, Items, NetInputs
from sweeps.models.data.own import call_data_function, dataset_of
from sweeps.models.errors import DataError
from sweeps.models.own_code.guards import described
from sweeps.models.process.randomness import seeded

__all__ = ["ItemReader", "example_rows", "opened", "passes", "read_dataset"]

# Of these the digest is taken; all of a dataset on disk would take as long as an epoch.
_SAMPLED = 16
_SEED = 0  # of what is read outside of a trial
_LABELS = "targets"
# Items of one forward pass of an evaluation: at most as many as hold a million numbers.
_NUMBERS_PER_PASS = 2**20
_MOST_PER_PASS = 256
_PASSING = (OSError, MemoryError)  # another attempt may not meet them


def read_dataset(source: str, dataset: Any) -> tuple[Items, npt.NDArray[Any]]:
    """Return the items of a dataset and the label of each.

    Labels are its `targets`, as torchvision's datasets have them; or else every item is read once.

    Args:
        source: the function that returned it.
        dataset: with `__len__` and `__getitem__`, whose items are (x, y) or dictionaries.

    Raises:
        DataError: it is empty, an item cannot be read or is none, or another one the second time.
    """
    length = _length(source, dataset)
    if length == 0:
        raise refused(source, "the dataset must have at least one item; its length is 0")
    sample = sorted({*np.linspace(0, length - 1, _SAMPLED).round().astype(int).tolist()})
    x, found, digest = _sampled(source, dataset, sample)
    if _sampled(source, dataset, sample)[2] != digest:
        rule = (
            "the dataset must return the same item each time; it returned another when read again"
        )
        hint = "Draw random numbers only from the global generators of torch, numpy and random"
        raise refused(source, rule, hint)
    given = getattr(dataset, _LABELS, None)
    if given is None:
        labels = _read_labels(source, dataset)
    else:
        labels = _given_labels(source, given, length)
    for number, label in zip(sample, found, strict=True):
        if not are_equal([label], labels[number : number + 1]):
            rule = f"y of item {number} must be targets[{number}], {labels[number]!r}"
            raise refused(source, f"{rule}, and is {label!r}")
    return Items(source, dataset, x, digest), _array(source, labels)


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
            raise refused(items.source, f"{rule}, and returned {got} in another process")
        items.dataset = found[0]
    return items.dataset


def example_rows(rows: ItemRows) -> NetInputs:
    """Return the x of two items to try a net on, with one item twice where there is but one.

    Raises:
        DataError: see `ItemReader`.
    """
    return ItemReader(rows).read([0, min(1, len(rows) - 1)], _SEED)


def passes(x: ItemKind, positions: Sequence[int], seed: int) -> Iterator[tuple[Sequence[int], int]]:
    """Yield rows in order in blocks for forward passes without gradients, each with its seed.

    Args:
        positions: which of the rows, from 0 on.
        seed: of what is drawn at random: equal rows of equal seeds are equal.
    """
    kinds = x.values() if isinstance(x, dict) else [x]
    numbers = max(1, *(abs(math.prod(kind.shape)) for kind in kinds))
    size = min(_MOST_PER_PASS, max(1, _NUMBERS_PER_PASS // numbers))
    for start in range(0, len(positions), size):
        yield positions[start : start + size], seed + start


class ItemReader:
    """Reads the x of some rows of a dataset, in batches."""

    def __init__(self, rows: ItemRows) -> None:
        """Opens the dataset where this process has not done so yet.

        Raises:
            DataError: see `opened`.
        """
        self._dataset = opened(rows.items)
        self._source, self._x = rows.items.source, rows.items.x
        self._collate = collating(self._dataset)
        self._numbers, self._labels = rows.numbers.tolist(), rows.labels.tolist()

    def read(self, positions: Sequence[int], seed: int) -> NetInputs:
        """Return (positions, *shape) the x of some rows, stacked or as the dataset collates them.

        Args:
            positions: which of the rows, from 0 on.
            seed: of all that is drawn at random for them.

        Raises:
            DataError: an item raises, has another shape, or another y than it had.
        """
        with seeded(seed):
            return self.read_unseeded(positions)

    def read_unseeded(self, positions: Sequence[int]) -> NetInputs:
        """Return the x of some rows, with the global generators as they are; see `read`."""
        numbers = [self._numbers[at] for at in positions]
        items = _items(self._source, self._dataset, numbers)
        x = self._joined(numbers, items)
        found = [
            label_of(self._source, number, item.y)
            for number, item in zip(numbers, items, strict=True)
        ]
        wanted = [self._labels[at] for at in positions]
        if not are_equal(found, wanted):
            raise self._another_label(numbers, found, wanted)
        return x

    def _joined(self, numbers: Sequence[int], items: Sequence[Item]) -> NetInputs:
        if self._collate is None:
            return stacked(self._source, self._x, numbers, [item.x for item in items])
        x, kind = collated(self._source, self._collate, items)
        check_alike(self._source, kind, self._x)
        return x

    def blocks(self, positions: Sequence[int], seed: int) -> Iterator[NetInputs]:
        """Yield the x of rows in order, in the blocks of `passes`."""
        for block, own_seed in passes(self._x, positions, seed):
            yield self.read(block, own_seed)

    def _another_label(
        self, numbers: Sequence[int], found: Sequence[Any], wanted: Sequence[Any]
    ) -> DataError:
        every = zip(numbers, found, wanted, strict=True)
        number, now, first = next(one for one in every if not are_equal([one[1]], [one[2]]))
        rule = f"y of item {number} must stay what it was, {first!r}, and is {now!r} now"
        return refused(self._source, rule, "A dataset must return the same items in every process")


def _sampled(source: str, dataset: Any, numbers: Sequence[int]) -> tuple[ItemKind, list[Any], str]:
    """Return what an x is, the labels of some items, and a digest of their x."""
    collate = collating(dataset)
    with seeded(_SEED):
        items = _items(source, dataset, numbers)
        if collate is None:
            kind = kind_of(source, numbers[0], items[0].x)
            rows = [
                stacked(source, kind, [n], [one.x]) for n, one in zip(numbers, items, strict=True)
            ]
        else:
            collated(source, collate, items)  # together, for what is wrong with several alone
            alone = [collated(source, collate, [item]) for item in items]
            rows, kind = [x for x, _ in alone], joint_kind(source, [kind for _, kind in alone])
    hashed = hashlib.sha256(_text_of(kind).encode())
    for row in rows:
        for x in row.values() if isinstance(row, dict) else [row]:
            hashed.update(x.detach().contiguous().flatten().view(torch.uint8).numpy().tobytes())
    labels = [label_of(source, n, item.y) for n, item in zip(numbers, items, strict=True)]
    return kind, labels, hashed.hexdigest()


def _text_of(kind: ItemKind) -> str:
    if isinstance(kind, dict):
        return json.dumps({name: _text_of(one) for name, one in kind.items()})
    return kind.model_dump_json()


def _read_labels(source: str, dataset: Any) -> list[Any]:
    with seeded(_SEED):
        every = (_items(source, dataset, [number])[0] for number in range(len(dataset)))
        return [label_of(source, number, item.y) for number, item in enumerate(every)]


def _given_labels(source: str, given: Any, length: int) -> list[Any]:
    labels = given.tolist() if hasattr(given, "tolist") else list(given)
    if len(labels) != length:
        rule = f"targets must have one value per item: {length}, not {len(labels)}"
        raise refused(source, rule)
    # What holds several numbers is a list by now, and a list alone would be none.
    every = [np.asarray(label) if isinstance(label, list) else label for label in labels]
    return [label_of(source, number, label) for number, label in enumerate(every)]


def _items(source: str, dataset: Any, numbers: Sequence[int]) -> list[Item]:
    given: list[Any] = []
    with _named(source, lambda: f"item {numbers[len(given)]} of the dataset"):
        for number in numbers:
            given.append(dataset[number])  # noqa: PERF401 - how many there are tells which raised
    return [item_from(source, n, one) for n, one in zip(numbers, given, strict=True)]


@contextmanager
def _named(source: str, what: Callable[[], str]) -> Iterator[None]:
    """Have what the user's code raises name what was read."""
    try:
        yield
    except MemoryError:
        raise
    except Exception as err:
        passing = isinstance(err, _PASSING)
        rule = f"{what()} could not be read: it raised {described(err)}"
        raise DataError(rule, key=("source",), value=source, is_permanent=not passing) from err


def _array(source: str, labels: list[Any]) -> npt.NDArray[Any]:
    sizes = {len(label) if isinstance(label, list) else 1 for label in labels}
    if len(sizes) > 1:
        rule = "y of every item must have as many numbers"
        raise refused(source, f"{rule}, and has from {min(sizes)} to {max(sizes)}")
    if any(isinstance(label, str) for label in labels):
        found = np.empty(len(labels), dtype=object)
        found[:] = labels
        return found
    return np.array(labels)


def _length(source: str, dataset: Any) -> int:
    with _named(source, lambda: "the length of the dataset"):
        return len(dataset)
