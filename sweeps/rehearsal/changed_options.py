"""Options of own training that become others in the middle of a trial, and two ways to go on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from sweeps.definition.exploring import changeable_ranges
from sweeps.definition.planning import PlannedTrial
from sweeps.definition.sweep_file import SweepFile
from sweeps.models.changes import OWN_OPTIONS, value_at, with_change
from sweeps.models.trial_kinds import is_own_training
from sweeps.search_spaces.space import Space

__all__ = ["TwoWays", "changing_options", "two_ways"]


class TwoWays(NamedTuple):
    """One trial that goes on from epoch 2 with its own value of an option, and with another."""

    key: tuple[str, ...]
    same: PlannedTrial
    other: PlannedTrial
    values: tuple[float, float]


def changing_options(
    file: SweepFile, space: Space, planned: Sequence[PlannedTrial]
) -> tuple[str, ...]:
    """Return the dotted keys of own options that a population, or `changes`, may change."""
    if not is_own_training(planned[0].configuration):
        return ()
    ranges = changeable_ranges(space) if file.is_population else ()
    written = (
        key
        for trial in planned
        for change in trial.configuration.get("changes", ())
        for key in change["values"]
    )
    keys = dict.fromkeys((*(key for _, key, _ in ranges), *written))
    return tuple(key for key in keys if key.startswith(OWN_OPTIONS))


def two_ways(planned: Sequence[PlannedTrial], key: str, most: int) -> Iterator[TwoWays]:
    """Yield it of some trials that have an option; none where it has one value in all of them."""
    having = [one for one in planned if value_at(one.configuration, key) is not None]
    values = sorted({value for one in having for value in _values(one, key)})
    for trial in having[:: -(-len(having) // most) or 1]:
        own = value_at(trial.configuration, key)
        other = values[-1] if own != values[-1] else values[0]
        if own != other and trial.config.training.epochs > 1:
            same, changed = (_from_epoch_2(trial, key, one) for one in (own, other))
            yield TwoWays(tuple(key.split(".")), same, changed, (own, other))


def _values(trial: PlannedTrial, key: str) -> Iterator[float]:
    yield value_at(trial.configuration, key)
    for change in trial.configuration.get("changes", ()):
        if key in change["values"]:
            yield change["values"][key]


def _from_epoch_2(trial: PlannedTrial, key: str, value: float) -> PlannedTrial:
    plain = {name: one for name, one in trial.configuration.items() if name != "changes"}
    return replace(trial, configuration=with_change(plain, 2, {key: value}))
