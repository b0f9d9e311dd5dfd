"""`method: cmaes`: the covariance matrix adaptation evolution strategy, Optuna's.

Hansen, The CMA Evolution Strategy: A Tutorial (arXiv 1604.00772); learning rates that adapt as in
Nomura et al. (GECCO 2023, arXiv 2304.03473), a diagonal matrix as in Ros and Hansen (PPSN 2008).
A normal distribution starts in the middle of the space and moves on with each generation: `popsize`
trials that were drawn from it and ended. Trials drawn from the one before, which still ran when it
moved on, are passed over, and so are the random draws at the beginning.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from sweeps.search_methods.learning import SLOW_GENERATIONS, StartedSearch
from sweeps.search_methods.sampler import Sampler, State, Told
from sweeps.search_spaces.space import Space

if TYPE_CHECKING:
    from optuna.samplers import CmaEsSampler as OptunasSampler

__all__ = ["CmaEsSampler", "CmaEsSearch", "cmaes_sampler"]


class CmaEsSearch(StartedSearch):
    """Draws from a normal distribution that adapts to each generation (Optuna's CMA-ES).

    For spaces of ranges alone; it needs some generations, so a hundred trials or more.
    """

    learns_from_stopped: ClassVar[bool] = False
    modules: ClassVar[tuple[str, ...]] = ("cmaes", "optuna")
    slow_words: ClassVar[str] = SLOW_GENERATIONS
    method: Literal["cmaes"]
    startup: int = Field(
        1,
        ge=1,
        description="Number of random trials before the search begins to learn.",
    )
    popsize: int | None = Field(
        None,
        ge=4,
        description="Trials per generation; unset: 4 + 3 ln(parameters), rounded down.",
    )
    use_separable_cma: bool = Field(
        False, description="Adapt each parameter separately: learns faster with many parameters."
    )
    lr_adapt: bool = Field(
        False, description="Adapt the learning rate: slower, for noisy or multimodal objectives."
    )

    def sampler(self, space: Space, objectives: int) -> Sampler:
        """Return Optuna's strategy, held to this space."""
        return CmaEsSampler(space, self)


def cmaes_sampler(seed: int, section: CmaEsSearch) -> OptunasSampler:
    """Return Optuna's sampler with the arguments that it has here."""
    from optuna.samplers import CmaEsSampler as OptunasSampler

    from sweeps.search_methods.optuna_trials import SEEDS, quiet

    with quiet():
        return OptunasSampler(
            seed=seed % SEEDS,
            n_startup_trials=section.startup,
            popsize=section.popsize,
            use_separable_cma=section.use_separable_cma,
            lr_adapt=section.lr_adapt,
            warn_independent_sampling=False,
        )


class CmaEsSampler(Sampler):
    """Proposes draws from the normal distribution that the generations so far have led to."""

    def __init__(self, space: Space, section: CmaEsSearch) -> None:
        """Adapt once `section.startup` trials have a result; draw at random before."""
        from sweeps.search_methods.optuna_trials import OptunaTrials

        # Any seed does: what it draws depends on that, and what it notes does not.
        self._trials = OptunaTrials(space, noting=lambda: cmaes_sampler(0, section))
        self._section = section

    def propose(self, told: Sequence[Told], seed: int) -> Iterator[dict[str, Any]]:
        """Yield proposals after the trials told, as Optuna's sampler with this seed makes them."""
        self._trials.learn(
            [one.ranked_last(1) if one.state is State.WORST else one for one in told]
        )
        return self._trials.ask(cmaes_sampler(seed, self._section))
