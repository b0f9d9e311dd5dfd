"""What a method that learns tries next: a pure function of the sweep, and of the trials so far.

What the constraints reject, and what the plan has already, is proposed again, otherwise; after some
of these a new configuration is drawn at random, from a seed of its own.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sweeps.definition.planning import (
    PATIENCE_DRAWS,
    PlannedTrial,
    configuration_hash,
    legal_trial,
    spawned_seed,
)
from sweeps.search_methods.draws import draw_random
from sweeps.search_methods.learning import LearningSearch
from sweeps.search_spaces.problems import SpaceError

if TYPE_CHECKING:
    from sweeps.definition.sweep import Sweep
    from sweeps.search_methods.sampler import Told

__all__ = ["BY_CHANCE", "Proposal", "Proposals"]

# Below a trial's own key in the tree of seeds; 1 and 2 are those of repeats and refits.
_SAMPLER, _RANDOM = 3, 4
_ATTEMPTS = 32
BY_CHANCE = "random"


@dataclass(frozen=True)
class Proposal:
    """A trial to come.

    Attributes:
        by: Whose it is: the search method's, or `random` where all of its own were refused.
    """

    trial: PlannedTrial
    by: str


class Proposals:
    """Proposes the next trial of one sweep; keeps nothing that changes a proposal."""

    def __init__(self, sweep: Sweep) -> None:
        """Take a sweep whose method learns; TypeError of another."""
        search = sweep.file.search
        if not isinstance(search, LearningSearch):
            raise TypeError(f"{search.method} draws its plan in advance")
        self._sweep = sweep
        self._sampler = search.sampler(sweep.space, len(sweep.objective.all))
        self._method = search.method

    def next(self, taken: Collection[str], told: Sequence[Told]) -> Proposal | None:
        """Return the trial to come after those of the plan; None where the space has no other.

        Args:
            taken: The hashes of their configurations.
            told: What is known of each.
        """
        index, seed = len(told), self._sweep.file.seed
        own = self._sampler.propose(told, spawned_seed(seed, index, _SAMPLER))
        by_chance = draw_random(self._sweep.space, spawned_seed(seed, index, _RANDOM))
        for by, draws, patience in (
            (self._method, own, _ATTEMPTS),
            (BY_CHANCE, by_chance, PATIENCE_DRAWS),
        ):
            for key, configuration in self._new(itertools.islice(draws, patience), taken):
                trial = PlannedTrial(index, key, spawned_seed(seed, index), configuration)
                return Proposal(trial, by)
        return None

    def _new(
        self, draws: Iterator[Mapping[str, Any]], taken: Collection[str]
    ) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield the legal ones that are not taken, with their hashes."""
        for draw in draws:
            configuration = None
            with suppress(SpaceError):  # not a trial: as good as forbidden
                configuration = legal_trial(self._sweep, draw)
            if configuration is not None:
                key = configuration_hash(configuration)
                if key not in taken:
                    yield key, configuration
