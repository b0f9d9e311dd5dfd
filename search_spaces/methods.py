"""Search methods: in which order the configurations of a space are tried.

Each is a function of space and seed alone, and a longer draw starts with the shorter one.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from sweeps.search_spaces.problems import Problem, SpaceError
from sweeps.search_spaces.space import Space

__all__ = ["draw_grid", "draw_random", "draw_sobol"]

Configuration = dict[str, Any]
Turn = Callable[[], int]
# A power of two: scipy warns of other sizes, which unbalance the sequence.
_SOBOL_BLOCK = 256


def draw_grid(space: Space) -> Iterator[Configuration]:
    """Return all combinations of finite values, once each; SpaceError on a continuous range."""
    return space.grid()


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
        yield space.configuration(_in_turn(space, point, balanced, turn()))


def draw_sobol(
    space: Space, seed: int, balanced: Sequence[int] = (), turn: Turn | None = None
) -> Iterator[Configuration]:
    """Yield a scrambled Sobol sequence (Owen, 1998; scipy's), without end.

    Args:
        balanced, turn: As for `draw_random`.

    Raises:
        SpaceError: The space has more dimensions than scipy's sequence (21,201).
    """
    from scipy.stats import qmc  # half a second that other methods do without

    if not space.dimensions:
        while True:
            yield space.configuration([])
    if len(space.dimensions) > qmc.Sobol.MAXDIM:
        rule = f"sobol takes at most {qmc.Sobol.MAXDIM:,} parameters, got {len(space.dimensions):,}"
        raise SpaceError([Problem((), None, rule, hint="use `method: random`")])
    sequence = qmc.Sobol(len(space.dimensions), scramble=True, rng=np.random.default_rng(seed))
    turn = turn or itertools.count().__next__
    while True:
        for point in sequence.random(_SOBOL_BLOCK):
            yield space.configuration(_in_turn(space, point.tolist(), balanced, turn()))


def _in_turn(space: Space, point: list[float], balanced: Sequence[int], number: int) -> list[float]:
    """Return the point with the options of balanced choices whose turn `number` is."""
    for dimension in balanced:
        count = len(space.dimensions[dimension][1].grid())
        number, option = divmod(number, count)
        point[dimension] = (option + 0.5) / count
    return point
