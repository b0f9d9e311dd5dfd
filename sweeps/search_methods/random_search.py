"""`method: random`: independent draws."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar, Literal

from sweeps.search_methods.draws import draw_random
from sweeps.search_methods.method import Configuration, DrawnSearch, Turn
from sweeps.search_spaces.space import Space

__all__ = ["RandomSearch"]


class RandomSearch(DrawnSearch):
    """Independent draws, each parameter from its own range and scale."""

    is_by_chance: ClassVar[bool] = True
    method: Literal["random"]

    def draws(
        self, space: Space, seed: int, balanced: Sequence[int], turn: Turn
    ) -> Iterator[Configuration]:
        """Yield independent draws without end."""
        return draw_random(space, seed, balanced, turn)
