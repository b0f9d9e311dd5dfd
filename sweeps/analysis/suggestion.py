"""The sweep file to run next: ranges moved by what the last sweep found, each with its reason."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np

from sweeps.analysis.boundaries import BoundaryAlarm, boundary_alarms
from sweeps.analysis.choices import Comparison, Pair, chance_words, compare_choices
from sweeps.analysis.evidence import Array, Dimension, Evidence
from sweeps.analysis.tuning_curve import TuningCurve, tuning_curve
from sweeps.search_spaces.problems import KeyPath, SpaceError
from sweeps.search_spaces.space import Space
from sweeps.search_spaces.yaml_writer import write_yaml

__all__ = ["Suggestion", "suggest"]

# A range is narrowed to where the best tenth lies (five trials at least) with a margin on both
# sides, if that leaves at most so much of it, and if as many of any trials lie so close together
# in few draws alone: the best of a parameter that does not matter lie anywhere.
_BEST_SHARE, _FEWEST_BEST, _MARGIN, _WORTH = 0.1, 5, 0.15, 0.7
_ALPHA, _DRAWS = 0.05, 2000
_FEWEST_TRIALS = 20
# An option is dropped at p <= 0.01 and never on fewer trials than these: one in a hundred sweeps
# then drops any option without cause (docs/truth.md).
_DROP_LEVEL, _FEWEST_TO_DROP = 0.01, 15
# A crowded end is moved out by a share of the range, on its own scale: the first that is legal.
_WIDENED = (0.5, 0.2, 0.1, 0.05, 0.02, 0.01)
_DIGITS = 3
_ALWAYS: dict[KeyPath, str] = {
    (
        "data",
        "split",
        "seed",
    ): "the same cut: results compare, and no trained row is tested on",
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
    _try(file, reasons, is_legal, _drawn_instead(file, len(evidence.trials)))
    # Of two alarms for one range, the surer one, which comes first.
    alarms = {alarm.name: alarm for alarm in reversed(boundary_alarms(evidence))}
    drawn = evidence.draws()
    for one in drawn.dimensions:
        if one.kind != "choice" and one.high > one.low:
            old = _get(written, ("space", *one.path))
            _try(file, reasons, is_legal, _moved(one, drawn, alarms.get(one.name), old))
    _try(file, reasons, is_legal, _number_of_trials(file, tuning_curve(evidence)))
    # Options last and from the innermost on, as positions of what comes after them change.
    dropped = [
        (one, comparison)
        for comparison in compare_choices(evidence)
        for one in evidence.dimensions
        if one.name == comparison.name
    ]
    for one, comparison in sorted(dropped, key=lambda pair: -len(pair[0].path)):
        change = _fewer_options(file, one, comparison, evidence)
        if _try(file, reasons, is_legal, change):
            _forget_inside(reasons, change[0])
    found = _counted(len(reasons) - len(_ALWAYS))
    head = f"Suggested from {len(evidence.trials)} trials of {written['name']}; {found}"
    return Suggestion(write_yaml(file, reasons, head), reasons)


def _counted(changes: int) -> str:
    if not changes:
        return "nothing in them asks for a change, so these are fresh draws."
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
    return path, (drawn,), "drawn at random, more values of each parameter are seen than on a grid"


def _get(file: dict[str, Any], path: KeyPath) -> Any:
    here: Any = file
    for key in path:
        here = here[key]
    return here


def _set(file: dict[str, Any], path: KeyPath, value: Any) -> None:
    _get(file, path[:-1])[path[-1]] = value


def _moved(
    one: Dimension, evidence: Evidence, alarm: BoundaryAlarm | None, old: dict[str, Any]
) -> Change:
    """Return a range that is moved to where the best lie.

    Args:
        old: The parameter as it was written.
    """
    path: KeyPath = ("space", *one.path)
    has = np.flatnonzero(np.isfinite(one.values) & np.isfinite(evidence.values))
    number = max(_FEWEST_BEST, math.ceil(_BEST_SHARE * len(has)))
    if len(has) < 2 * number:
        return path, (), ""
    if alarm is not None:
        ends = [(-out, 1.0) if alarm.end == "low" else (0.0, 1 + out) for out in _WIDENED]
        return path, [_parameter(one, *pair, old) for pair in ends], alarm.sentence
    # All that are as good as the last of them count: which of equals are best is nobody's to say.
    losses = evidence.losses[has]
    best = has[losses <= np.partition(losses, number - 1)[number - 1]]
    number, places = len(best), one.scaled()[best]
    if _chance_of_spread(one.scaled()[has], number, float(np.ptp(places))) > _ALPHA:
        return path, (), ""
    low = max(float(places.min()) - _MARGIN, 0.0)
    high = min(float(places.max()) + _MARGIN, 1.0)
    narrowed = _parameter(one, low, high, old)
    if high - low > _WORTH or narrowed[one.kind] == [one.low, one.high]:
        return path, (), ""
    reason = (
        f"the best {number} of {len(has)} trials lie from {_value(one, float(places.min())):g} to "
        f"{_value(one, float(places.max())):g}; it was {one.low:g} to {one.high:g}"
    )
    return path, (narrowed,), reason


def _chance_of_spread(places: Array, number: int, spread: float) -> float:
    """Return how often so many of these trials, drawn by chance, lie no farther apart than this."""
    random = np.random.default_rng(0)
    drawn = random.permuted(np.tile(places, (_DRAWS, 1)), axis=1)[:, :number]
    return float((np.ptp(drawn, axis=1) <= spread).mean())


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


def _fewer_options(
    file: dict[str, Any], one: Dimension, comparison: Comparison, evidence: Evidence
) -> Change:
    """Return a choice without the options that the best one beats almost certainly.

    What is left out never comes back, so more is asked than for "is better": p <= 0.01 of all
    pairs of the sweep together, and 15 trials of either option.
    """
    beaten = [pair for pair in comparison.pairs if _is_sure(pair)]
    path: KeyPath = ("space", *one.path)
    if not beaten:
        return path, (), ""
    out = [pair.worse.option for pair in beaten]
    kept = [at for at, option in enumerate(one.options) if option not in out]
    here = _get(file, path)
    changed: Any = {"choice": [here["choice"][at] for at in kept]}
    if here.get("weights") is not None:
        changed["weights"] = [here["weights"][at] for at in kept]
    roles = evidence.file.roles
    # What `roles` names has to stay a choice.
    if len(kept) == 1 and (roles is None or one.name not in roles.scientific):
        changed = changed["choice"][0]
    return path, (changed,), " ".join(_why_left_out(pair, comparison) for pair in beaten)


def _is_sure(pair: Pair) -> bool:
    fewest = min(pair.better.trials, pair.worse.trials)
    return pair.p_value <= _DROP_LEVEL and fewest >= _FEWEST_TO_DROP


def _why_left_out(pair: Pair, comparison: Comparison) -> str:
    """Return the reason, which is of the two options that were tested."""
    better, worse = pair.better, pair.worse
    return (
        f"left out {worse.option}: of {comparison.draws} trials each, the best comes on average to "
        f"{worse.expected:.4g} with it (n = {worse.trials}) and to {better.expected:.4g} with "
        f"{better.option} (n = {better.trials}); {chance_words(pair.p_value)}."
    )


def _forget_inside(reasons: dict[KeyPath, str], path: KeyPath) -> None:
    """Delete the reasons below a place whose positions have changed."""
    for at in [at for at in reasons if at[: len(path)] == path and at != path]:
        del reasons[at]
