"""Search methods against random draws, on functions with known answers, and their cost.

As docs/evidence/learned_search.md, with more seeds and fewer trials, so that it takes minutes.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count, islice
from pathlib import Path
from typing import Any

import numpy as np

from sweeps.findings.pareto import front
from sweeps.search_methods.draws import draw_random
from sweeps.search_methods.nsga2 import Nsga2Sampler, Nsga2Search
from sweeps.search_methods.sampler import Sampler, State, Told
from sweeps.search_methods.tpe import TpeSampler
from sweeps.search_spaces.space import Space
from tests.evidence.proposals import TIMED, cost
from tests.evidence.searches import PROBLEMS, searched, takes

__all__ = ["SearchSizes", "measure_fronts", "measure_proposals", "measure_searches", "volume"]

_PROBLEMS = ("branin, 8 idle", "hartmann, 6 idle", "narrow option")
_METHODS = ("sobol", "tpe", "cmaes", "gp")
_STARTUP = 10
_NSGA2 = Nsga2Search(method="nsga2", trials=100, population_size=_STARTUP)
# Zitzler, Deb and Thiele (Evolutionary Computation 8, 2000), their first problem, of 5 parameters.
_ZDT1 = Space({f"x{at}": {"float": [0.0, 1.0]} for at in range(5)})
# Worse than most draws in the second, so that a front's area says more than its best point.
_REFERENCE = (1.1, 7.0)


@dataclass(frozen=True)
class SearchSizes:
    """How much is searched; `gp` has fewer, as its proposals take thirty times as long."""

    seeds: int = 50
    trials: int = 50
    of_gp: int = 10
    trials_of_gp: int = 20
    trials_of_fronts: int = 100
    told: tuple[int, ...] = (10, 100, 1000, 3000, 10_000)
    # What is told by trial takes minutes beyond: seven seconds a proposal, the others' notes.
    told_of: Mapping[str, int] = field(
        default_factory=lambda: {"gp": 1000, "cmaes": 3000, "nsga2": 3000}
    )


def measure_searches(sizes: SearchSizes) -> Iterator[tuple[str, dict[str, float]]]:
    """Yield by problem and method: the median of the best, and the share of seeds that it wins.

    A tie, as in the draws that two methods begin with, is half a win.
    """
    with tempfile.TemporaryDirectory(prefix="bench") as path:
        for name in _PROBLEMS:
            random = searched(name, "random", sizes.seeds, sizes.trials, Path(path)).chosen
            yield f"{name}: random", {"best": float(np.median(random[:, -1]))}
            for method in _METHODS:
                if takes(method, PROBLEMS[name]):
                    is_gp = method == "gp"
                    seeds, trials = (
                        (sizes.of_gp, sizes.trials_of_gp) if is_gp else (sizes.seeds, sizes.trials)
                    )
                    found = searched(name, method, seeds, trials, Path(path)).chosen[:, -1]
                    others = random[:seeds, trials - 1]
                    wins = np.where(found == others, 0.5, found < others)
                    numbers = {"best": float(np.median(found)), "better_than_random": wins.mean()}
                    yield f"{name}: {method}", {**numbers, "seeds": seeds, "trials": trials}


def measure_fronts(sizes: SearchSizes) -> Iterator[tuple[str, dict[str, float]]]:
    """Yield by method the area that its front covers on ZDT1, as a share of the whole."""
    methods = {
        "random": None,
        "tpe": lambda: TpeSampler(_ZDT1, _STARTUP, 24, 2),
        "nsga2": lambda: Nsga2Sampler(_ZDT1, _NSGA2, 2),
    }
    areas = {
        name: np.array(
            [
                _covered(sampler_of and sampler_of(), seed, sizes.trials_of_fronts)
                for seed in range(1, sizes.seeds + 1)
            ]
        )
        for name, sampler_of in methods.items()
    }
    for name, found in areas.items():
        numbers = {"covered": float(np.median(found)), "seeds": sizes.seeds}
        won = {} if name == "random" else {"better_than_random": (found > areas["random"]).mean()}
        yield f"front: {name}", {**numbers, **won, "trials": sizes.trials_of_fronts}


def measure_proposals(sizes: SearchSizes) -> Iterator[tuple[str, dict[str, float]]]:
    """Yield by method and trials before it what a proposal takes, and being told all of them."""
    for method in TIMED:
        for trials in sizes.told:
            if trials <= sizes.told_of.get(method, trials):
                found = cost(method, trials)
                numbers = {"ms": found.proposal_ms, "told_s": found.telling_s}
                yield f"proposal: {method} after {trials}", numbers


def _covered(sampler: Sampler | None, seed: int, trials: int) -> float:
    told: list[Told] = []
    for configuration in islice(_draws(sampler, told, seed), trials):
        first, second = _zdt1(configuration)
        values = tuple(_ZDT1.values(configuration))
        at = len(told)
        saw = None if at < _STARTUP else at
        told.append(Told(values, State.COMPLETE, first, 1, saw, at + 1, (second,)))
    return volume([(one.loss, *one.others) for one in told]) / _whole()


def _draws(sampler: Sampler | None, told: list[Told], seed: int) -> Iterator[dict[str, Any]]:
    random = draw_random(_ZDT1, seed)
    if sampler is None:
        yield from random
        return
    yield from islice(random, _STARTUP)
    for at in count(_STARTUP):
        yield next(sampler.propose(told, 1000 * seed + at))


def _zdt1(one: dict[str, Any]) -> tuple[float, float]:
    g = 1 + 9 * sum(one[f"x{at}"] for at in range(1, 5)) / 4
    return one["x0"], g * (1 - math.sqrt(one["x0"] / g))


def volume(points: list[tuple[float, float]]) -> float:
    """Return the area that low points dominate, up to the point of reference."""
    within = [one for one in points if one[0] < _REFERENCE[0] and one[1] < _REFERENCE[1]]
    on = sorted({within[at] for at in front(within, (-1.0, -1.0))})
    area, top = 0.0, _REFERENCE[1]
    for first, second in on:
        area += (_REFERENCE[0] - first) * (top - second)
        top = second
    return area


def _whole() -> float:
    """Return the area under the reference that the true front, 1 - sqrt(x), leaves: exact."""
    width, height = _REFERENCE
    # Below the front lie 1/3 up to x = 1, and nothing beyond.
    return width * height - 1 / 3
