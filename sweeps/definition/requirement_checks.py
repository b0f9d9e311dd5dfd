"""The `require` section: what a trial's net must keep, which is known before it is trained."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from sweeps.definition.constraint_checks import problems_at, read_at
from sweeps.definition.own_training_checks import trains_itself
from sweeps.definition.sweep_file import SweepFile
from sweeps.models.scoring.objective import COUNTED, SIZES
from sweeps.search_spaces.constraints import Constraint
from sweeps.search_spaces.problems import KeyPath, Problem, SpaceError, did_you_mean

__all__ = ["WayOut", "check_requirements", "names_in"]

# What to do about a name that is not known, as the hint of a problem.
WayOut = Callable[[str], str]


def check_requirements(file: SweepFile) -> Iterator[Problem]:
    """Yield what is wrong with the expressions of the `require` section."""
    for number, text in enumerate(file.require):
        place: KeyPath = ("require", number)
        if trains_itself(file.space):
            rule = "the size of a net of your own training is not known before it trains"
            hint = "raise an error in the training, or write `constraints` on its options"
            yield Problem(place, text, rule, hint=hint)
            continue
        constraint, wrong = read_at(text, place)
        yield from wrong
        if constraint is not None:
            yield from names_in(constraint, COUNTED, place, _way_out)


def names_in(
    constraint: Constraint, known: Sequence[str], place: KeyPath, way_out: WayOut
) -> Iterator[Problem]:
    """Yield names that an expression over outcomes may not have, and that it cannot be computed.

    Args:
        known: The names that it may have, of which it must have one.
        way_out: What to do about another.
    """
    unknown = sorted(constraint.names - set(known))
    for name in unknown:
        rule = f"unknown name {name!r}"
        hint = did_you_mean(name, known) or way_out(name)
        yield Problem(place, constraint.text, rule, tuple(known), hint)
    if not constraint.names:
        rule = f"{constraint.text!r} does not depend on the trial"
        yield Problem(place, constraint.text, rule, tuple(known), f"write `{known[0]} <= 1e5`")
    elif not unknown:
        yield from _tried(constraint, known, place)


def _tried(constraint: Constraint, known: Sequence[str], place: KeyPath) -> Iterator[Problem]:
    """Yield that an expression does not come out as true or false of ordinary numbers."""
    try:
        constraint.holds(dict.fromkeys(known, 0.5))
    except SpaceError as err:
        yield from problems_at(place, err)


def _way_out(name: str) -> str:
    if "." in name:
        return "values of `space` belong in `constraints`"
    if name in SIZES:
        return "a measured time differs by machine; use it in `objective` or `final.choose`"
    return "metrics are known only after training; use them in `objective`"
