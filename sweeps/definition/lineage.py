"""What a trial of a population is after it has copied another: a configuration with its past.

The copy goes on with the net, the seed and all values that the other had so far, as `changes` of
one configuration. So it can be trained from the beginning, and comes out the same bit for bit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from sweeps.definition.planning import PlannedTrial, configuration_hash

__all__ = ["Copy", "copied_trial"]


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
    change = {"from_epoch": copy.epoch + 1, "values": dict(copy.values)}
    changes = [*source.configuration.get("changes", []), change]
    configuration = {**source.configuration, "changes": changes}
    made = configuration_hash(configuration)
    return replace(trial, hash=made, seed=source.seed, configuration=configuration)
