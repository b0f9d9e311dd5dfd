"""The `roles` section against the space: which dimensions the scientific choices are."""

from __future__ import annotations

from sweeps.definition.sweep_file import Roles
from sweeps.search_spaces.parameters import Choice
from sweeps.search_spaces.problems import Problem, did_you_mean
from sweeps.search_spaces.space import Space

__all__ = ["check_roles", "scientific_dimensions"]


def scientific_dimensions(roles: Roles | None, space: Space) -> list[int]:
    """Return the dimensions of the scientific choices; those that are none are passed over."""
    found = _choices(space)
    return [found[path] for path in (roles.scientific if roles else ()) if path in found]


def check_roles(roles: Roles | None, space: Space) -> list[Problem]:
    """Return what is wrong with the section: paths that are not choices, or are weighted ones."""
    choices, problems = _choices(space), []
    for number, path in enumerate(roles.scientific if roles else ()):
        place = ("roles", "scientific", number)
        if path not in choices:
            rule = f"{path!r} is not a choice of `space` that every trial has"
            hint = did_you_mean(path, tuple(choices))
            problems.append(Problem(place, path, rule, tuple(choices)[:20], hint))
            continue
        parameter = space.dimensions[choices[path]][1]
        if isinstance(parameter, Choice) and parameter.weights and roles and roles.balanced:
            rule = f"{path!r} has weights, but `balanced` gives its options equal numbers of trials"
            hint = "remove the weights, or write `balanced: false`"
            problems.append(Problem(place, path, rule, hint=hint))
    return problems


def _choices(space: Space) -> dict[str, int]:
    """Return the dimension of each choice that does not lie inside another one."""
    return {
        ".".join(map(str, path)): at
        for at, (path, parameter) in enumerate(space.dimensions)
        if isinstance(parameter, Choice) and "choice" not in path
    }
