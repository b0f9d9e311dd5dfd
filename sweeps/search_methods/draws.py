"""Random draws, and the turns that options of balanced choices take in a draw."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import numpy as np

from sweeps.search_methods.method import Configuration, Turn
from sweeps.search_spaces.space import Space

__all__ = ["draw_random", "in_turn"]


def draw_random(
    space: Space, seed: int, balanced: Sequence[int] = (), turn: Turn | None = None
) -> Iterator[Configuration]:
    """Yield independent draws without end, one uniform number a dimension each.

    Args:
        balanced: Dimensions of choices whose options take turns instead of being drawn.
        turn: Returns whose turn it is: how many draws were taken so far. None takes each.
    """
    generator = np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed)))
    turn = turn or itertools.count().__next__
    while True:
        point = generator.random(len(space.dimensions)).tolist()
        yield space.configuration(in_turn(space, point, balanced, turn()))


def in_turn(space: Space, point: list[float], balanced: Sequence[int], number: int) -> list[float]:
    """Return the point with the options of balanced choices whose turn `number` is."""
    for dimension in balanced:
        count = len(space.dimensions[dimension][1].grid())
        number, option = divmod(number, count)
        point[dimension] = (option + 0.5) / count
    return point
