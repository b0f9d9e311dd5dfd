"""`method: nsga2`: the genetic algorithm of several objectives, Optuna's.

Deb et al., A Fast and Elitist Multiobjective Genetic Algorithm: NSGA-II (IEEE Transactions on
Evolutionary Computation 6, 2002). A generation is `population_size` trials; its parents are the
best of all before it, by fronts and then by how far they lie from their neighbours.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from optuna.samplers import NSGAIISampler

from sweeps.search_spaces.samplers.optuna_trials import SEEDS, OptunaTrials, quiet
from sweeps.search_spaces.samplers.sampler import Sampler, State, Told
from sweeps.search_spaces.space import Space

__all__ = ["Nsga2Options", "Nsga2Sampler", "nsga2_sampler"]


@dataclass(frozen=True)
class Nsga2Options:
    """What Optuna's sampler is told, by its own names.

    Attributes:
        mutation_prob: Of each parameter of a child; None is one parameter of each, on average.
    """

    population_size: int
    mutation_prob: float | None = None
    crossover_prob: float = 0.9
    swapping_prob: float = 0.5


def nsga2_sampler(seed: int, options: Nsga2Options) -> NSGAIISampler:
    """Return Optuna's sampler with the arguments that it has here."""
    with quiet():
        return NSGAIISampler(
            seed=seed % SEEDS,
            population_size=options.population_size,
            mutation_prob=options.mutation_prob,
            crossover_prob=options.crossover_prob,
            swapping_prob=options.swapping_prob,
        )


class Nsga2Sampler(Sampler):
    """Proposes children of two trials that stand out, with the values of the one or the other."""

    def __init__(self, space: Space, options: Nsga2Options, objectives: int) -> None:
        """Draw the first generation at random, and breed those after it.

        A parameter that a parent does not have is passed on as the middle of its range.
        """
        # Any seed does: what it draws depends on that, and which generation it notes does not.
        self._trials = OptunaTrials(
            space,
            fills=True,
            noting=lambda: nsga2_sampler(0, options),
            notes_first=True,
            objectives=objectives,
        )
        self._options, self._objectives = options, objectives

    def propose(self, told: Sequence[Told], seed: int) -> Iterator[dict[str, Any]]:
        """Yield proposals after the trials told, as Optuna's sampler with this seed makes them."""
        self._trials.learn([self._with_losses(one) for one in told])
        return self._trials.ask(nsga2_sampler(seed, self._options))

    def _with_losses(self, one: Told) -> Told:
        """Return a trial that is worse than all as one of its generation that ranks last."""
        if not one.is_worst(self._objectives):
            return one
        others = (math.inf,) * (self._objectives - 1)
        return replace(one, state=State.COMPLETE, loss=math.inf, others=others)
