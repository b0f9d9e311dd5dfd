"""`method: tpe`: the tree-structured Parzen estimator, Optuna's.

Bergstra et al., Algorithms for Hyper-Parameter Optimization (NeurIPS 2011); multivariate as in
Falkner et al., BOHB (ICML 2018); Watanabe (arXiv 2304.11127) says what its parts do.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from sweeps.search_methods.learning import StartedSearch
from sweeps.search_methods.sampler import Sampler, State, Told
from sweeps.search_spaces.space import Space

if TYPE_CHECKING:
    from optuna.samplers import TPESampler

__all__ = ["TpeSampler", "TpeSearch", "tpe_sampler"]


class TpeSearch(StartedSearch):
    """Random draws first, then what the results so far speak for (Optuna's TPE).

    With several objectives, good trials are the first by fronts.
    """

    learns_from_stopped: ClassVar[bool] = True
    weighs_all: ClassVar[bool] = True
    slow_words: ClassVar[str] = "0.04 s after 3,000 trials and 0.11 s after 10,000"
    method: Literal["tpe"]
    n_ei_candidates: int = Field(
        24, ge=1, description="Candidates per proposal; the most promising one is taken."
    )

    def sampler(self, space: Space, objectives: int) -> Sampler:
        """Return Optuna's estimator, held to this space."""
        return TpeSampler(space, self.startup, self.n_ei_candidates, objectives)


def tpe_sampler(seed: int, startup: int, n_ei_candidates: int) -> TPESampler:
    """Return Optuna's sampler with the arguments that it has here.

    Parameters are modelled together (`multivariate`), those inside of options where they exist
    (`group`), and trials that still run count as bad ones (`constant_liar`), so that the next
    proposal lies elsewhere.
    """
    from optuna.samplers import TPESampler

    from sweeps.search_methods.optuna_trials import SEEDS, quiet

    with quiet():
        return TPESampler(
            n_startup_trials=startup,
            n_ei_candidates=n_ei_candidates,
            multivariate=True,
            group=True,
            constant_liar=True,
            seed=seed % SEEDS,
        )


class TpeSampler(Sampler):
    """Proposes what lies where good trials are dense and bad ones are not."""

    def __init__(
        self, space: Space, startup: int, n_ei_candidates: int, objectives: int = 1
    ) -> None:
        """Learn once `startup` trials have a result or were pruned; draw at random before.

        Args:
            objectives: With several, those are good that are first by fronts (Ozaki et al., GECCO
                2020), and pruned trials lie behind all that have a result.
        """
        from sweeps.search_methods.optuna_trials import OptunaTrials

        self._trials = OptunaTrials(space, objectives=objectives)
        self._startup, self._candidates = startup, n_ei_candidates
        self._objectives = objectives

    def propose(self, told: Sequence[Told], seed: int) -> Iterator[dict[str, Any]]:
        """Yield proposals after the trials told, as Optuna's sampler with this seed makes them."""
        self._trials.learn([self._with_state(one) for one in told])
        return self._trials.ask(tpe_sampler(seed, self._startup, self._candidates))

    def _with_state(self, one: Told) -> Told:
        return replace(one, state=State.WORST) if one.is_worst(self._objectives) else one
