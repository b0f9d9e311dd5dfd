"""ASHA beside random search at equal time: Li et al., MLSys 2020."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sweeps.findings.results import Results
from sweeps.schedulers.asha import Asha
from sweeps.schedulers.none import NoScheduler
from sweeps.schedulers.stopping import Stopping
from tests.evidence.clock import play
from tests.evidence.drawing import Chart, Line
from tests.evidence.pages import Finding, mean_and_error, table, with_error
from tests.evidence.trained import Array, Wanted, train

__all__ = ["QUICK", "WHOLE", "asha", "curves_of"]

_WORKERS = (1, 2, 4, 8)
_SCHEDULERS: dict[str, Stopping] = {
    "random": NoScheduler(scheduler="none"),
    "ASHA": Asha(scheduler="asha", grace_epochs=1, reduction_factor=3),
}
# Moments, in times that one whole training takes.
_MOMENTS = (1, 2, 4, 8, 16)
# A trial is good if no more than this share of all trials is better.
_GOOD = 0.02


@dataclass(frozen=True)
class Sizes:
    """Data sets with changes to the sweep file, and how often the order of trials is drawn."""

    sources: Mapping[str, tuple[str, ...]]
    orders: int


WHOLE = Sizes({"breast_cancer": (), "diabetes": (), "moons": ()}, 200)
QUICK = Sizes({"iris": ("search.trials=30", "space.training.epochs=9")}, 5)


@dataclass(frozen=True)
class _Race:
    """What one number of workers did under one scheduler.

    Attributes:
        regrets: (orders, moments) share of all trials that are better than the best known.
        reached: (orders,) when a good trial's loss was there, in whole trainings.
        trials: (orders,) trials begun by the last moment.
    """

    regrets: Array
    reached: Array
    trials: Array


Races = Mapping[tuple[str, str, int], _Race]


def asha(sizes: Sizes, runs: Path) -> Finding:
    """Train the trials, and play both schedulers on their curves."""
    races = {}
    for source, changes in sizes.sources.items():
        here = (f"data.source={source}", *changes)
        curves = curves_of(train(Wanted("asha", source, here), runs))
        for name, stopping in _SCHEDULERS.items():
            for workers in _WORKERS:
                races[source, name, workers] = _race(curves, stopping, workers, sizes.orders)
    return Finding(
        title="ASHA against random search",
        verdict=_verdict(races, list(sizes.sources)),
        parts=[_times(races, list(sizes.sources)), _regrets(races, list(sizes.sources))],
        charts={"regret": _chart(races, list(sizes.sources))},
        seeds=f"Trials and cuts have the seed 1, the orders of the trials 1 to {sizes.orders}.",
    )


def curves_of(results: Results) -> Array:
    """Return (trials, epochs) losses on dev rows; NaN where a trial had none."""
    epochs = results.epochs()
    curves = np.full((len(results.record.trials), int(epochs["epoch"].max())), np.nan)
    curves[epochs["trial"], epochs["epoch"] - 1] = epochs["dev_loss"]
    return curves


def _race(curves: Array, stopping: Stopping, workers: int, orders: int) -> _Race:
    bests = np.sort(np.nan_to_num(np.fmin.reduce(curves, axis=1), nan=np.inf))
    good = float(bests[max(0, round(_GOOD * len(bests)) - 1)])
    regrets, reached, trials = [], [], []
    for seed in range(1, orders + 1):
        random = np.random.default_rng(seed)
        # Thrice, so that a good trial which was stopped early may be drawn again.
        drawn = np.concatenate([random.permutation(curves) for _ in range(3)])
        played = play(stopping, drawn, workers, good, _MOMENTS[-1])
        known = played.best_by(_MOMENTS)
        regrets.append(np.searchsorted(bests, known) / len(bests))
        reached.append(played.reached(good))
        trials.append(len(np.unique(played.trials[played.times <= _MOMENTS[-1]])))
    return _Race(np.array(regrets), np.array(reached), np.array(trials, float))


def _ratios(races: Races, sources: list[str], workers: int) -> list[tuple[float, float]]:
    """Return, of each data set, how many times sooner ASHA had a good trial, with its error.

    The ratio of mean times; its error by the delta method, as the orders are the same for both.
    """
    found = []
    for source in sources:
        slow, fast = (races[source, name, workers].reached for name in ("random", "ASHA"))
        ratio = slow.mean() / fast.mean()
        spread = (slow - ratio * fast).std(ddof=1) / fast.mean() / len(fast) ** 0.5
        found.append((float(ratio), float(spread)))
    return found


def _speed_ups(races: Races, sources: list[str], name: str) -> list[float]:
    """Return how many times sooner eight workers had a good trial than one."""
    return [
        float(races[source, name, 1].reached.mean() / races[source, name, 8].reached.mean())
        for source in sources
    ]


def _verdict(races: Races, sources: list[str]) -> str:
    faster = {workers: _ratios(races, sources, workers) for workers in _WORKERS}
    surely = [sum(r - 2 * e > 1 for r, e in each) for each in faster.values()]
    ups = _speed_ups(races, sources, "ASHA")
    at_one = " / ".join(f"{ratio:.1f}" for ratio, _ in faster[1])
    at_eight = " / ".join(f"{ratio:.1f}" for ratio, _ in faster[8])
    words = "held" if min(surely) == len(sources) else "held in part"
    return (
        f"**The claim {words}** that ASHA finds good configurations sooner than random search, "
        f"and scales with the workers: a trial among the best {_GOOD:.0%} was there {at_one} times "
        f"as soon with one worker and {at_eight} times with eight ({', '.join(sources)}). Eight "
        f"workers had it {' / '.join(f'{one:.1f}' for one in ups)} times as soon as one; linear "
        f"would be 8."
    )


def _times(races: Races, sources: list[str]) -> str:
    rows = []
    for source in sources:
        for name in _SCHEDULERS:
            cells = [with_error(races[source, name, workers].reached) for workers in _WORKERS]
            rows.append([source, name, *cells])
        for_all = [_ratios(races, [source], workers)[0] for workers in _WORKERS]
        rows.append([source, "ratio", *(f"{r:.2f} ± {e:.2f}" for r, e in for_all)])
    head = ["data", "scheduler", *(f"workers: {workers}" for workers in _WORKERS)]
    return (
        f"Wall time until the loss of a trial among the best {_GOOD:.0%} was there, in times that "
        "one whole training takes (mean and standard error over orders of the trials):\n\n"
        + table(head, rows)
    )


def _regrets(races: Races, sources: list[str]) -> str:
    rows = []
    for source in sources:
        for workers in _WORKERS:
            for name in _SCHEDULERS:
                race = races[source, name, workers]
                cells = [with_error(column, 3) for column in race.regrets.T]
                begun = f"{race.trials.mean():.0f}"
                rows.append([source, str(workers), name, *cells, begun])
    head = ["data", "workers", "scheduler", *(f"t = {moment}" for moment in _MOMENTS),
            f"trials begun by {_MOMENTS[-1]}"]  # fmt: skip
    return (
        "Regret at equal time: the share of all trials that are better than the best one known by "
        "then:\n\n" + table(head, rows)
    )


def _chart(races: Races, sources: list[str]) -> Chart:
    lines = []
    for name in _SCHEDULERS:
        for workers in (1, 8):
            regrets = np.mean([races[one, name, workers].regrets for one in sources], axis=0)
            both = [mean_and_error(column) for column in regrets.T]
            means, errors = [m for m, _ in both], [e for _, e in both]
            lines.append(Line(f"{name}, {workers}", _MOMENTS, means, errors))
    return Chart(
        title="Share of trials that are better than the best known (1 and 8 workers)",
        x_title="wall time, in whole trainings",
        y_title="regret (share)",
        lines=lines,
        x_log=True,
    )
