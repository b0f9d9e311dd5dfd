"""Parameters whose best trials crowd an end of their range, or an end without any result."""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from pydantic import ValidationError

from sweeps.analysis.evidence import Array, Dimension, Evidence
from sweeps.findings.chances import how_often
from sweeps.models.trial_kinds import trial_model
from sweeps.search_spaces.space import configuration_path

__all__ = ["BoundaryAlarm", "boundary_alarms"]

_OUTER = 0.1
_BEST_SHARE, _FEWEST_BEST, _MOST_BEST = 0.1, 5, 50
_ALPHA = 0.01


@dataclass(frozen=True)
class BoundaryAlarm:
    """A range that the best trials would leave if they could.

    Attributes:
        end: Which end they crowd.
        near: How many of the `best` trials lie in the outer tenth at that end.
        best: How many best trials have the parameter.
        p_value: The chance of as many there or more, had the best been anywhere in the range.
        sentence: That in words, with the usual way out.
    """

    name: str
    end: Literal["low", "high"]
    near: int
    best: int
    p_value: float
    sentence: str


def boundary_alarms(evidence: Evidence) -> list[BoundaryAlarm]:
    """Return the alarms, surest first.

    Of the trials that have a parameter the best tenth is looked at (at least 5, at most 50); trials
    that are equal at its edge share the places that are left. An
    end is crowded where a binomial test finds more of these in the outer tenth of the range, on
    its own scale, than chance would put there, with p < 0.01. An end that is the limit of the
    parameter itself (no dropout below 0) raises none: nothing lies beyond. Baselines are left out.
    A search that learns has no alarms: it goes to where its best are, so that chance is no measure.
    Nor has a list by hand, whose trials lie where somebody put them.
    """
    if evidence.why_incomparable:
        return []
    evidence = evidence.draws()
    found = (
        alarm
        for one in evidence.dimensions
        if one.kind != "choice" and one.is_range and one.high > one.low
        for alarm in _alarms(one, evidence)
    )
    return sorted(found, key=lambda alarm: alarm.p_value)


def _alarms(one: Dimension, evidence: Evidence) -> list[BoundaryAlarm]:
    from scipy.special import bdtrc  # scipy.stats takes half a second to import

    has = np.flatnonzero(np.isfinite(one.values) & np.isfinite(evidence.values))
    number = min(_MOST_BEST, max(_FEWEST_BEST, math.ceil(_BEST_SHARE * len(has))))
    if len(has) < 2 * number:
        return []
    shares = _shares_among_best(evidence.losses[has], number)
    first = int(has[np.argmin(evidence.losses[has])])
    places = one.scaled()
    found: list[BoundaryAlarm] = []
    for end, near in (("low", places <= _OUTER), ("high", places >= 1 - _OUTER)):
        # Where trials really lie, not where a uniform draw would put them: whole numbers cluster.
        chance = float(near[has].mean())
        # Rounded down, so that a tie never makes an alarm.
        count = math.floor(float(near[has] @ shares) + 1e-9)
        is_any = count > 0 and chance < 1
        p_value = float(bdtrc(count - 1, number, max(chance, 1e-12))) if is_any else 1.0
        if p_value < _ALPHA and _may_lie_beyond(one, end, evidence, first):
            found.append(_alarm(one, end, count, number, p_value))  # type: ignore[arg-type]
    return found


def _shares_among_best(losses: Array, number: int) -> Array:
    """Return (trials,) by how much each counts among so many best: equal ones share the places.

    Taken in plan order, the first axis of a grid would decide which of many equal trials are best.
    """
    edge = np.partition(losses, number - 1)[number - 1]
    before, tied = losses < edge, losses == edge
    return np.where(before, 1.0, np.where(tied, (number - before.sum()) / tied.sum(), 0.0))


def _may_lie_beyond(one: Dimension, end: str, evidence: Evidence, trial: int) -> bool:
    """Return whether a trial like this one, but a little beyond that end, would be legal."""
    step = 1 if one.kind == "int" else 0.01 * (one.high - one.low)
    beyond = one.low - step if end == "low" else one.high + step
    if one.log and beyond <= 0:
        beyond = one.low / 2
    configuration = evidence.trials[trial].trial.configuration
    return _is_legal(_with(configuration, one, beyond)) or not _is_legal(configuration)


def _with(configuration: dict[str, Any], one: Dimension, value: float) -> dict[str, Any]:
    """Return the configuration with another value of a parameter."""
    changed = copy.deepcopy(configuration)
    here: Any = changed
    *outer, last = configuration_path(one.path)
    for key in outer:
        here = here[key]
    here[last] = int(value) if one.kind == "int" else value
    return changed


def _is_legal(configuration: dict[str, Any]) -> bool:
    try:
        trial_model(configuration).model_validate(configuration, strict=False)
    except ValidationError:
        return False
    return True


def _alarm(
    one: Dimension, end: Literal["low", "high"], near: int, best: int, p_value: float
) -> BoundaryAlarm:
    bound = one.low if end == "low" else one.high
    move = "lower the bound" if end == "low" else "raise the bound"
    sentence = (
        f"{one.name}: {near} of the best {best} trials are in the {end}est tenth of its range "
        f"(bound {bound:g}); by chance that happens in {how_often(p_value, 'sweeps')}. The best "
        f"value may lie beyond: {move}."
    )
    return BoundaryAlarm(one.name, end, near, best, p_value, sentence)
