"""Does a search that learns find better configurations than random draws, at equal budget?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from sweeps.search_spaces.methods import draw_random, draw_sobol
from sweeps.search_spaces.samplers.gp import GpSampler
from sweeps.search_spaces.samplers.sampler import Sampler, State, Told
from sweeps.search_spaces.samplers.tpe import TpeSampler
from sweeps.search_spaces.space import Space
from tests.evidence.drawing import Chart, Line
from tests.evidence.landscapes import LANDSCAPES, Landscape
from tests.evidence.pages import Finding, table
from tests.evidence.suggestion import interval_of
from tests.evidence.trained import Array

__all__ = ["QUICK", "WHOLE", "learned_search"]

_STARTUP = 10


@dataclass(frozen=True)
class Sizes:
    """Landscapes; how often each is searched; trials at which a search is looked at."""

    landscapes: tuple[str, ...]
    replicates: int
    trials: tuple[int, ...]


WHOLE = Sizes((*LANDSCAPES,), 16, (16, 32, 64))
QUICK = Sizes(("bowl",), 2, (11, 12))

# By landscape and method: (replicates, trials looked at) what the best trial by then is worth.
Found = dict[str, dict[str, Array]]
Draws = Iterator[dict[str, Any]]


def learned_search(sizes: Sizes, _: Path) -> Finding:
    """Search every landscape by every method, each as often, with the seeds of the product."""
    found: Found = {}
    for name in sizes.landscapes:
        world = LANDSCAPES[name]
        found[name] = {
            method: np.array(
                [_searched(world, draws, seed, sizes) for seed in range(1, sizes.replicates + 1)]
            )
            for method, draws in _METHODS.items()
        }
    return Finding(
        title="Search that learns against random draws",
        verdict=_verdict(found, sizes),
        parts=[_rows(found, sizes), _draws_needed(found, sizes)],
        charts={"loss": _chart(found)},
        seeds=f"Replicates have the seeds 1 to {sizes.replicates}.",
    )


def _searched(
    world: Landscape, draws: Callable[[Space, int, list[Told]], Draws], seed: int, sizes: Sizes
) -> list[float]:
    """Return what the best trial by what was seen is worth, after each number of trials."""
    space, told, truths = Space(world.space), list[Told](), list[float]()
    noise = np.random.default_rng([seed, 1]).normal(scale=world.noise, size=max(sizes.trials))
    for configuration, off in zip(draws(space, seed, told), noise, strict=False):
        truths.append(world.loss(configuration))
        seen = truths[-1] * float(np.exp(off))
        told.append(Told(tuple(space.values(configuration)), State.COMPLETE, seen))
    seen_losses = [one.loss for one in told]
    return [truths[int(np.argmin(seen_losses[:number]))] for number in sizes.trials]


def _random(space: Space, seed: int, _: list[Told]) -> Draws:
    return draw_random(space, seed)


def _sobol(space: Space, seed: int, _: list[Told]) -> Draws:
    return draw_sobol(space, seed)


def _proposing(sampler_of: Callable[[Space], Sampler]) -> Callable[..., Draws]:
    """Return a method that draws at random first, then proposes from what was told by then."""

    def draws(space: Space, seed: int, told: list[Told]) -> Draws:
        sampler = sampler_of(space)
        yield from islice(draw_random(space, seed), _STARTUP)
        while True:
            yield next(sampler.propose(told, 1000 * seed + len(told)))

    return draws


_METHODS: dict[str, Callable[[Space, int, list[Told]], Draws]] = {
    "random": _random,
    "sobol": _sobol,
    "tpe": _proposing(lambda space: TpeSampler(space, _STARTUP, 24)),
    "gp": _proposing(lambda space: GpSampler(space, _STARTUP)),
}


def _verdict(found: Found, sizes: Sizes) -> str:
    last = sizes.trials[-1]
    better = {
        method: [name for name in found if _is_better(found[name][method], found[name]["random"])]
        for method in ("tpe", "gp")
    }
    held = all(len(names) == len(found) for names in better.values())
    return (
        f"**The claim {'held' if held else 'did not hold'} everywhere** that a search that learns "
        f"finds lower losses than as many random draws: after {last} trials `tpe` was surely "
        f"better in {len(better['tpe'])} and `gp` in {len(better['gp'])} of {len(found)} "
        f"landscapes (paired over {sizes.replicates} seeds, 95 %)."
    )


def _is_better(ours: Array, random: Array) -> bool:
    gains = np.log(ours[:, -1]) - np.log(random[:, -1])
    return interval_of(gains)[2] < 0


def _cell(losses: Array) -> str:
    low, middle, high = np.percentile(losses, [25, 50, 75])
    return f"{middle:.3f} ({low:.3f} to {high:.3f})"


def _rows(found: Found, sizes: Sizes) -> str:
    rows = [
        [name, method, *(_cell(losses[:, at]) for at in range(len(sizes.trials)))]
        for name, methods in found.items()
        for method, losses in methods.items()
    ]
    head = ["landscape", "method", *(f"{number} trials" for number in sizes.trials)]
    return (
        "Noiseless loss of the best trial so far, by the noisy loss that the search sees: median "
        f"and quartiles over {sizes.replicates} seeds.\n\n" + table(head, rows)
    )


def _draws_needed(found: Found, sizes: Sizes) -> str:
    """Say whether a search that learns saves half of the trials."""
    halves = [(low, high) for low in sizes.trials for high in sizes.trials if high == 2 * low]
    rows = [
        [name, method, *(_at_half(methods, method, sizes, pair) for pair in halves)]
        for name, methods in found.items()
        for method in ("tpe", "gp")
    ]
    if not halves:
        return ""
    head = ["landscape", "method", *(f"{low} against {high} random" for low, high in halves)]
    return (
        "Against twice as many random draws: in how many of the seeds the search that learns was "
        "at least as good.\n\n" + table(head, rows)
    )


def _at_half(methods: dict[str, Array], method: str, sizes: Sizes, pair: tuple[int, int]) -> str:
    low, high = (sizes.trials.index(number) for number in pair)
    wins = int((methods[method][:, low] <= methods["random"][:, high]).sum())
    return f"{wins} of {len(methods[method])}"


def _chart(found: Found) -> Chart:
    def of(method: str) -> Sequence[float]:
        return [float(np.median(methods[method][:, -1])) for methods in found.values()]

    at = list(range(1, len(found) + 1))
    return Chart(
        title="Loss of what is chosen, median over seeds",
        x_title="",
        y_title="noiseless loss",
        lines=[Line(method, at, of(method)) for method in _METHODS],
        names=[name.partition(" ")[0] for name in found],
    )
