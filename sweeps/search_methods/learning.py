"""What the search methods that learn from results have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import ClassVar

from pydantic import Field

from sweeps.errors import require_extra
from sweeps.search_methods.draws import draw_random
from sweeps.search_methods.method import MOST_TRIALS, Baseline, Configuration, SearchMethod, Turn
from sweeps.search_methods.sampler import Sampler
from sweeps.search_spaces.space import Space

__all__ = ["SLOW_GENERATIONS", "LearningSearch", "StartedSearch", "require_sampler"]

# What methods take that keep notes of generations in Optuna's study.
SLOW_GENERATIONS = (
    "0.02 s after 3,000 trials, and a resume tells it all of them anew, in 23 s for 3,000 and "
    "nine times as long for three times as many"
)


class LearningSearch(SearchMethod, ABC):
    """What the methods have in common that propose each trial from the results before it.

    Attributes:
        learns_from_stopped: A trial that a scheduler stopped tells it something, too.
        weighs_all: It goes by all objectives where there are several, not by the first alone.
        begins_with: The key that says how many trials are drawn at random first.
        slow_from: The number of trials from which `plan` says what a proposal takes.
        slow_words: What it takes then (docs/performance.md), in words.
        modules: What it imports to propose trials, which a plain installation may lack.
    """

    learns: ClassVar[bool] = True
    learns_from_stopped: ClassVar[bool]
    weighs_all: ClassVar[bool] = False
    begins_with: ClassVar[str] = "startup"
    slow_from: ClassVar[int] = 3000
    slow_words: ClassVar[str] = ""
    modules: ClassVar[tuple[str, ...]] = ("optuna",)
    method: str
    trials: int = Field(ge=2, le=MOST_TRIALS, description="Number of trials.")
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


class StartedSearch(LearningSearch, ABC):
    """Begins with as many random draws as `startup` says."""

    startup: int = Field(
        10,
        ge=1,
        description="Number of random trials before the search begins to learn.",
    )


def require_sampler(search: SearchMethod) -> None:
    """Raise MissingExtraError where the packages of a method that learns are not installed."""
    if isinstance(search, LearningSearch):
        require_extra("search", f"`method: {search.method}`", search.modules)
