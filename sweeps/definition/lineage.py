"""What a trial of a population is after it has copied another: a configuration with its past.

The copy goes on with the net, the seed and all values that the other had so far, as `changes` of
one configuration. So it can be trained from the beginning, and comes out the same bit for bit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from sweeps.definition.planning import PlannedTrial, configuration_hash
from sweeps.models.changes import value_at, with_change

__all__ = ["Copy", "copied_trial", "schedule_of", "schedule_words"]


@dataclass(frozen=True)
class Copy:
    """That a trial copied another.

    Attributes:
        epoch: The last one before.
        source: The index of the other.
        values: With which it goes on, by dotted keys.
    """

    epoch: int
    source: int
    values: Mapping[str, float]


def copied_trial(trial: PlannedTrial, source: PlannedTrial, copy: Copy) -> PlannedTrial:
    """Return `trial` as it is after `copy`, of a source that is given as it was then."""
    configuration = with_change(source.configuration, copy.epoch + 1, copy.values)
    made = configuration_hash(configuration)
    return replace(trial, hash=made, seed=source.seed, configuration=configuration)


def schedule_of(configuration: Mapping[str, Any]) -> list[tuple[int, dict[str, Any]]]:
    """Return the epochs from which values hold, and those values: all that change on the way.

    Empty for a configuration without changes; else it begins with epoch 1.
    """
    changes = configuration.get("changes") or []
    keys = dict.fromkeys(key for change in changes for key in change["values"])
    values = {key: value_at(configuration, key) for key in keys}
    schedule = [(1, values)] if changes else []
    for change in changes:
        values = {**values, **change["values"]}
        schedule.append((change["from_epoch"], values))
    return schedule


def schedule_words(configuration: Mapping[str, Any]) -> str:
    """Return a schedule as one line; empty for a configuration without changes."""
    parts = (
        f"from epoch {epoch}: " + ", ".join(f"{key} {value:.4g}" for key, value in values.items())
        for epoch, values in schedule_of(configuration)
    )
    return "; ".join(parts)
