"""The options of own functions that a plan tunes, and trials that differ in one of them alone."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sweeps.definition.planning import PlannedTrial
from sweeps.models.own_code.roles import trial_functions

__all__ = ["TunedOption", "tuned_options", "with_option"]


@dataclass(frozen=True)
class TunedOption:
    """An option that trials of a plan have with different values.

    Attributes:
        key: where it is in their configurations.
        trials: those that have it for the same function.
        values: each that it has, once, from the lowest where they have an order.
    """

    key: tuple[str, ...]
    trials: tuple[PlannedTrial, ...]
    values: tuple[Any, ...]

    def value_of(self, trial: PlannedTrial) -> Any:
        """Return what a trial has."""
        found: Any = trial.configuration
        for part in self.key:
            found = found[part]
        return found

    def pairs(self, most: int) -> Iterator[tuple[PlannedTrial, Any]]:
        """Yield trials spread over the plan, each with another value: the highest or lowest."""
        for trial in self.trials[:: -(-len(self.trials) // most)]:
            own = self.value_of(trial)
            yield trial, self.values[-1] if _text(own) != _text(self.values[-1]) else self.values[0]


def tuned_options(planned: Sequence[PlannedTrial]) -> list[TunedOption]:
    """Return the options of own functions that have several values, in the order of the plan."""
    having: dict[tuple[str, tuple[str, ...]], list[PlannedTrial]] = {}
    for trial in planned:
        for own in trial_functions(trial.configuration):
            for name in own.options:
                key = (*(own.role.options or own.role.path), name)
                having.setdefault((own.target, key), []).append(trial)
    found = []
    for (_, key), trials in having.items():
        option = TunedOption(key, tuple(trials), ())
        values = {_text(option.value_of(trial)): option.value_of(trial) for trial in trials}
        if len(values) > 1:
            found.append(replace(option, values=tuple(_in_order(list(values.values())))))
    return found


def with_option(trial: PlannedTrial, key: tuple[str, ...], value: Any) -> PlannedTrial:
    """Return a trial with another value of an option, and the same seed."""
    return replace(trial, configuration=_put(trial.configuration, key, value))


def _put(section: Mapping[str, Any], key: tuple[str, ...], value: Any) -> dict[str, Any]:
    first, *rest = key
    return {**section, first: _put(section[first], tuple(rest), value) if rest else value}


def _in_order(values: list[Any]) -> list[Any]:
    try:
        return sorted(values)
    except TypeError:
        return values


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True)
