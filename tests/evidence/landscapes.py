"""Where a search is tried out: landscapes in closed form, and tables of nets that were trained."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, Protocol

import numpy as np

from sweeps.findings.results import Results
from sweeps.search_methods.draws import draw_random
from sweeps.search_spaces.space import Space
from tests.evidence.trained import Array, dev_losses, unseen_of

__all__ = ["IDLE", "LANDSCAPES", "Landscape", "Trials", "World", "holds", "table_world"]


@dataclass(frozen=True)
class Trials:
    """Trials of a search.

    Attributes:
        dev: (trials,) what the search sees; NaN where a trial came to nothing.
        truth: (trials,) what counts: the noiseless loss, or that on unseen rows.
    """

    configurations: list[dict[str, Any]]
    dev: Array
    truth: Array

    def __add__(self, other: Trials) -> Trials:
        return Trials(
            self.configurations + other.configurations,
            np.concatenate([self.dev, other.dev]),
            np.concatenate([self.truth, other.truth]),
        )

    @property
    def chosen(self) -> float:
        """What the best trial by what was seen is worth."""
        return float(self.truth[int(np.nanargmin(self.dev))])


class World(Protocol):
    """Something to search in.

    Attributes:
        space: Where the first search draws.
    """

    space: dict[str, Any]

    def draw(self, space: Mapping[str, Any], number: int, seed: int) -> Trials:
        """Return random trials of a space; equal seeds give equal ones."""

    def has(self, space: Mapping[str, Any]) -> bool:
        """Return whether there is anything to be drawn in all of a space."""


@dataclass(frozen=True)
class Landscape:
    """A loss in closed form, of which a search sees a noisy value.

    Attributes:
        loss: Of a configuration; positive.
        noise: Standard deviation of the logarithm of what is seen.
    """

    space: dict[str, Any]
    loss: Callable[[dict[str, Any]], float]
    noise: float = 0.05

    def draw(self, space: Mapping[str, Any], number: int, seed: int) -> Trials:
        drawn = list(islice(draw_random(Space(space), seed), number))
        truth = np.array([self.loss(one) for one in drawn])
        noise = np.random.default_rng([seed, 1]).normal(size=number)
        return Trials(drawn, truth * np.exp(self.noise * noise), truth)

    def has(self, space: Mapping[str, Any]) -> bool:
        return True


_UNIT = {"float": [0.0, 1.0]}
_RATE = {"float": [1.0e-4, 1.0], "log": True}


def _bowl(one: dict[str, Any]) -> float:
    """Two parameters matter, two hardly do, two not at all."""
    far = 4 * (one["a"] - 0.3) ** 2 + 2 * (one["b"] - 0.6) ** 2
    return float(0.05 + far + 0.05 * (one["c"] + one["d"]))


def _beyond(one: dict[str, Any]) -> float:
    """The best rate is three times the highest that is searched."""
    far = 0.1 * np.log10(one["lr"] / 3.0) ** 2
    return float(0.05 + far + (one["b"] - 0.5) ** 2)


def _narrow(one: dict[str, Any]) -> float:
    """The better option wants its rate exactly, the worse one is content with any."""
    at = np.log10(one["optimizer"]["lr"])
    if one["optimizer"]["kind"] == "sgd":
        return float(0.05 + 0.5 * min((at + 1) ** 2, 1.0) + 0.2 * (one["b"] - 0.5) ** 2)
    return float(0.12 + 0.02 * (at + 3) ** 2 + 0.2 * (one["b"] - 0.5) ** 2)


def _basins(one: dict[str, Any]) -> float:
    """A broad basin, and far from it a narrow one that is twice as deep."""
    broad = 0.1 + (one["a"] - 0.25) ** 2 + (one["b"] - 0.25) ** 2
    deep = 0.05 + 6 * ((one["a"] - 0.8) ** 2 + (one["b"] - 0.8) ** 2)
    return float(min(broad, deep) + 0.02 * one["c"])


LANDSCAPES: dict[str, Landscape] = {
    "bowl": Landscape(dict.fromkeys("abcdef", _UNIT), _bowl),
    "beyond the range": Landscape({"lr": _RATE, "b": _UNIT, "c": _UNIT}, _beyond),
    "narrow option": Landscape(
        {
            "optimizer": {"choice": [{"kind": "sgd", "lr": _RATE}, {"kind": "adam", "lr": _RATE}]},
            "b": _UNIT,
            "activation": {"choice": ["relu", "tanh", "gelu"]},
        },
        _narrow,
    ),
    "two basins": Landscape(dict.fromkeys("abc", _UNIT), _basins),
}


_HARTMANN_SCALE = np.array([
    [10, 3, 17, 3.5, 1.7, 8], [0.05, 10, 17, 0.1, 8, 14],
    [3, 3.5, 1.7, 10, 17, 8], [17, 8, 0.05, 10, 0.1, 14],
])  # fmt: skip
_HARTMANN_PLACE = 1e-4 * np.array([
    [1312, 1696, 5569, 124, 8283, 5886], [2329, 4135, 8307, 3736, 1004, 9991],
    [2348, 1451, 3522, 2883, 3047, 6650], [4047, 8828, 8732, 5743, 1091, 381],
])  # fmt: skip


def _branin(one: dict[str, Any]) -> float:
    """Branin's function, 0.398 at the least in three places; the other parameters are idle."""
    x, y = 15 * one["a"] - 5, 15 * one["b"]
    bent = y - 5.1 / (4 * np.pi**2) * x**2 + 5 / np.pi * x - 6
    return float(bent**2 + 10 * (1 - 1 / (8 * np.pi)) * np.cos(x) + 10)


def _hartmann(one: dict[str, Any]) -> float:
    """Hartmann's function of six parameters, moved to 0.05 at the least; the others are idle."""
    far = _HARTMANN_SCALE * (np.array([one[name] for name in "abcdef"]) - _HARTMANN_PLACE) ** 2
    return float(0.05 + 3.32237 - np.exp(-far.sum(axis=1)) @ [1.0, 1.2, 3.0, 3.2])


# Many of their parameters do nothing.
IDLE: dict[str, Landscape] = {
    "branin, 8 idle": Landscape(dict.fromkeys("abcdefghij", _UNIT), _branin),
    "hartmann, 6 idle": Landscape(dict.fromkeys("abcdefghijkl", _UNIT), _hartmann),
}


@dataclass(frozen=True)
class _Table:
    """Nets that were trained, drawn in place of new trainings."""

    space: dict[str, Any]
    trials: Trials

    def draw(self, space: Mapping[str, Any], number: int, seed: int) -> Trials:
        """Return as many of the table's trials in this space, each once, as there are at most."""
        inside = [at for at, one in enumerate(self.trials.configurations) if holds(space, one)]
        drawn = np.random.default_rng(seed).permutation(inside)[:number].astype(int)
        return Trials(
            [self.trials.configurations[at] for at in drawn],
            self.trials.dev[drawn],
            self.trials.truth[drawn],
        )

    def has(self, space: Mapping[str, Any]) -> bool:
        return not _is_wider(self.space, space)


def table_world(results: Results) -> World:
    """Return the trials of a sweep as a world, whose truth is the loss on unseen rows."""
    dev = dev_losses(results)
    configurations = [trial.trial.configuration for trial in results.record.trials]
    trials = Trials(configurations, np.where(np.isfinite(dev), dev, np.nan),
                    unseen_of(results).losses)  # fmt: skip
    return _Table(results.folder.read_sweep().space, trials)


def holds(space: Any, value: Any) -> bool:
    """Return whether a configuration, or a part of one, is among those of a space."""
    if not isinstance(space, Mapping):
        return bool(space == value)
    if "choice" in space:
        return any(holds(option, value) for option in space["choice"])
    for kind in ("float", "int"):
        if kind in space:
            low, high = space[kind]
            return bool(low <= value <= high)
    return isinstance(value, Mapping) and all(
        key in value and holds(part, value[key]) for key, part in space.items()
    )


def _is_wider(old: Any, new: Any) -> bool:
    """Return whether a range of the new space goes beyond that of the old one."""
    return "widened" in changes(old, new)


def changes(old: Any, new: Any) -> set[str]:
    """Return what was done to a space: `widened`, `narrowed` (ranges), `dropped` (options)."""
    if not isinstance(old, Mapping) or old == new:
        return set()
    for kind in ("float", "int"):
        if kind in old:
            (low, high), (new_low, new_high) = old[kind], new[kind]
            return {"widened"} if new_low < low or new_high > high else {"narrowed"}
    if "choice" in old:
        kept = new["choice"] if isinstance(new, Mapping) and "choice" in new else [new]
        if len(kept) < len(old["choice"]):
            return {"dropped"} | _inside(old["choice"], kept)
        return set().union(*map(changes, old["choice"], kept))
    return set().union(*(changes(part, new[key]) for key, part in old.items()))


def _inside(options: list[Any], kept: list[Any]) -> set[str]:
    """Return what was done inside of the options that are kept, which are known by their kind."""
    by_kind = {_kind(option): option for option in options}
    return set().union(*(changes(by_kind[_kind(one)], one) for one in kept))


def _kind(option: Any) -> Any:
    return option["kind"] if isinstance(option, Mapping) else option
