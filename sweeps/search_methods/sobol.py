"""`method: sobol`: a scrambled Sobol sequence (Owen, 1998), scipy's."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import ClassVar, Literal

import numpy as np

from sweeps.search_methods.draws import in_turn
from sweeps.search_methods.method import Configuration, DrawnSearch, Turn
from sweeps.search_spaces.problems import Problem, SpaceError
from sweeps.search_spaces.space import Space

__all__ = ["SobolSearch", "draw_sobol"]

# A power of two: scipy warns of other sizes, which unbalance the sequence.
_BLOCK = 256


class SobolSearch(DrawnSearch):
    """A scrambled Sobol sequence: random search that covers the space more evenly."""

    is_by_chance: ClassVar[bool] = True
    method: Literal["sobol"]

    def draws(
        self, space: Space, seed: int, balanced: Sequence[int], turn: Turn
    ) -> Iterator[Configuration]:
        """Yield the sequence without end."""
        return draw_sobol(space, seed, balanced, turn)


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
        for point in sequence.random(_BLOCK):
            yield space.configuration(in_turn(space, point.tolist(), balanced, turn()))
