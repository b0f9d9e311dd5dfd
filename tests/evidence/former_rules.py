"""What `suggest` did to a space before it was measured: ranges narrowed, options left out.

Kept so that docs/evidence/suggestion.md can be made again; the product has only what widens.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any

from sweeps.analysis.boundaries import boundary_alarms
from sweeps.analysis.choices import Comparison, Pair, compare_choices
from sweeps.analysis.evidence import Dimension, Evidence
from sweeps.analysis.suggestion import best_places, moved_out, with_ends, with_margin
from sweeps.search_spaces.problems import KeyPath

__all__ = ["next_space"]

# An option was dropped at p <= 0.01 of all pairs of the sweep, and on so many trials of each.
_DROP_LEVEL, _FEWEST_TO_DROP = 0.01, 15

Check = Callable[[dict[str, Any]], bool]


def next_space(evidence: Evidence, written: dict[str, Any], is_legal: Check) -> dict[str, Any]:
    """Return the space to draw from next, of all changes that are legal."""
    space = copy.deepcopy(written)
    alarms = {alarm.name: alarm for alarm in reversed(boundary_alarms(evidence))}
    drawn = evidence.draws()
    for one in drawn.dimensions:
        if one.kind == "choice":
            continue
        old = _get(written, one.path)
        if one.name in alarms:
            _try(space, one.path, moved_out(one, alarms[one.name], old)[1], is_legal)
        elif (best := best_places(one, drawn)) is not None:
            _try(space, one.path, [with_ends(one, *with_margin(best), old)], is_legal)
    # Options last and from the innermost on, as positions of what comes after them change.
    compared = {one.name: one for one in compare_choices(evidence)}
    choices = [one for one in evidence.dimensions if one.name in compared]
    for one in sorted(choices, key=lambda one: -len(one.path)):
        _try(space, one.path, _fewer(_get(space, one.path), one, compared[one.name]), is_legal)
    return space


def _fewer(here: Any, one: Dimension, comparison: Comparison) -> Sequence[Any]:
    """Return a choice without the options that the best one beats almost certainly."""
    out = {pair.worse.option for pair in comparison.pairs if _is_sure(pair)}
    kept = [here["choice"][at] for at, option in enumerate(one.options) if option not in out]
    if not out:
        return ()
    return (kept[0] if len(kept) == 1 else {"choice": kept},)


def _is_sure(pair: Pair) -> bool:
    fewest = min(pair.better.trials, pair.worse.trials)
    return pair.p_value <= _DROP_LEVEL and fewest >= _FEWEST_TO_DROP


def _try(space: dict[str, Any], path: KeyPath, values: Sequence[Any], is_legal: Check) -> None:
    """Make the first change that is legal."""
    for value in values:
        changed = copy.deepcopy(space)
        _get(changed, path[:-1])[path[-1]] = value
        if is_legal(changed):
            space.update(changed)
            return


def _get(space: Any, path: KeyPath) -> Any:
    for key in path:
        space = space[key]
    return space
