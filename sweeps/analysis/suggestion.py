"""The sweep file to run next: ranges moved by what the last sweep found, each with its reason."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np

from search_spaces.problems import KeyPath
from search_spaces.yaml_writer import write_yaml
from sweeps.analysis.boundaries import BoundaryAlarm, boundary_alarms
from sweeps.analysis.choices import Comparison, compare_choices
from sweeps.analysis.evidence import Dimension, Evidence
from sweeps.analysis.tuning_curve import TuningCurve, tuning_curve

__all__ = ["Suggestion", "suggest"]

# A range is narrowed to where the best tenth lies (five trials at least) with a margin on both
# sides, if that leaves at most so much of it.
_BEST_SHARE, _FEWEST_BEST, _MARGIN, _WORTH = 0.1, 5, 0.15, 0.7
_FEWEST_TRIALS = 20
# A crowded end is moved out by this share of the range, on its own scale.
_WIDENED = 0.5
_DIGITS = 3
_ALWAYS: dict[KeyPath, str] = {
    ("data", "split", "seed"): "the same cut: the test rows stay unseen, and results compare",
    ("seed",): "fresh draws",
}

Check = Callable[[dict[str, Any]], bool]


@dataclass(frozen=True)
class Suggestion:
    """A sweep file, and why it is as it is.

    Attributes:
        text: The file.
        reasons: One sentence a change, by its key path.
    """

    text: str
    reasons: dict[KeyPath, str]


def suggest(evidence: Evidence, written: dict[str, Any], is_legal: Check) -> Suggestion:
    """Return the next sweep file.

    Args:
        evidence: What the last sweep found.
        written: The values of its file, with the overrides in them.
        is_legal: Whether such values are a sweep file that can be run; a change that makes them
            illegal, for example beyond what an optimizer allows, is not made.
    """
    file = copy.deepcopy(written)
    file["name"] = f"{written['name'][:55]}-next"
    file["seed"] = int(written.get("seed", 0)) + 1
    split = evidence.file.data.split
    file["data"]["split"] = {
        **(file["data"].get("split") or {}),
        "seed": split.seed_in(evidence.file.seed),
    }
    reasons: dict[KeyPath, str] = dict(_ALWAYS)
    if file["search"]["method"] in ("grid", "manual"):
        number = max(_FEWEST_TRIALS, len(evidence.trials))
        why = "drawn at random, more values of each parameter are seen than on a grid"
        # Not where the space has too few configurations: those are all worth a trial.
        _try(file, reasons, is_legal, ("search",), {"method": "random", "trials": number}, why)
    alarms = {alarm.name: alarm for alarm in boundary_alarms(evidence)}
    for one in evidence.dimensions:
        if one.kind != "choice" and one.high > one.low:
            old = _get(written, ("space", *one.path))
            _try(file, reasons, is_legal, *_moved(one, evidence, alarms.get(one.name), old))
    _try(file, reasons, is_legal, *_number_of_trials(file, tuning_curve(evidence)))
    # Options last and from the innermost on, as positions of what comes after them change.
    dropped = [
        (one, comparison)
        for comparison in compare_choices(evidence)
        for one in evidence.dimensions
        if one.name == comparison.name
    ]
    for one, comparison in sorted(dropped, key=lambda pair: -len(pair[0].path)):
        _drop(file, reasons, is_legal, one, comparison, evidence.goal.mode)
    changes = len(reasons) - len(_ALWAYS)
    head = (
        f"Suggested from {len(evidence.trials)} trials of {written['name']}; "
        f"{changes} change{'s' if changes != 1 else ''}, each with its reason."
    )
    return Suggestion(write_yaml(file, reasons, head), reasons)


def _try(
    file: dict[str, Any],
    reasons: dict[KeyPath, str],
    is_legal: Check,
    path: KeyPath,
    value: Any,
    reason: str,
) -> None:
    """Make one change, if there is a reason for it and it is legal."""
    if not reason:
        return
    changed = copy.deepcopy(file)
    _set(changed, path, value)
    if is_legal(changed):
        _set(file, path, value)
        reasons[path] = reason


def _get(file: dict[str, Any], path: KeyPath) -> Any:
    here: Any = file
    for key in path:
        here = here[key]
    return here


def _set(file: dict[str, Any], path: KeyPath, value: Any) -> None:
    _get(file, path[:-1])[path[-1]] = value


def _moved(
    one: Dimension, evidence: Evidence, alarm: BoundaryAlarm | None, old: dict[str, Any]
) -> tuple[KeyPath, Any, str]:
    """Return the place, the new parameter and the reason; an empty reason for no change.

    Args:
        old: The parameter as it was written.
    """
    path: KeyPath = ("space", *one.path)
    has = np.flatnonzero(np.isfinite(one.values) & np.isfinite(evidence.values))
    number = max(_FEWEST_BEST, math.ceil(_BEST_SHARE * len(has)))
    if len(has) < 2 * number:
        return path, None, ""
    best = has[np.argsort(evidence.losses[has], kind="stable")[:number]]
    places = one.scaled()[best]
    low, high = float(places.min()) - _MARGIN, float(places.max()) + _MARGIN
    if alarm is not None:
        low, high = (-_WIDENED, 1.0) if alarm.end == "low" else (0.0, 1 + _WIDENED)
        return path, _parameter(one, low, high, old), alarm.sentence
    low, high = max(low, 0.0), min(high, 1.0)
    narrowed = _parameter(one, low, high, old)
    if high - low > _WORTH or narrowed[one.kind] == [one.low, one.high]:
        return path, None, ""
    reason = (
        f"the best {number} of {len(has)} trials lie from {_value(one, float(places.min())):g} to "
        f"{_value(one, float(places.max())):g}; it was {one.low:g} to {one.high:g}"
    )
    return path, narrowed, reason


def _parameter(one: Dimension, low: float, high: float, old: dict[str, Any]) -> dict[str, Any]:
    """Return a parameter with ends at these places, and otherwise as the old one."""
    ends = [_value(one, low), _value(one, high)]
    step = old.get("step")
    if step is not None:  # counted from the old low end, outwards; in decimals, as it was written
        size, start = Decimal(str(step)), Decimal(repr(one.low))
        places = [(Decimal(repr(end)) - start) / size for end in ends]
        counts = (math.floor(places[0]), math.ceil(places[1]))
        ends = [float(start + count * size) for count in counts]
    if one.kind == "int":
        ends = [math.floor(ends[0]), math.ceil(ends[1])]
    return {**old, one.kind: ends}


def _value(one: Dimension, place: float) -> float:
    """Return the value at a place of the range's own scale, with few digits."""
    if one.log:
        value = math.exp(math.log(one.low) + place * (math.log(one.high) - math.log(one.low)))
    else:
        value = one.low + place * (one.high - one.low)
    return float(f"{value:.{_DIGITS}g}")


def _number_of_trials(file: dict[str, Any], curve: TuningCurve | str) -> tuple[KeyPath, Any, str]:
    path: KeyPath = ("search", "trials")
    if isinstance(curve, str) or "trials" not in file["search"]:
        return path, None, ""
    wanted = max(_FEWEST_TRIALS, 2 * curve.enough)
    if wanted >= file["search"]["trials"]:
        return path, None, ""
    return path, wanted, curve.sentence


def _drop(
    file: dict[str, Any],
    reasons: dict[KeyPath, str],
    is_legal: Check,
    one: Dimension,
    comparison: Comparison,
    mode: str,
) -> None:
    """Leave out the options of a choice whose interval lies wholly beyond that of the best."""
    first = comparison.branches[0]
    beaten = [
        branch.option
        for branch in comparison.branches[1:]
        if (branch.low > first.high if mode == "min" else branch.high < first.low)
    ]
    kept = [at for at, option in enumerate(one.options) if option not in beaten]
    if not beaten:
        return
    path: KeyPath = ("space", *one.path)
    here = _get(file, path)
    changed: Any = {"choice": [here["choice"][at] for at in kept]}
    if here.get("weights") is not None:
        changed["weights"] = [here["weights"][at] for at in kept]
    if len(kept) == 1:
        changed = changed["choice"][0]
    inside = {at: text for at, text in reasons.items() if at[: len(path)] == path}
    before = dict(reasons)
    for at in inside:
        del reasons[at]
    reason = f"left out {', '.join(beaten)}: {comparison.sentence}"
    _try(file, reasons, is_legal, path, changed, reason)
    if path not in reasons:
        reasons.update(before)
