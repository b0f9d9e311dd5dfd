"""`method: grid`: every combination of finite values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar, Literal

from pydantic import Field

from sweeps.search_methods.method import Baseline, Configuration, SearchMethod, Turn
from sweeps.search_spaces.space import Space

__all__ = ["GridSearch"]


class GridSearch(SearchMethod):
    """Every combination of finite values; a range takes part through its `points`."""

    ends: ClassVar[bool] = True
    method: Literal["grid"]
    limit: int = Field(1000, ge=1, description="Refuse grids with more trials.")
    baseline: Baseline = Field([])

    def draws(
        self, space: Space, seed: int, balanced: Sequence[int], turn: Turn
    ) -> Iterator[Configuration]:
        """Yield each point once, in the file's order; SpaceError on a continuous range."""
        return space.grid()
