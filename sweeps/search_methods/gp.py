"""`method: gp`: Bayesian optimization by a Gaussian process, Optuna's.

A Matern kernel (nu 2.5) with a length scale for each parameter, and the logarithm of the expected
improvement (Ament et al., NeurIPS 2023, arXiv 2310.20708), over a batch where trials still run.
A parameter that a trial does not have counts as the middle of its range, as in SMAC (Hutter et al.,
LION 2011): so those of an option are learned, too.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from sweeps.search_methods.learning import StartedSearch
from sweeps.search_methods.sampler import Sampler, State, Told
from sweeps.search_spaces.space import Space

if TYPE_CHECKING:
    from optuna.samplers import GPSampler

__all__ = ["GpSampler", "GpSearch", "gp_sampler"]


class GpSearch(StartedSearch):
    """Random draws first, then the most expected improvement under a Gaussian process (Optuna's).

    A parameter that a trial does not have counts as the middle of its range.
    """

    learns_from_stopped: ClassVar[bool] = False
    slow_from: ClassVar[int] = 300
    slow_words: ClassVar[str] = "0.5 s after 300 trials and 5 s after 1,000"
    method: Literal["gp"]

    def sampler(self, space: Space, objectives: int) -> Sampler:
        """Return Optuna's process, held to this space."""
        return GpSampler(space, self.startup)


def gp_sampler(seed: int, startup: int) -> GPSampler:
    """Return Optuna's sampler with the arguments that it has here."""
    from optuna.samplers import GPSampler

    from sweeps.search_methods.optuna_trials import SEEDS, quiet

    with quiet():
        return GPSampler(
            seed=seed % SEEDS, n_startup_trials=startup, warn_independent_sampling=False
        )


class GpSampler(Sampler):
    """Proposes where a smooth function through the results may well lie lower than the best."""

    def __init__(self, space: Space, startup: int) -> None:
        """Learn once `startup` trials have a result; draw at random before."""
        from sweeps.search_methods.optuna_trials import OptunaTrials

        self._trials, self._startup = OptunaTrials(space, fills=True), startup

    def propose(self, told: Sequence[Told], seed: int) -> Iterator[dict[str, Any]]:
        """Yield proposals after the trials told, as Optuna's sampler with this seed makes them."""
        self._trials.learn(_with_worst(told))
        return _by_one_thread(self._trials.ask(gp_sampler(seed, self._startup)))


def _by_one_thread(proposals: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield proposals, of which there is no end, that are the same whatever cores there are."""
    from sweeps.models.process.threads import one_thread

    while True:
        with one_thread():
            proposed = next(proposals)
        yield proposed


def _with_worst(told: Sequence[Told]) -> list[Told]:
    """Return the trials, those that are worse than all with the loss of the worst that has one.

    A process passes over what has no result; it would go on proposing what diverges.
    """
    losses = [one.loss for one in told if one.state is State.COMPLETE]
    worst = max(losses, default=math.nan)
    if math.isnan(worst):
        return list(told)
    return [
        replace(one, state=State.COMPLETE, loss=worst) if one.state is State.WORST else one
        for one in told
    ]
