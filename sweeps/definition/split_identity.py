"""What identifies a split: data, seed, fractions and the cut's rule decide its rows."""

from __future__ import annotations

import hashlib

from sweeps.definition.sweep_file import SweepFile
from sweeps.models.splits.cuts import AT_RANDOM

__all__ = ["split_digest"]


def split_digest(file: SweepFile, data_digest: str, rule: str, name: str) -> str:
    """Return 16 hexadecimal digits that belong to the rows of a split.

    The test set is cut first: neither dev nor folds change it.

    Args:
        data_digest: Of all rows.
        rule: By which rule rows were cut, in words.
        name: `train`, `dev`, `test` or `fold<i>`.
    """
    split = file.data.split
    cut = split.dev if split.folds is None else f"{split.folds} folds"
    fractions = split.test if name == "test" else f"{cut}:{split.test}"
    text = f"{data_digest}:{split.seed_in(file.seed)}:{fractions}:{name}"
    text += "" if rule == AT_RANDOM else f":{rule}"
    return hashlib.sha256(text.encode()).hexdigest()[:16]
