"""What a sweep requires of the net of every trial, asked before the net is trained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sweeps.search_spaces.constraints import Constraint

__all__ = ["unmet"]


def unmet(require: Sequence[str], sizes: Mapping[str, float]) -> str:
    """Return the first requirement that a net does not keep, with what it has; empty if none.

    Raises:
        SpaceError: One cannot be computed, such as a division by zero.
    """
    for constraint in map(Constraint, require):
        if unknown := sorted(constraint.names - set(sizes)):
            return (
                f"{unknown[0]} cannot be determined for this net, but `require` has "
                f"{constraint.text}"
            )
        if not constraint.holds(sizes):
            had = ", ".join(f"{name} = {sizes[name]:.0f}" for name in sorted(constraint.names))
            return f"{had}, and `require` has {constraint.text}"
    return ""
