"""The `constraints` section against the space: names, values, and what they reject."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, get_args

from pydantic import BaseModel

from sweeps.models.configuration import TrialConfig
from sweeps.models.own_training_configuration import OwnTrialConfig
from sweeps.search_spaces.constraints import Constraint
from sweeps.search_spaces.problems import KeyPath, Problem, SpaceError, did_you_mean

__all__ = [
    "allows",
    "check_constraints",
    "problems_at",
    "read_at",
    "read_constraints",
    "rejections",
]

Configuration = Mapping[str, Any]


def read_constraints(texts: Sequence[str]) -> tuple[dict[int, Constraint], list[Problem]]:
    """Return the constraints that can be read, by position, and what is wrong with the others."""
    constraints: dict[int, Constraint] = {}
    problems: list[Problem] = []
    for number, text in enumerate(texts):
        constraint, wrong = read_at(text, ("constraints", number))
        problems += wrong
        if constraint is not None:
            constraints[number] = constraint
    return constraints, problems


def read_at(text: str, place: KeyPath) -> tuple[Constraint | None, list[Problem]]:
    """Return the expression that stands at a place of the file, or None and what is wrong."""
    try:
        return Constraint(text), []
    except SpaceError as err:
        return None, problems_at(place, err)


def problems_at(place: KeyPath, error: SpaceError) -> list[Problem]:
    """Return what is wrong with an expression, at its place in the file."""
    return [replace(one, path=(*place, *one.path)) for one in error.problems]


def allows(constraints: Iterable[Constraint], configuration: Configuration) -> bool:
    """Return whether no constraint rejects a configuration; what cannot be computed allows it."""
    try:
        return all(constraint.holds(configuration) for constraint in constraints)
    except SpaceError:
        return True


def check_constraints(
    constraints: Mapping[int, Constraint],
    configurations: Sequence[Configuration],
    are_complete: bool,
) -> list[Problem]:
    """Return names that no configuration has, and values that cannot be computed with.

    Args:
        constraints: By position in the file.
        configurations: What the space can give: each option, both ends of each range.
        are_complete: Their defaults are filled in; where the space is faulty they cannot be,
            and a name counts as known if any kind of section has it.
    """
    known = {name for configuration in configurations for name in _names(configuration, "")}
    if not are_complete:
        for model in (TrialConfig, OwnTrialConfig):
            known |= set(_names_of_model(model, ""))
    found = [
        _unknown(number, constraint.text, name, known)
        for number, constraint in constraints.items()
        for name in sorted(constraint.names - known)
    ]
    failed: dict[Any, Problem] = {}  # one configuration is enough to show that a constraint fails
    for configuration in configurations:
        for problem in _not_computable(constraints, configuration):
            failed.setdefault(problem.path, problem)
    return found + list(failed.values())


def rejections(
    constraints: Mapping[int, Constraint], listed: Iterable[tuple[KeyPath, Configuration]]
) -> Iterator[Problem]:
    """Yield each configuration listed by hand, with its place, that a constraint rejects."""
    for place, configuration in listed:
        for number, constraint in constraints.items():
            try:
                holds = constraint.holds(configuration)
            except SpaceError as err:
                yield from problems_at(("constraints", number), err)
                continue
            if not holds:
                rule = f"the constraint {constraint.text!r} rejects this configuration"
                yield Problem(place, None, rule, hint="change the configuration or the constraint")


def _not_computable(
    constraints: Mapping[int, Constraint], configuration: Configuration
) -> list[Problem]:
    """Return what fails; a constraint that rejects keeps the later ones from being asked."""
    for number, constraint in constraints.items():
        try:
            if not constraint.holds(configuration):
                return []
        except SpaceError as err:
            return problems_at(("constraints", number), err)
    return []


def _unknown(number: int, text: str, name: str, known: set[str]) -> Problem:
    section, _, last = name.rpartition(".")
    choices = sorted(one for one in known if one.rpartition(".")[0] == section)
    if not choices:
        choices, section = sorted(one for one in known if "." not in one), ""
        hint = did_you_mean(name, sorted(known))
    else:
        prefix = f"{section}." if section else ""
        near = did_you_mean(last, [one.removeprefix(prefix) for one in choices])
        hint = near.replace("'", f"'{prefix}", 1)
    rule = f"unknown name {name!r}"
    return Problem(("constraints", number), text, rule, tuple(choices), hint)


def _names(value: Configuration, prefix: str) -> Iterator[str]:
    for key, inner in value.items():
        yield prefix + key
        if isinstance(inner, Mapping):
            yield from _names(inner, f"{prefix}{key}.")


def _names_of_model(annotation: Any, prefix: str) -> Iterator[str]:
    """Yield the names of all kinds of each section."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        for key, field in annotation.model_fields.items():
            yield prefix + key
            yield from _names_of_model(field.annotation, f"{prefix}{key}.")
        return
    for member in get_args(annotation):
        yield from _names_of_model(member, prefix)
