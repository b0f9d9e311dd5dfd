"""`method: cmaes`: the covariance matrix adaptation evolution strategy, Optuna's.

Hansen, The CMA Evolution Strategy: A Tutorial (arXiv 1604.00772); learning rates that adapt as in
Nomura et al. (GECCO 2023, arXiv 2304.03473), a diagonal matrix as in Ros and Hansen (PPSN 2008).
A normal distribution starts in the middle of the space and moves on with each generation: `popsize`
trials that were drawn from it and ended. Trials drawn from the one before, which still ran when it
moved on, are passed over, and so are the random draws at the beginning.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from optuna.samplers import CmaEsSampler as OptunasSampler

from sweeps.search_spaces.samplers.optuna_trials import SEEDS, OptunaTrials, quiet
from sweeps.search_spaces.samplers.sampler import Sampler, State, Told
from sweeps.search_spaces.space import Space

__all__ = ["CmaEsOptions", "CmaEsSampler", "cmaes_sampler"]


@dataclass(frozen=True)
class CmaEsOptions:
    """What Optuna's sampler is told, by its own names.

    Attributes:
        popsize: Trials of a generation; None leaves it to the number of parameters.
    """

    startup: int
    popsize: int | None = None
    use_separable_cma: bool = False
    lr_adapt: bool = False


def cmaes_sampler(seed: int, options: CmaEsOptions) -> OptunasSampler:
    """Return Optuna's sampler with the arguments that it has here."""
    with quiet():
        return OptunasSampler(
            seed=seed % SEEDS,
            n_startup_trials=options.startup,
            popsize=options.popsize,
            use_separable_cma=options.use_separable_cma,
            lr_adapt=options.lr_adapt,
            warn_independent_sampling=False,
        )


class CmaEsSampler(Sampler):
    """Proposes draws from the normal distribution that the generations so far have led to."""

    def __init__(self, space: Space, options: CmaEsOptions) -> None:
        """Adapt once `options.startup` trials have a result; draw at random before."""
        # Any seed does: what it draws depends on that, and what it notes does not.
        self._trials = OptunaTrials(space, noting=lambda: cmaes_sampler(0, options))
        self._options = options

    def propose(self, told: Sequence[Told], seed: int) -> Iterator[dict[str, Any]]:
        """Yield proposals after the trials told, as Optuna's sampler with this seed makes them."""
        self._trials.learn([_ranked_last(one) if one.state is State.WORST else one for one in told])
        return self._trials.ask(cmaes_sampler(seed, self._options))


def _ranked_last(one: Told) -> Told:
    """Return a trial that is worse than all with a loss that says so: only ranks count."""
    return replace(one, state=State.COMPLETE, loss=math.inf)
