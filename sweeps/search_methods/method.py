"""The contract of search methods: the section of each, and what it makes of a space.

The file of a method has its section, and what it draws or, where it learns from results, a
`Sampler` (learning.py, sampler.py). All others ask what `SearchMethod` and `LearningSearch` say of
a method, and know none by its name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Annotated, Any, ClassVar

from pydantic import Field

from sweeps.models.section import Section
from sweeps.search_spaces.space import Space

__all__ = ["MOST_TRIALS", "Baseline", "Configuration", "DrawnSearch", "SearchMethod", "Turn"]

Configuration = dict[str, Any]
Turn = Callable[[], int]
# A plan of more would take minutes and gigabytes before the first trial: most likely a slip.
MOST_TRIALS = 100_000
Baseline = Annotated[
    list[Configuration],
    Field(description="Configurations that run first; keys they omit are taken from `space`."),
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


class DrawnSearch(SearchMethod):
    """As many draws as the file asks for."""

    method: str
    trials: int = Field(ge=1, le=MOST_TRIALS, description="Number of trials.")
    baseline: Baseline = Field([])

    @property
    def asked(self) -> int:
        """How many trials the file asks for."""
        return self.trials
