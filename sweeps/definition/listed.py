"""Configurations that the user lists by hand, completed from the fixed part of `space`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sweeps.search_methods.manual import ManualSearch
from sweeps.search_methods.search import Search
from sweeps.search_spaces.parameters import looks_like_parameter
from sweeps.search_spaces.problems import KeyPath, Problem, SpaceError

__all__ = ["complete", "listed_configurations"]


def listed_configurations(search: Search) -> Iterator[tuple[KeyPath, Mapping[str, Any]]]:
    """Yield the configurations listed in a `search` section, baselines first, with their places."""
    for number, configuration in enumerate(search.baseline):
        yield ("search", "baseline", number), configuration
    if isinstance(search, ManualSearch):
        for number, configuration in enumerate(search.configurations):
            yield ("search", "configurations", number), configuration


def complete(template: Mapping[str, Any], listed: Mapping[str, Any]) -> dict[str, Any]:
    """Return `listed` with what it omits taken from `template`.

    A section that the template fixes may be left out; one that holds a parameter may not, since
    nothing says which of its values is meant. Where the whole template is a choice, each listed
    configuration stands for itself.

    Raises:
        SpaceError: A key that holds a parameter in the template is missing in `listed`.
    """
    if looks_like_parameter(template):
        return dict(listed)
    problems: list[Problem] = []
    completed = _merge(template, listed, (), problems)
    if problems:
        raise SpaceError(problems)
    return completed


def _merge(
    template: Mapping[str, Any],
    listed: Mapping[str, Any],
    path: tuple[str, ...],
    problems: list[Problem],
) -> dict[str, Any]:
    merged = dict(listed)
    for key, default in template.items():
        place = (*path, key)
        if key not in listed:
            if _varies(default):
                problems.append(_missing(place))
            else:
                merged[key] = default
        elif isinstance(listed[key], Mapping) and _is_section(default):
            if "kind" in default and listed[key].get("kind", default["kind"]) != default["kind"]:
                continue
            merged[key] = _merge(default, listed[key], place, problems)
    return merged


def _is_section(value: object) -> bool:
    return isinstance(value, Mapping) and not looks_like_parameter(value)


def _varies(value: object) -> bool:
    if isinstance(value, Mapping):
        return looks_like_parameter(value) or any(_varies(inner) for inner in value.values())
    return isinstance(value, list) and any(_varies(inner) for inner in value)


def _missing(place: tuple[str, ...]) -> Problem:
    return Problem(
        path=place,
        value=None,
        rule=f"missing: `space.{'.'.join(place)}` holds a parameter, so each listed configuration "
        f"must give its value",
        hint=f"add {place[-1]}: to this configuration",
    )
