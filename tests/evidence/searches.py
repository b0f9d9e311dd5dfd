"""Searches of a problem by the product's methods and by plain Optuna, one trial at a time.

Those that take long are kept in `searched.npz`, to which more seeds can be added:
`python -m tests.evidence.searches FOLDER METHOD` takes in what a run of the study left in its
folder of pieces.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count, islice
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from optuna.samplers import TPESampler
from optuna.trial import Trial

from sweeps.models.scoring.objective import Objective
from sweeps.schedulers.asha import Asha, AshaScheduler
from sweeps.schedulers.scheduler import Action
from sweeps.search_methods.cmaes import CmaEsSampler, CmaEsSearch
from sweeps.search_methods.draws import draw_random
from sweeps.search_methods.gp import GpSampler
from sweeps.search_methods.optuna_trials import quiet
from sweeps.search_methods.sampler import Sampler, State, Told
from sweeps.search_methods.sobol import draw_sobol
from sweeps.search_methods.tpe import TpeSampler
from sweeps.search_spaces.parameters import Choice, IntRange
from sweeps.search_spaces.space import Space
from tests.evidence import digits
from tests.evidence.landscapes import IDLE, LANDSCAPES, Landscape
from tests.evidence.trained import Array

__all__ = ["LEARNERS", "METHODS", "PROBLEMS", "Problem", "Searched", "searched", "takes"]

_STARTUP = 10
_KEPT = Path(__file__).with_name("searched.npz")
_CMAES = CmaEsSearch(method="cmaes", trials=100)
_ASHA = Asha(scheduler="asha", grace_epochs=1, reduction_factor=3)


@dataclass(frozen=True)
class Problem:
    """Something to search in.

    Attributes:
        curve: (epochs,) losses of a configuration without noise; NaN from where it diverged.
        noise: Standard deviation of the logarithm of what a search sees.
        least: The lowest loss that there is.
    """

    space: dict[str, Any]
    curve: Callable[[dict[str, Any]], Array]
    noise: float
    least: float


def _smooth(world: Landscape, least: float) -> Problem:
    return Problem(world.space, lambda one: np.array([world.loss(one)]), world.noise, least)


PROBLEMS: dict[str, Problem] = {
    "digits": Problem(digits.SPACE, lambda one: digits.curve(one).astype(float), 0, digits.LEAST),
    "branin, 8 idle": _smooth(IDLE["branin, 8 idle"], 0.398),
    "hartmann, 6 idle": _smooth(IDLE["hartmann, 6 idle"], 0.05),
    "narrow option": _smooth(LANDSCAPES["narrow option"], 0.05),
}


@dataclass(frozen=True)
class Searched:
    """What a method found on a problem, a row for each seed.

    Attributes:
        chosen: (seeds, trials) the loss without noise of the best by what was seen up to there.
        epochs: (seeds, trials) epochs that were trained up to there.
    """

    chosen: Array
    epochs: Array


class _Search:
    """One search under way: what is told of its trials, and what they are worth."""

    def __init__(self, problem: Problem, seed: int, scheduler: AshaScheduler | None) -> None:
        self.problem, self.space, self.seed = problem, Space(problem.space), seed
        self.told, self.truths, self.epochs = list[Told](), list[float](), list[int]()
        self._noise = np.random.default_rng([seed, 1])
        self._scheduler = scheduler

    def train(self, configuration: dict[str, Any]) -> Told:
        """Train a trial to its end, or until the scheduler stops it."""
        off = float(np.exp(self.problem.noise * self._noise.normal()))
        losses = self.problem.curve(configuration)
        state, trained = self._ending(losses)
        best = float(np.fmin.reduce(losses[:trained]))
        self.truths.append(best)
        self.epochs.append(trained)
        loss = np.nan if state is State.WORST else best * off
        values = tuple(self.space.values(configuration))
        saw = len(self.told) or None
        self.told.append(Told(values, state, loss, trained, saw, len(self.told) + 1))
        return self.told[-1]

    def _ending(self, losses: Array) -> tuple[State, int]:
        finite = int(np.isfinite(losses).sum())
        trial = len(self.told)
        for epoch in sorted(self._scheduler.milestones) if self._scheduler else ():
            if epoch <= finite and self._scheduler:
                decision = self._scheduler.decide(trial, epoch, float(losses[:epoch].min()))
                if decision.action is Action.STOP:
                    return State.PRUNED, epoch
        return (State.COMPLETE if finite == len(losses) else State.WORST), max(finite, 1)


Draws = Callable[[_Search], Iterator[dict[str, Any]]]


def _proposing(sampler_of: Callable[[Space], Sampler], startup: int = _STARTUP) -> Draws:
    """Return a method that draws at random first, then proposes from what was told by then."""

    def draws(search: _Search) -> Iterator[dict[str, Any]]:
        sampler = sampler_of(search.space)
        yield from islice(draw_random(search.space, search.seed), startup)
        for at in count(startup):
            yield next(sampler.propose(search.told, 1000 * search.seed + at))

    return draws


def _of_plain_optuna(search: _Search) -> Iterator[dict[str, Any]]:
    """Yield what a study of Optuna's proposes that somebody wrote by hand, with one sampler."""
    with quiet():
        sampler = TPESampler(
            seed=search.seed,
            n_startup_trials=_STARTUP,
            multivariate=True,
            group=True,
            constant_liar=True,
        )
        study = optuna.create_study(sampler=sampler)
        while True:
            trial = study.ask()
            yield search.space.chosen(lambda at, trial=trial: _suggested(search.space, trial, at))
            one = search.told[-1]
            is_bad = one.state is State.WORST
            study.tell(trial, None if is_bad else one.loss, optuna.trial.TrialState.PRUNED
                       if is_bad else None)  # fmt: skip


def _suggested(space: Space, trial: Trial, at: int) -> Any:
    parameter = space.dimensions[at][1]
    if isinstance(parameter, Choice):
        return trial.suggest_categorical(str(at), range(len(parameter.options)))
    low, high = parameter.ends()
    if isinstance(parameter, IntRange):
        return trial.suggest_int(str(at), int(low), int(high), log=parameter.log)
    return trial.suggest_float(str(at), low, high, log=parameter.log)


METHODS: dict[str, Draws] = {
    "random": lambda search: draw_random(search.space, search.seed),
    "sobol": lambda search: draw_sobol(search.space, search.seed),
    "tpe": _proposing(lambda space: TpeSampler(space, _STARTUP, 24)),
    "tpe of plain optuna": _of_plain_optuna,
    "tpe + asha": _proposing(lambda space: TpeSampler(space, _STARTUP, 24)),
    "cmaes": _proposing(lambda space: CmaEsSampler(space, _CMAES), startup=1),
    "gp": _proposing(lambda space: GpSampler(space, _STARTUP)),
}
LEARNERS = ("tpe", "tpe + asha", "cmaes", "gp")


def takes(method: str, problem: Problem) -> bool:
    """Return whether a method can search a problem: ASHA needs epochs, CMA-ES ranges alone."""
    space = Space(problem.space)
    if method == "cmaes":
        return not any(isinstance(one, Choice) for _, one in space.dimensions)
    return method != "tpe + asha" or len(problem.curve(next(draw_random(space, 1)))) > 1


def searched(name: str, method: str, seeds: int, trials: int, kept: Path) -> Searched:
    """Return what a method finds with seeds from 1 on; those in the folder `kept` are not made."""
    rows = [_of_seed(name, method, seed, trials, kept) for seed in range(1, seeds + 1)]
    return Searched(np.array([row[0] for row in rows]), np.array([row[1] for row in rows]))


def _of_seed(name: str, method: str, seed: int, trials: int, kept: Path) -> Array:
    """Return (2, trials) what is chosen and the epochs spent, after each trial."""
    piece = f"{name.partition(',')[0]}.{method}.{seed}".replace(" ", "_")
    with np.load(_KEPT) as searches:
        # What is chosen after a trial depends on none that comes later.
        if piece in searches and searches[piece].shape[1] >= trials:
            known: Array = searches[piece][:, :trials].astype(float)
            return known
    file = kept / f"{piece}.{trials}.npy"
    if not file.exists():
        kept.mkdir(parents=True, exist_ok=True)
        np.save(file, _search(PROBLEMS[name], method, seed, trials))
    found: Array = np.load(file)
    return found


def _search(problem: Problem, method: str, seed: int, trials: int) -> Array:
    objective = Objective("dev_loss", "min")
    asha = AshaScheduler(_ASHA, objective, 12) if method == "tpe + asha" else None
    search = _Search(problem, seed, asha)
    for configuration in islice(METHODS[method](search), trials):
        search.train(configuration)
    seen = np.array([np.inf if np.isnan(one.loss) else one.loss for one in search.told])
    best = [int(np.argmin(seen[: number + 1])) for number in range(trials)]
    return np.array([np.array(search.truths)[best], np.cumsum(search.epochs)], float)


def _keep(pieces: Path, method: str) -> None:
    """Take the searches of a method from a folder of pieces into `searched.npz`."""
    found = dict(np.load(_KEPT))
    for file in sorted(pieces.glob(f"*.{method.replace(' ', '_')}.*.npy")):
        name, _, trials = file.stem.rpartition(".")
        if name not in found or found[name].shape[1] < int(trials):
            found[name] = np.load(file).astype(np.float32)
    np.savez_compressed(_KEPT, **found)


if __name__ == "__main__":
    _keep(Path(sys.argv[1]), sys.argv[2])
