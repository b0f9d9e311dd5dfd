"""What a proposal of a search that learns takes, once it knows so many trials."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice

import numpy as np

from sweeps.search_methods.cmaes import CmaEsSampler, CmaEsSearch
from sweeps.search_methods.draws import draw_random
from sweeps.search_methods.gp import GpSampler
from sweeps.search_methods.nsga2 import Nsga2Sampler, Nsga2Search
from sweeps.search_methods.sampler import Sampler, State, Told
from sweeps.search_methods.tpe import TpeSampler
from sweeps.search_spaces.space import Space
from tests.evidence.searches import PROBLEMS

__all__ = ["RUNNING", "TIMED", "Cost", "cost"]

# How many of the trials still run, where there are more.
RUNNING = 64
_OBJECTIVES = 2

TIMED: dict[str, Callable[[Space], Sampler]] = {
    "tpe": lambda space: TpeSampler(space, 10, 24),
    "gp": lambda space: GpSampler(space, 10),
    "cmaes": lambda space: CmaEsSampler(space, CmaEsSearch(method="cmaes", trials=100)),
    "nsga2": lambda space: Nsga2Sampler(
        space, Nsga2Search(method="nsga2", trials=100), _OBJECTIVES
    ),
}


@dataclass(frozen=True)
class Cost:
    """What a method takes of a processor.

    Attributes:
        proposal_ms: A proposal, where the trials before are known: the median of some.
        telling_s: To be told all of the trials, as a resume has it.
    """

    proposal_ms: float
    telling_s: float


def cost(method: str, trials: int) -> Cost:
    """Return what a method takes in a space of ten ranges after so many random trials."""
    problem = PROBLEMS["branin, 8 idle"]
    space = Space(problem.space)
    told = [
        Told(
            tuple(space.values(one)), State.COMPLETE, float(problem.curve(one)[0]), 1, at, at + 1,
            # Another objective, for the method that goes by several.
            (float(space.values(one)[0] or 0),),
        )
        for at, one in enumerate(islice(draw_random(space, 1), trials))
    ]  # fmt: skip
    running = RUNNING if trials > RUNNING else 0
    told[trials - running :] = [
        Told(one.values, State.RUNNING, saw=one.saw) for one in told[trials - running :]
    ]
    sampler, took = TIMED[method](space), []
    begun = time.process_time()
    next(sampler.propose(told[:-1], 1))
    telling_s = time.process_time() - begun
    for seed in range(3 if trials <= 100 or method != "gp" else 1):
        begun = time.process_time()
        next(sampler.propose(told, seed))
        took.append(time.process_time() - begun)
    return Cost(1000 * float(np.median(took)), telling_s)
