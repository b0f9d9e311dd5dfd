"""Datasets by name, one for train, one for test and maybe one for dev, as one that is cut by them.

Imports no torch.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from itertools import accumulate
from typing import Any

import numpy as np

from sweeps.models.data.items import COLLATE, PARTS, is_dataset
from sweeps.models.errors import DataError

__all__ = ["PART", "NamedDatasets", "named_datasets"]

# The column that says of each item which dataset it came from.
PART = "part"
_TARGETS = "targets"


class NamedDatasets:
    """Datasets one after another; items are numbered from the first one's on.

    `targets` is there where all of them have it, as a dataset's own would be; `collate` where
    that of train, the first, has it.
    """

    def __init__(self, parts: Mapping[str, Any]) -> None:
        """Takes them in the order given."""
        self._parts = list(parts.values())
        sizes = [len(part) for part in self._parts]
        self._ends = list(accumulate(sizes))
        self.names = np.repeat(np.array(list(parts), dtype=object), sizes)

    def __len__(self) -> int:
        return self._ends[-1]

    def __getitem__(self, number: int) -> Any:
        at = bisect_right(self._ends, number)
        return self._parts[at][number - (self._ends[at - 1] if at else 0)]

    def __getattr__(self, name: str) -> Any:
        if name == COLLATE:
            return getattr(self._parts[0], name)
        if name != _TARGETS:
            raise AttributeError(name)
        given = [getattr(part, name) for part in self._parts]  # AttributeError where one has none
        every = (one.tolist() if hasattr(one, "tolist") else list(one) for one in given)
        return [label for labels in every for label in labels]


def named_datasets(source: str, returned: Any) -> NamedDatasets | None:
    """The datasets of a mapping of names to them, in the order train, dev, test; None of others.

    Raises:
        DataError: a name is of no part, two are of one, or train or test is missing.
    """
    if not isinstance(returned, Mapping) or not any(map(is_dataset, returned.values())):
        return None
    rule = "datasets by name must be one for train, one for test, and maybe one for dev"
    parts = [PARTS.get(name) for name in returned]
    is_whole = {0, 2} <= {*parts} <= {0, 1, 2} and len({*parts}) == len(parts)
    if not is_whole or not all(map(is_dataset, returned.values())):
        found = ", ".join(f"{name} (a {type(one).__name__})" for name, one in returned.items())
        hint = f"Names may be {', '.join(PARTS)}"
        rule = f"{rule}, and the function returned {found}"
        raise DataError(rule, key=("source",), value=source, hint=hint, is_permanent=True)
    return NamedDatasets(dict(sorted(returned.items(), key=lambda one: PARTS[one[0]])))
