"""`method: nsga2`: the genetic algorithm of several objectives, Optuna's.

Deb et al., A Fast and Elitist Multiobjective Genetic Algorithm: NSGA-II (IEEE Transactions on
Evolutionary Computation 6, 2002). A generation is `population_size` trials; its parents are the
best of all before it, by fronts and then by how far they lie from their neighbours.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from sweeps.search_methods.learning import SLOW_GENERATIONS, LearningSearch
from sweeps.search_methods.method import MOST_TRIALS
from sweeps.search_methods.sampler import Sampler, Told
from sweeps.search_spaces.space import Space

if TYPE_CHECKING:
    from optuna.samplers import NSGAIISampler

__all__ = ["Nsga2Sampler", "Nsga2Search", "nsga2_sampler"]


class Nsga2Search(LearningSearch):
    """A genetic algorithm for several objectives (Optuna's NSGA-II).

    The first generation is drawn at random. A later one has children of the best so far, by fronts
    and then by how far they lie from their neighbours; it needs some generations.
    """

    learns_from_stopped: ClassVar[bool] = False
    weighs_all: ClassVar[bool] = True
    begins_with: ClassVar[str] = "population_size"
    slow_words: ClassVar[str] = SLOW_GENERATIONS
    method: Literal["nsga2"]
    # Two generations of two.
    trials: int = Field(ge=4, le=MOST_TRIALS, description="Number of trials.")
    population_size: int = Field(
        50, ge=2, description="Trials per generation; the first generation is random."
    )
    mutation_prob: float | None = Field(
        None,
        ge=0,
        le=1,
        description="Mutation probability of each parameter; unset: one parameter per child on "
        "average.",
    )
    crossover_prob: float = Field(0.9, ge=0, le=1, description="Crossover probability.")
    swapping_prob: float = Field(
        0.5, ge=0, le=1, description="Probability of swapping each parameter in a crossover."
    )

    def sampler(self, space: Space, objectives: int) -> Sampler:
        """Return Optuna's algorithm, held to this space."""
        return Nsga2Sampler(space, self, objectives)


def nsga2_sampler(seed: int, section: Nsga2Search) -> NSGAIISampler:
    """Return Optuna's sampler with the arguments that it has here."""
    from optuna.samplers import NSGAIISampler

    from sweeps.search_methods.optuna_trials import SEEDS, quiet

    with quiet():
        return NSGAIISampler(
            seed=seed % SEEDS,
            population_size=section.population_size,
            mutation_prob=section.mutation_prob,
            crossover_prob=section.crossover_prob,
            swapping_prob=section.swapping_prob,
        )


class Nsga2Sampler(Sampler):
    """Proposes children of two trials that stand out, with the values of the one or the other."""

    def __init__(self, space: Space, section: Nsga2Search, objectives: int) -> None:
        """Draw the first generation at random, and breed those after it.

        A parameter that a parent does not have is passed on as the middle of its range.
        """
        from sweeps.search_methods.optuna_trials import OptunaTrials

        # Any seed does: what it draws depends on that, and which generation it notes does not.
        self._trials = OptunaTrials(
            space,
            fills=True,
            noting=lambda: nsga2_sampler(0, section),
            notes_first=True,
            objectives=objectives,
        )
        self._section, self._objectives = section, objectives

    def propose(self, told: Sequence[Told], seed: int) -> Iterator[dict[str, Any]]:
        """Yield proposals after the trials told, as Optuna's sampler with this seed makes them."""
        number = self._objectives
        self._trials.learn(
            [one.ranked_last(number) if one.is_worst(number) else one for one in told]
        )
        return self._trials.ask(nsga2_sampler(seed, self._section))
