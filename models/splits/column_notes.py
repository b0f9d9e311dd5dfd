"""What a person should know of columns before trusting what a net makes of them.

A column that is the target again makes every score perfect; a class that is written in two ways
is learned as two.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any
from unicodedata import normalize

import numpy as np
import numpy.typing as npt

from sweeps.models.data.datasets import Dataset
from sweeps.models.data.features import Features
from sweeps.models.data.targets import Target

__all__ = ["column_notes"]

_FEW = 1000  # rows
# Of the rows: a net that has learned nothing looks good by its accuracy.
_NEARLY_ALL = 0.9


def column_notes(dataset: Dataset) -> Iterator[str]:
    """Yield sentences about features that give the target away, words in two spellings, classes."""
    features, target = dataset.features, dataset.target
    if not isinstance(features, Features):
        return
    yield from (
        f"each value of {name} stands for one {'class' if target.class_names else 'value'} of the "
        f"target, so it gives the answer away: exclude: [{name}]"
        for name in _same_as_target(features, target)
    )
    for what, words in _written(features, target):
        for alike in _alike(words):
            # Two spellings of one letter look the same, so they are told by their codes.
            is_spelling = len({normalize("NFC", word) for word in alike}) == 1
            texts = " and ".join(map(ascii if is_spelling else repr, alike))
            how = "how Unicode writes them" if is_spelling else "spaces or capitals"
            yield f"{what} {texts} differ in {how} alone, and count as different"
    yield from _frequent_class(target)


def _frequent_class(target: Target) -> Iterator[str]:
    """Yield how good the same answer for every row would be, where one class has nearly all."""
    if not target.class_names:
        return
    counts = np.bincount(target.values, minlength=len(target.class_names))
    name, share = target.class_names[counts.argmax()], counts.max() / counts.sum()
    if share >= _NEARLY_ALL:
        yield (
            f"{counts.max():,} of {counts.sum():,} rows are of class {name!r}: always answering "
            f"it has an accuracy of {share:.4g}, so that balanced accuracy, F1 or average "
            f"precision say more"
        )


def _same_as_target(features: Features, target: Target) -> Iterator[str]:
    """Yield the names of columns that are the target under another name."""
    if target.values.ndim != 1:
        return
    if target.class_names:
        for name, words in zip(features.word_names, features.words.T, strict=True):
            pairs = set(zip(words.tolist(), target.values.tolist(), strict=True))
            if len(pairs) == len(target.class_names) == len({word for word, _ in pairs}):
                yield name
    is_target = _one_a_class if target.class_names else _is_target
    order = np.argsort(target.values, kind="stable")
    # What is no copy in some of the rows is none in all of them, and tables may be large.
    few = order[np.linspace(0, len(order) - 1, min(len(order), _FEW)).astype(np.intp)]
    likely = np.flatnonzero(is_target(features.flat[few], target.values[few]))
    same = is_target(features.flat[:, likely][order], target.values[order])
    yield from (features.number_names[place] for place in likely[same])


def _is_target(
    numbers: npt.NDArray[np.floating[Any]], values: npt.NDArray[Any]
) -> npt.NDArray[np.bool_]:
    """(columns,) whether a column is the target, number by number."""
    return np.asarray((numbers == values[:, None]).all(axis=0))


def _one_a_class(
    numbers: npt.NDArray[np.floating[Any]], classes: npt.NDArray[Any]
) -> npt.NDArray[np.bool_]:
    """(columns,) whether a column has one number for each class, and another for every other.

    Args:
        numbers: (rows, columns), sorted by class.
        classes: (rows,) in order.
    """
    starts = np.flatnonzero(np.diff(classes, prepend=-1))
    lowest = np.minimum.reduceat(numbers, starts, axis=0)
    highest = np.maximum.reduceat(numbers, starts, axis=0)
    differ = np.diff(np.sort(lowest, axis=0), axis=0) != 0
    same: npt.NDArray[np.bool_] = (lowest == highest).all(axis=0) & differ.all(axis=0)
    return same


def _written(features: Features, target: Target) -> Iterator[tuple[str, Iterable[str]]]:
    """Yield what words are of, and the different ones."""
    yield "classes", target.class_names
    for name, words in zip(features.word_names, features.words.T, strict=True):
        yield f"categories of {name}", sorted({word for word in words.tolist() if word is not None})


def _alike(words: Iterable[str]) -> list[list[str]]:
    """Return words that a person would take for one, together."""
    found = defaultdict(list)
    for word in words:
        found[" ".join(normalize("NFC", word).split()).casefold()].append(word)
    return [alike for alike in found.values() if len(alike) > 1]
