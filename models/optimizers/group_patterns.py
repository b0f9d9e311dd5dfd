"""Which parameters a sweep file's groups name. Imports no torch, so that `validate` can ask."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

from sweeps.models.errors import TrialConfigError
from sweeps.models.optimizers.section import ParameterGroup

__all__ = ["names_by_group"]

_MOST_NAMES = 40


def names_by_group(groups: Sequence[ParameterGroup], names: Iterable[str]) -> list[list[str]]:
    """Return the parameters of each group, then the rest; the first group that has one counts.

    Args:
        names: of a net's parameters that are trained.

    Raises:
        TrialConfigError: a pattern matches no parameter, or none that is left; it lists the names.
    """
    every = list(names)
    left, found = every, []
    for group in groups:
        matching = [name for name in left if fnmatchcase(name, group.parameters)]
        if not matching:
            raise _nothing_to_group(group.parameters, every, left)
        found.append(matching)
        left = [name for name in left if name not in set(matching)]
    return [*found, left]


def _nothing_to_group(pattern: str, every: list[str], left: list[str]) -> TrialConfigError:
    is_taken = any(fnmatchcase(name, pattern) for name in every)
    rule = "must match the name of at least one parameter of the net"
    if is_taken:
        rule = "must match a parameter that no earlier group has"
    shown = left if is_taken else every
    names = ", ".join(shown[:_MOST_NAMES]) + (", ..." if len(shown) > _MOST_NAMES else "")
    hint = f"{'Those left' if is_taken else 'They'} are {names or 'none'}"
    place = ("optimizer", "groups")
    return TrialConfigError(rule, key=place, value=pattern, hint=hint, is_permanent=True)
