"""What a fold of the ledger keeps of its order: what a scheduler was told, how good a sweep was."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

__all__ = ["BestSoFar", "Row", "Step"]

Row = Mapping[str, float]


class Step(NamedTuple):
    """Something that a scheduler was told, in the order in which it was.

    Attributes:
        kind: `plan` (there are `trial` planned trials now), `report`, `last_report` (one that
            brought the trial's outcome), `outcome` or `reopened`.
        trial: The trial's index.
        value, best: The objective at `epoch`, and the best up to it; None where none was finite.
    """

    kind: str
    trial: int
    epoch: int = 0
    value: float = math.nan
    best: float | None = None


class BestSoFar(NamedTuple):
    """How good a sweep was when a trial had ended.

    Attributes:
        at: When that was, in seconds since 1970.
        row: The best epoch of the best trial up to then; None while there was none.
    """

    at: float
    row: Row | None
