"""Is what `suggest` writes better than more random draws? Its kinds of change, one by one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import t

from sweeps.analysis.suggestion import suggest
from sweeps.definition.loading import read_values
from tests.evidence.drawing import Chart, Line
from tests.evidence.former_rules import next_space
from tests.evidence.landscapes import LANDSCAPES, Trials, World, changes, table_world
from tests.evidence.pages import Finding, table
from tests.evidence.trained import Array, Wanted, train
from tests.sweeps.analysis.evidence_examples import evidence, sweep_values

__all__ = ["QUICK", "WHOLE", "interval_of", "suggestion"]

# Which changes each way makes; the first is more draws from where the search began.
_WAYS: dict[str, frozenset[str]] = {
    "random": frozenset(),
    "widens": frozenset({"widened"}),
    "narrows": frozenset({"narrowed"}),
    "drops": frozenset({"dropped"}),
    "all three": frozenset({"widened", "narrowed", "dropped"}),
}


@dataclass(frozen=True)
class Sizes:
    """Landscapes; data sets with changes to the sweep file; how often; rounds and their trials."""

    landscapes: tuple[str, ...]
    sources: Mapping[str, tuple[str, ...]]
    replicates: int
    rounds: int = 3
    trials: int = 30


_LARGE = ("space.training.batch_size={choice: [128, 256]}",)
WHOLE = Sizes((*LANDSCAPES,), {"digits": _LARGE, "breast_cancer": (), "diabetes": ()}, 50)
QUICK = Sizes(("bowl",), {"iris": ("search.trials=40", "space.training.epochs=1")}, 2, 2, 12)

# By world and way: (replicates,) log ratio of what is chosen to what random draws choose.
Found = Mapping[str, Mapping[str, Array]]


def suggestion(sizes: Sizes, runs: Path) -> Finding:
    """Search in every world in every way, from the same first trials."""
    worlds: dict[str, World] = {name: LANDSCAPES[name] for name in sizes.landscapes}
    for source, more in sizes.sources.items():
        wanted = Wanted("suggestion", source, (f"data.source={source}", *more))
        worlds[source] = table_world(train(wanted, runs))
    found = {name: _measured(world, sizes) for name, world in worlds.items()}
    return Finding(
        title="What `suggest` is worth",
        verdict=_verdict(found, sizes),
        parts=[_rows(found, sizes)],
        charts={"ratio": _chart(found)},
        seeds=f"Replicates have the seeds 1 to {sizes.replicates}, tables of trainings the seed 1.",
    )


def _measured(world: World, sizes: Sizes) -> dict[str, Array]:
    chosen: dict[str, list[float]] = {way: [] for way in _WAYS}
    for seed in range(1, sizes.replicates + 1):
        first = world.draw(world.space, sizes.trials, 1000 * seed)
        for way, allowed in _WAYS.items():
            chosen[way].append(_searched(world, first, allowed, seed, sizes).chosen)
    logs = {way: np.log(np.array(each)) for way, each in chosen.items()}
    return {way: logs[way] - logs["random"] for way in _WAYS if way != "random"}


def _searched(
    world: World, first: Trials, allowed: frozenset[str], seed: int, sizes: Sizes
) -> Trials:
    """Search in rounds, each where the one before suggests, as far as the changes are allowed."""
    space, last, everything = world.space, first, first
    for number in range(1, sizes.rounds):
        if allowed:
            space = _next_space(world, space, last, allowed)
        last = world.draw(space, sizes.trials, 1000 * seed + number)
        everything = everything + last
    return everything


def _next_space(
    world: World, space: dict[str, Any], trials: Trials, allowed: frozenset[str]
) -> dict[str, Any]:
    values = [None if np.isnan(one) else float(one) for one in trials.dev]
    seen = evidence(space, trials.configurations, values)
    if allowed == {"widened"}:  # which is what the product does
        text = suggest(seen, sweep_values(space), lambda file: world.has(file["space"])).text
        found: dict[str, Any] = read_values(text, "suggested")["space"]
        return found
    return next_space(seen, space, lambda one: changes(space, one) <= allowed and world.has(one))


def interval_of(ratios: Array) -> tuple[float, float, float]:
    """Return the mean of paired log ratios with the ends of its 95 % t interval."""
    mean, error = ratios.mean(), ratios.std(ddof=1) / len(ratios) ** 0.5
    half = float(t.ppf(0.975, len(ratios) - 1)) * error
    return float(mean), float(mean - half), float(mean + half)


def _verdict(found: Found, sizes: Sizes) -> str:
    ways = [way for way in _WAYS if way != "random"]
    better = {way: [one for one in found if interval_of(found[one][way])[2] < 0] for way in ways}
    worse = {way: [one for one in found if interval_of(found[one][way])[1] > 0] for way in ways}
    words = "held" if len(better["all three"]) == len(found) else "did not hold"
    counts = "; ".join(
        f"{way}: surely better in {len(better[way])}, surely worse in {len(worse[way])}"
        for way in ways
    )
    return (
        f"**The claim {words}** that to narrow, widen and drop as the last search suggests is "
        f"better than random draws everywhere. Of {len(found)} worlds, at equal budget "
        f"({sizes.rounds} rounds of {sizes.trials} trials), {counts}. So `suggest` only "
        f"widens, and remarks on the rest."
    )


def _cell(ratios: Array) -> str:
    if not ratios.any():
        return "never changed the choice"
    mean, low, high = (100 * np.expm1(one) for one in interval_of(ratios))
    won, lost = int((ratios < 0).sum()), int((ratios > 0).sum())
    return f"{mean:+.1f} % ({low:+.1f} to {high:+.1f}); {won} : {lost}"


def _rows(found: Found, sizes: Sizes) -> str:
    rows = []
    for name, ways in found.items():
        rows.append([name, *map(_cell, ways.values())])
    return (
        f"Loss of what is chosen beside what {sizes.rounds * sizes.trials} random draws choose: "
        f"geometric mean over {sizes.replicates} replicates that begin with the same "
        f"{sizes.trials} trials, 95 % interval of the paired difference, and how often the loss "
        "was lower and higher. Above 0 is worse than random:\n\n"
        + table(["world", *next(iter(found.values()))], rows)
    )


def _chart(found: Found) -> Chart:
    lines = []
    for way in next(iter(found.values())):
        means = [100 * np.expm1(interval_of(ways[way])[0]) for ways in found.values()]
        errors = [100 * ways[way].std(ddof=1) / len(ways[way]) ** 0.5 for ways in found.values()]
        lines.append(Line(way, list(range(1, len(found) + 1)), means, errors))
    return Chart(
        title="Loss beside that of random draws at equal budget, in % (bars: standard errors)",
        x_title="",
        y_title="% of the loss",
        lines=lines,
        level=(0.0, "random"),
        names=[name.partition(" ")[0] for name in found],
    )
