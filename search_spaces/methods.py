"""Search methods: in which order the configurations of a space are tried.

Each is a function of space and seed alone, and a longer draw starts with the shorter one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from search_spaces.problems import Problem, SpaceError
from search_spaces.space import Space

__all__ = ["draw_grid", "draw_random", "draw_sobol"]

Configuration = dict[str, Any]
# A power of two: scipy warns of other sizes, which unbalance the sequence.
_SOBOL_BLOCK = 256


def draw_grid(space: Space) -> Iterator[Configuration]:
    """Return all combinations of finite values, once each; SpaceError on a continuous range."""
    return space.grid()


def draw_random(space: Space, seed: int) -> Iterator[Configuration]:
    """Yield independent draws without end, one uniform number a dimension each."""
    generator = np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed)))
    while True:
        yield space.configuration(generator.random(len(space.dimensions)).tolist())


def draw_sobol(space: Space, seed: int) -> Iterator[Configuration]:
    """Yield a scrambled Sobol sequence (Owen, 1998; scipy's), without end.

    Raises:
        SpaceError: The space has more dimensions than scipy's sequence (21,201).
    """
    from scipy.stats import qmc  # half a second that other methods do without

    if not space.dimensions:
        while True:
            yield space.configuration([])
    if len(space.dimensions) > qmc.Sobol.MAXDIM:
        rule = f"sobol takes {qmc.Sobol.MAXDIM:,} parameters at most, got {len(space.dimensions):,}"
        raise SpaceError([Problem((), None, rule, hint="use `method: random`")])
    sequence = qmc.Sobol(len(space.dimensions), scramble=True, rng=np.random.default_rng(seed))
    while True:
        for point in sequence.random(_SOBOL_BLOCK):
            yield space.configuration(point.tolist())
