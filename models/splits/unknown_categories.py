"""Words among asked rows that no training row had, and how to say so.

A net takes such a word for none of those that it knows, and answers nevertheless.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from sweeps.models.splits.preprocessing import Preprocessing

__all__ = ["unknown_words"]

_MOST_COLUMNS = 5
_MOST_WORDS = 3
_LONGEST = 40


def unknown_words(folds: Sequence[Preprocessing], words: npt.NDArray[np.object_]) -> str:
    """Return how many rows have a category that no training row had, and which; empty for none.

    Args:
        folds: the preprocessing of each net that answers; what one of them knows is known.
        words: (rows, word columns), None where missing.
    """
    touched = np.zeros(len(words), dtype=bool)
    columns = []
    for index, name in enumerate(folds[0].word_names):
        known = {None}.union(*(fold.categories[index] for fold in folds))
        unknown = np.array([word not in known for word in words[:, index]], dtype=bool)
        touched |= unknown
        if unknown.any():
            columns.append(f"{_shown(name)} ({_listed(Counter(words[unknown, index]))})")
    if not columns:
        return ""
    more = len(columns) - _MOST_COLUMNS
    rest = f" and {more} more columns" if more > 0 else ""
    return (
        f"{touched.sum()} of {len(words)} rows have a category that no training row had and that "
        f"the net treats as unknown: {', '.join(columns[:_MOST_COLUMNS])}{rest}"
    )


def _listed(counts: Counter[str]) -> str:
    most = counts.most_common(_MOST_WORDS)
    shown = ", ".join(f"{_shown(word)} {count}x" for word, count in most)
    more = len(counts) - len(most)
    return f"{shown} and {more} more" if more > 0 else shown


def _shown(text: str) -> str:
    """Return a text of the data as people may see it: in quotes, escaped and cut."""
    return ascii(text if len(text) <= _LONGEST else text[:_LONGEST] + "...")
