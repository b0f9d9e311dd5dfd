"""The sweep file to run next: crowded ends moved out, and remarks on what the last sweep found.

Ranges are not narrowed and options not left out: that was tried out beside random draws at equal
budget, and was better on some landscapes and worse on others (docs/evidence/suggestion.md).
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np

from sweeps.analysis.boundaries import BoundaryAlarm, boundary_alarms
from sweeps.analysis.choices import compare_choices
from sweeps.analysis.evidence import Array, Dimension, Evidence
from sweeps.analysis.tuning_curve import TuningCurve, tuning_curve
from sweeps.record.sweep_record import CUT_SHORT
from sweeps.search_spaces.problems import KeyPath, SpaceError
from sweeps.search_spaces.space import Space
from sweeps.search_spaces.yaml_writer import write_yaml

__all__ = [
    "Change",
    "Suggestion",
    "best_places",
    "moved_out",
    "suggest",
    "with_ends",
    "with_margin",
]

# It is remarked where the best tenth of a range lies (five trials at least), if as many of any
# trials lie so close together in few draws alone: the best of a parameter that does not matter lie
# anywhere. With a margin on both sides they must leave some of the range.
_BEST_SHARE, _FEWEST_BEST, _MARGIN, _WORTH = 0.1, 5, 0.15, 0.7
_ALPHA, _DRAWS = 0.05, 2000
_FEWEST_TRIALS = 20
# A crowded end is moved out by a share of the range, on its own scale: the first that is legal.
_WIDENED = (0.5, 0.2, 0.1, 0.05, 0.02, 0.01)
_DIGITS = 3
_ALWAYS: dict[KeyPath, str] = {
    (
        "data",
        "split",
        "seed",
    ): "the same split: results stay comparable, and no row trained on is tested on",
    ("seed",): "fresh draws",
}

Check = Callable[[dict[str, Any]], bool]
# A place in the file, what may stand there (the first that is legal is taken), and the reason.
Change = tuple[KeyPath, Sequence[Any], str]


@dataclass(frozen=True)
class Suggestion:
    """A sweep file, and why it is as it is.

    Attributes:
        text: The file.
        reasons: One sentence a change, by its key path. What is remarked of a parameter that stays
            is in the file alone.
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
    if evidence.file.data.kind != "none":
        split = evidence.file.data.split
        file["data"]["split"] = {
            **(file["data"].get("split") or {}),
            "seed": split.seed_in(evidence.file.seed),
        }
    reasons: dict[KeyPath, str] = dict(_ALWAYS)
    _try(file, reasons, is_legal, _drawn_instead(file, len(evidence.trials)))
    # Of two alarms for one range, the surer one, which comes first.
    alarms = {alarm.name: alarm for alarm in reversed(boundary_alarms(evidence))}
    drawn = evidence.draws()
    for one in drawn.dimensions:
        if one.name in alarms:
            old = _get(written, ("space", *one.path))
            _try(file, reasons, is_legal, moved_out(one, alarms[one.name], old))
    _try(file, reasons, is_legal, _number_of_trials(file, tuning_curve(evidence)))
    found = _counted(len(reasons) - len(_ALWAYS))
    remarks = {path: text for path, text in _remarks(drawn, evidence) if path not in reasons}
    of = f"{len(evidence.trials)} trials of {written['name']}{_reached(evidence)}"
    head = f"Suggested from {of}; {found}"
    return Suggestion(write_yaml(file, remarks | reasons, head), reasons)


def _reached(evidence: Evidence) -> str:
    """Return by what trials count that were not given all of their epochs."""
    cut = sum(trial.outcome in CUT_SHORT for trial in evidence.trials)
    how = "pruned or stopped by hand, counted by the best values they reached"
    return f" ({cut} of them {how})" if cut else ""


def _remarks(drawn: Evidence, evidence: Evidence) -> Iterator[tuple[KeyPath, str]]:
    """Yield what was found of a parameter that stays as it is; of a list by hand, nothing is."""
    if evidence.why_incomparable:
        return
    for one in drawn.dimensions:
        if one.is_range and one.kind != "choice" and (best := best_places(one, drawn)) is not None:
            yield ("space", *one.path), f"{_where(one, best, drawn)}; range unchanged"
    compared = {one.name: one for one in compare_choices(evidence) if one.beaten}
    for one in evidence.dimensions:
        if one.name in compared:
            yield ("space", *one.path), f"{compared[one.name].sentence} All options are kept."


def _counted(changes: int) -> str:
    if not changes:
        return "they give no reason for a change, so only the draws are new."
    return f"{changes} change{'s' if changes != 1 else ''}, each with its reason."


def _try(
    file: dict[str, Any], reasons: dict[KeyPath, str], is_legal: Check, change: Change
) -> bool:
    """Make a change if it is legal, with fewer trials where the space then has no more."""
    path, values, reason = change
    for value in values:
        changed = copy.deepcopy(file)
        _set(changed, path, value)
        if is_legal(changed):
            file.update(changed)
            reasons[path] = reason
            return True
        if _ask_for_fewer(changed) and is_legal(changed):
            file.update(changed)
            reasons |= {path: reason, ("search", "trials"): "the space has no more configurations"}
            return True
    return False


def _ask_for_fewer(file: dict[str, Any]) -> bool:
    """Ask for as many trials as the space has configurations; False where it has enough."""
    try:
        different = Space(file["space"]).cardinality()
    except SpaceError:
        return False
    if different is None or different >= file["search"].get("trials", 0):
        return False
    file["search"]["trials"] = different
    return True


def _drawn_instead(file: dict[str, Any], tried: int) -> Change:
    """Return random draws in place of a grid or a list, if the space has more than was tried."""
    search, path = file["search"], ("search",)
    if search["method"] not in ("grid", "manual"):
        return path, (), ""
    different = Space(file["space"]).cardinality()
    if different is not None and different <= tried:
        return path, (), ""
    drawn = {"method": "random", "trials": max(_FEWEST_TRIALS, tried)}
    drawn |= {"baseline": search["baseline"]} if "baseline" in search else {}
    if search["method"] == "manual":
        return (
            path,
            (drawn,),
            "random draws say more about ranges and options than trials listed by hand",
        )
    return path, (drawn,), "random draws try more values of each parameter than a grid does"


def _get(file: dict[str, Any], path: KeyPath) -> Any:
    here: Any = file
    for key in path:
        here = here[key]
    return here


def _set(file: dict[str, Any], path: KeyPath, value: Any) -> None:
    _get(file, path[:-1])[path[-1]] = value


def moved_out(one: Dimension, alarm: BoundaryAlarm, old: dict[str, Any]) -> Change:
    """Return a range whose crowded end is moved out.

    Args:
        old: The parameter as it was written.
    """
    ends = [(-out, 1.0) if alarm.end == "low" else (0.0, 1 + out) for out in _WIDENED]
    return ("space", *one.path), [with_ends(one, *pair, old) for pair in ends], alarm.sentence


def best_places(one: Dimension, evidence: Evidence) -> Array | None:
    """Return where the best trials lie in a range, from 0 to 1; None where that says nothing."""
    has = np.flatnonzero(np.isfinite(one.values) & np.isfinite(evidence.values))
    number = max(_FEWEST_BEST, math.ceil(_BEST_SHARE * len(has)))
    if one.high <= one.low or len(has) < 2 * number:
        return None
    # All that are as good as the last of them count: which of equals are best is nobody's to say.
    losses = evidence.losses[has]
    best = has[losses <= np.partition(losses, number - 1)[number - 1]]
    places: Array = one.scaled()[best]
    if _chance_of_spread(one.scaled()[has], len(best), float(np.ptp(places))) > _ALPHA:
        return None
    low, high = with_margin(places)
    return None if high - low > _WORTH else places


def with_margin(places: Array) -> tuple[float, float]:
    """Return the ends of where the best lie, with a margin, within the range."""
    return max(float(places.min()) - _MARGIN, 0.0), min(float(places.max()) + _MARGIN, 1.0)


def _where(one: Dimension, places: Array, evidence: Evidence) -> str:
    trials = int((np.isfinite(one.values) & np.isfinite(evidence.values)).sum())
    low, high = _value(one, float(places.min())), _value(one, float(places.max()))
    return f"the best {len(places)} of {trials} trials lie between {low:g} and {high:g}"


def _chance_of_spread(places: Array, number: int, spread: float) -> float:
    """Return how often so many of these trials, drawn by chance, lie no farther apart than this."""
    random = np.random.default_rng(0)
    drawn = random.permuted(np.tile(places, (_DRAWS, 1)), axis=1)[:, :number]
    return float((np.ptp(drawn, axis=1) <= spread).mean())


def with_ends(one: Dimension, low: float, high: float, old: dict[str, Any]) -> dict[str, Any]:
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
    """Return the value at a place of the range's own scale: an end as it is, or few digits."""
    if place in (0.0, 1.0):
        return one.high if place else one.low
    if one.log:
        value = math.exp(math.log(one.low) + place * (math.log(one.high) - math.log(one.low)))
    else:
        value = one.low + place * (one.high - one.low)
    return float(f"{value:.{_DIGITS}g}")


def _number_of_trials(file: dict[str, Any], curve: TuningCurve | str) -> Change:
    path: KeyPath = ("search", "trials")
    if isinstance(curve, str) or curve.more != "hardly" or "trials" not in file["search"]:
        return path, (), ""
    wanted = max(_FEWEST_TRIALS, 2 * curve.enough)
    if wanted >= file["search"]["trials"]:
        return path, (), ""
    return path, (wanted,), curve.sentence
