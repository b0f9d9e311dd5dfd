"""The search methods: the section of each in a sweep file, and what it makes of a space.

All others ask what `SearchMethod` and `LearningSearch` say of a method, and know none by its name.
The draws are functions of space and seed in sweeps.search_spaces.methods; one that learns from
results has a `Sampler` in sweeps.search_spaces.samplers.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field

from sweeps.models.section import Section
from sweeps.search_spaces.methods import draw_grid, draw_random, draw_sobol

if TYPE_CHECKING:
    from sweeps.search_spaces.samplers.sampler import Sampler
    from sweeps.search_spaces.space import Space

__all__ = [
    "AutoSearch",
    "CmaEsSearch",
    "GridSearch",
    "LearningSearch",
    "ManualSearch",
    "Nsga2Search",
    "Search",
    "SearchMethod",
]

Configuration = dict[str, Any]
Turn = Callable[[], int]
# A plan of more would take minutes and gigabytes before the first trial: most likely a slip.
_MOST_TRIALS = 100_000
Baseline = Annotated[
    list[Configuration],
    Field(description="Configurations that run first; what they omit comes from `space`."),
]


class SearchMethod(Section):
    """What a plan, a check and a report ask of a method.

    Attributes:
        learns: It proposes trials from the results of those before, while the sweep runs.
        ends: Its draws come to an end of their own.
        is_by_chance: Its trials are independent draws, or cover the space as evenly as Sobol's, so
            that chance can be computed.
        is_by_hand: Somebody listed its trials.
    """

    learns: ClassVar[bool] = False
    ends: ClassVar[bool] = False
    is_by_chance: ClassVar[bool] = False
    is_by_hand: ClassVar[bool] = False

    @property
    def asked(self) -> int | None:
        """How many trials the file asks for; None where the method itself says how many."""
        return None

    @property
    def planned(self) -> int | None:
        """How many of these are drawn before the sweep starts."""
        return self.asked

    def draws(
        self, space: Space, seed: int, balanced: Sequence[int], turn: Turn
    ) -> Iterator[Configuration]:
        """Yield configurations to try, legal or not; a longer draw starts with the shorter one.

        Args:
            balanced: Dimensions of choices whose options take turns instead of being drawn.
            turn: Returns whose turn it is: how many draws were taken so far.
        """
        return iter(())


class GridSearch(SearchMethod):
    """Every combination of finite values; a range takes part through its `points`."""

    ends: ClassVar[bool] = True
    method: Literal["grid"]
    limit: int = Field(1000, ge=1, description="Refuse a grid of more trials than this.")
    baseline: Baseline = Field([])

    def draws(
        self, space: Space, seed: int, balanced: Sequence[int], turn: Turn
    ) -> Iterator[Configuration]:
        """Yield each point once, in the order of the file."""
        return draw_grid(space)


class _Drawn(SearchMethod):
    """As many draws as the file asks for."""

    method: str
    trials: int = Field(ge=1, le=_MOST_TRIALS, description="How many configurations to try.")
    baseline: Baseline = Field([])

    @property
    def asked(self) -> int:
        """How many trials the file asks for."""
        return self.trials


class RandomSearch(_Drawn):
    """Independent draws, each parameter from its own range and scale."""

    is_by_chance: ClassVar[bool] = True
    method: Literal["random"]

    def draws(
        self, space: Space, seed: int, balanced: Sequence[int], turn: Turn
    ) -> Iterator[Configuration]:
        """Yield independent draws without end."""
        return draw_random(space, seed, balanced, turn)


class SobolSearch(_Drawn):
    """A scrambled Sobol sequence: random search that covers the space more evenly."""

    is_by_chance: ClassVar[bool] = True
    method: Literal["sobol"]

    def draws(
        self, space: Space, seed: int, balanced: Sequence[int], turn: Turn
    ) -> Iterator[Configuration]:
        """Yield the sequence without end."""
        return draw_sobol(space, seed, balanced, turn)


class ManualSearch(SearchMethod):
    """Configurations listed by hand; what they omit comes from the fixed part of `space`."""

    is_by_hand: ClassVar[bool] = True
    method: Literal["manual"]
    configurations: list[Configuration] = Field(
        min_length=1, description="Configurations to run, in this order."
    )
    baseline: Baseline = Field([])


class LearningSearch(SearchMethod, ABC):
    """What the methods have in common that propose each trial from the results before it.

    Attributes:
        learns_from_stopped: A trial that a scheduler stopped tells it something, too.
        weighs_all: It goes by all objectives where there are several, not by the first alone.
        begins_with: The key that says how many trials are drawn at random first.
    """

    learns: ClassVar[bool] = True
    learns_from_stopped: ClassVar[bool]
    weighs_all: ClassVar[bool] = False
    begins_with: ClassVar[str] = "startup"
    method: str
    trials: int = Field(ge=2, le=_MOST_TRIALS, description="How many configurations to try.")
    baseline: Baseline = Field([])

    @property
    def asked(self) -> int:
        """How many trials the file asks for."""
        return self.trials

    @property
    def at_random(self) -> int:
        """How many trials are drawn at random before it learns."""
        return int(getattr(self, self.begins_with))

    @property
    def planned(self) -> int:
        """How many of these are drawn before the sweep starts."""
        return min(self.at_random, self.trials)

    def draws(
        self, space: Space, seed: int, balanced: Sequence[int], turn: Turn
    ) -> Iterator[Configuration]:
        """Yield what it begins with: independent draws."""
        return draw_random(space, seed, balanced, turn)

    @abstractmethod
    def sampler(self, space: Space, objectives: int) -> Sampler:
        """Return what proposes the trials after the first; imports what it is made of.

        Args:
            objectives: How many the sweep has.
        """


class _Started(LearningSearch, ABC):
    """Begins with as many random draws as `startup` says."""

    startup: int = Field(
        10,
        ge=1,
        description="How many trials are drawn at random before the search begins to learn.",
    )


class TpeSearch(_Started):
    """Random draws first, then what the results so far speak for (Optuna's TPE).

    With several objectives, good trials are the first by fronts.
    """

    learns_from_stopped: ClassVar[bool] = True
    weighs_all: ClassVar[bool] = True
    method: Literal["tpe"]
    n_ei_candidates: int = Field(
        24, ge=1, description="Draws of which each proposal is the most promising one."
    )

    def sampler(self, space: Space, objectives: int) -> Sampler:
        """Return Optuna's estimator, held to this space."""
        from sweeps.search_spaces.samplers.tpe import TpeSampler

        return TpeSampler(space, self.startup, self.n_ei_candidates, objectives)


class GpSearch(_Started):
    """Random draws first, then the most expected improvement under a Gaussian process (Optuna's).

    A parameter that a trial does not have counts as the middle of its range.
    """

    learns_from_stopped: ClassVar[bool] = False
    method: Literal["gp"]

    def sampler(self, space: Space, objectives: int) -> Sampler:
        """Return Optuna's process, held to this space."""
        from sweeps.search_spaces.samplers.gp import GpSampler

        return GpSampler(space, self.startup)


class CmaEsSearch(_Started):
    """Draws from a normal distribution that adapts to each generation (Optuna's CMA-ES).

    For spaces of ranges alone; it needs some generations, so a hundred trials or more.
    """

    learns_from_stopped: ClassVar[bool] = False
    method: Literal["cmaes"]
    startup: int = Field(
        1,
        ge=1,
        description="How many trials are drawn at random before the search begins to learn.",
    )
    popsize: int | None = Field(
        None,
        ge=4,
        description="Trials of a generation; unset: 4 + 3 ln(parameters), rounded down.",
    )
    use_separable_cma: bool = Field(
        False, description="Adapt to each parameter alone: learns sooner where there are many."
    )
    lr_adapt: bool = Field(
        False, description="Learn more slowly where results are noisy or have several basins."
    )

    def sampler(self, space: Space, objectives: int) -> Sampler:
        """Return Optuna's strategy, held to this space."""
        from sweeps.search_spaces.samplers.cmaes import CmaEsOptions, CmaEsSampler

        options = (self.startup, self.popsize, self.use_separable_cma, self.lr_adapt)
        return CmaEsSampler(space, CmaEsOptions(*options))


class Nsga2Search(LearningSearch):
    """A genetic algorithm for several objectives (Optuna's NSGA-II).

    The first generation is drawn at random. A later one has children of the best so far, by fronts
    and then by how far they lie from their neighbours; it needs some generations.
    """

    learns_from_stopped: ClassVar[bool] = False
    weighs_all: ClassVar[bool] = True
    begins_with: ClassVar[str] = "population_size"
    method: Literal["nsga2"]
    # Two generations of two.
    trials: int = Field(ge=4, le=_MOST_TRIALS, description="How many configurations to try.")
    population_size: int = Field(
        50, ge=2, description="Trials of a generation; the first is drawn at random."
    )
    mutation_prob: float | None = Field(
        None,
        ge=0,
        le=1,
        description="How likely each parameter of a child is drawn anew; unset: one in each child.",
    )
    crossover_prob: float = Field(
        0.9, ge=0, le=1, description="How likely a child has two parents, and not one."
    )
    swapping_prob: float = Field(
        0.5, ge=0, le=1, description="How likely each parameter is the second parent's."
    )

    def sampler(self, space: Space, objectives: int) -> Sampler:
        """Return Optuna's algorithm, held to this space."""
        from sweeps.search_spaces.samplers.nsga2 import Nsga2Options, Nsga2Sampler

        options = Nsga2Options(
            self.population_size, self.mutation_prob, self.crossover_prob, self.swapping_prob
        )
        return Nsga2Sampler(space, options, objectives)


class AutoSearch(_Drawn):
    """The method that fits: sobol for few trials, else tpe or gp; `plan` says which, and why."""

    # It draws nothing: sweeps.definition.choosing has put the chosen method in its place.
    method: Literal["auto"]


Search = Annotated[
    GridSearch
    | RandomSearch
    | SobolSearch
    | ManualSearch
    | TpeSearch
    | GpSearch
    | CmaEsSearch
    | Nsga2Search
    | AutoSearch,
    Field(discriminator="method"),
]
