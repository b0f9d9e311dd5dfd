"""What a trial of a population tries when it has copied another: a function of the sweep's seed.

Explore of Jaderberg et al., Population Based Training of Neural Networks, 2017, section 4.1.3.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from pydantic import ValidationError

from sweeps.definition.constraint_checks import allows, read_constraints
from sweeps.definition.sweep_file import SweepFile
from sweeps.definition.trial_checks import completed
from sweeps.models.changes import CHANGEABLE, OWN_OPTIONS, value_at, with_change, with_values
from sweeps.models.trial_kinds import AnyTrialConfig, read_trial
from sweeps.schedulers.population import PopulationBased
from sweeps.search_spaces.constraints import Constraint
from sweeps.search_spaces.parameters import FloatRange, Normal
from sweeps.search_spaces.space import Space, configuration_path

__all__ = ["Explorer", "changeable_ranges"]

# Below a trial's own key in the tree of seeds; 1 to 4 are those of repeats, refits and proposals.
_STREAM = 5
_ATTEMPTS = 32

Range = FloatRange | Normal


def changeable_ranges(space: Space) -> Iterator[tuple[int, str, Range]]:
    """Yield the dimension, the dotted key and the range of what may change in mid-training."""
    for dimension, (path, parameter) in enumerate(space.dimensions):
        key = ".".join(map(str, configuration_path(path)))
        may_change = key in CHANGEABLE or key.startswith(OWN_OPTIONS)
        if isinstance(parameter, FloatRange | Normal) and may_change:
            yield dimension, key, parameter


@dataclass(frozen=True)
class Explorer:
    """Draws whom a trial copies, and with which values it goes on."""

    file: SweepFile
    section: PopulationBased

    @classmethod
    def of(cls, file: SweepFile) -> Explorer | None:
        """Return that of a file; None where its trials copy nobody."""
        section = file.stopping
        return cls(file, section) if isinstance(section, PopulationBased) else None

    def source(self, trial: int, epoch: int, best: Sequence[int]) -> int:
        """Return which of the best a trial copies after an epoch."""
        return best[int(self._random(trial, epoch, 0).integers(len(best)))]

    def values(self, trial: int, epoch: int, copied: Mapping[str, Any]) -> dict[str, float]:
        """Return what changes from the next epoch on, by dotted keys.

        What would be no legal trial is drawn again, and after some times left as it is copied.

        Args:
            copied: The configuration of the trial that was copied.
        """
        random = self._random(trial, epoch, 1)
        config = read_trial(copied)
        now = config.at(epoch).model_dump(mode="json")
        ranges = self._ranges_of(config)
        for _ in range(_ATTEMPTS):
            values = {key: self._drawn(random, value_at(now, key), one) for key, one in ranges}
            changed = with_change(copied, epoch + 1, values)
            if self._is_legal(changed, with_values(now, values)):
                return values
        return {key: value_at(now, key) for key, _ in ranges}

    def _ranges_of(self, config: AnyTrialConfig) -> list[tuple[str, Range]]:
        """Return those of the changeable ranges that a configuration was drawn from."""
        drawn = config.at(1).model_dump(mode="json")
        numbers = self._space.values(drawn, completed)
        return [
            (key, one) for dimension, key, one in self._changeable if numbers[dimension] is not None
        ]

    def _drawn(self, random: np.random.Generator, value: float, one: Range) -> float:
        u, factor = random.random(2)
        is_new = u < self.section.resample_probability
        if value == 0:
            return value  # no factor moves it, and a net without dropout has none to turn up
        if is_new:
            return one.at(factor)
        factors = self.section.perturbation_factors
        return one.nearest(value * factors[int(factor * len(factors))])

    def _is_legal(self, changed: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
        try:
            read_trial(changed)
        except ValidationError:
            return False
        return allows(self._constraints, dict(now))

    def _random(self, trial: int, epoch: int, use: int) -> np.random.Generator:
        key = (trial, _STREAM, epoch, use)
        return np.random.default_rng(np.random.SeedSequence(self.file.seed, spawn_key=key))

    @cached_property
    def _space(self) -> Space:
        return Space(self.file.space)

    @cached_property
    def _changeable(self) -> list[tuple[int, str, Range]]:
        return list(changeable_ranges(self._space))

    @cached_property
    def _constraints(self) -> list[Constraint]:
        return list(read_constraints(self.file.constraints)[0].values())
