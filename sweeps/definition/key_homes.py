"""Where a key stands that was written into another section: `dropout` is one of `space.model`."""

from __future__ import annotations

import types
from collections.abc import Iterator
from functools import cache
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel

from sweeps.definition.sweep_file import SweepFile
from sweeps.models.configuration import TrialConfig

__all__ = ["can_be", "home_of", "path_of", "sections_of"]

_MOST_HOMES = 2


def home_of(key: str, value: object, model: type[BaseModel]) -> str:
    """Return the places of a sweep file that have a key, in words.

    Args:
        value: What stands there: a number is in no place for a section.
        model: What the file, or a configuration of `space`, was read as; of another, such as a
            user's own model, nothing is known.

    Returns:
        "`space.model`" or "the file itself and `data.split`"; empty where no section has the key,
        or more than two do.
    """
    if model not in (SweepFile, TrialConfig):
        return ""
    found = _homes().get(key, {})
    homes = [home for home, annotation in found.items() if can_be(value, annotation)]
    return " and ".join(homes) if len(homes) <= _MOST_HOMES else ""


def path_of(key: str) -> str:
    """Return the dotted path of the first value in a sweep file that is called so; else nothing."""
    for home, annotation in _homes().get(key, {}).items():
        if not _is_section(annotation):
            return f"{home.strip('`')}.{key}" if home.startswith("`") else key
    return ""


def can_be(value: object, annotation: Any) -> bool:
    """Return whether a value is no number or text where only a section may stand."""
    is_scalar = isinstance(value, str | int | float)
    return not (is_scalar and _is_section(annotation))


def _is_section(annotation: Any) -> bool:
    if get_origin(annotation) is Annotated:
        return _is_section(get_args(annotation)[0])
    if get_origin(annotation) in (Union, types.UnionType):
        return all(_is_section(one) for one in get_args(annotation) if one is not type(None))
    return bool(sections_of(annotation))


def sections_of(annotation: Any) -> list[type[BaseModel]]:
    """Return the sections that a value of this type may be."""
    if get_origin(annotation) is Annotated:
        return sections_of(get_args(annotation)[0])
    if get_origin(annotation) in (Union, types.UnionType):
        return [one for member in get_args(annotation) for one in sections_of(member)]
    is_section = isinstance(annotation, type) and issubclass(annotation, BaseModel)
    return [annotation] if is_section else []


@cache
def _homes() -> dict[str, dict[str, Any]]:
    """Return by key the sections that have it, each with what may stand there."""
    found: dict[str, dict[str, Any]] = {}
    for model, prefix in ((SweepFile, ""), (TrialConfig, "space")):
        for key, home, annotation in _walk(model, prefix):
            found.setdefault(key, {})[home] = annotation
    return found


def _walk(model: type[BaseModel], path: str) -> Iterator[tuple[str, str, Any]]:
    """Yield each key below a section, the section that has it, and what may stand there."""
    for name, field in model.model_fields.items():
        yield name, f"`{path}`" if path else "the file itself", field.annotation
        for member in sections_of(field.annotation):
            yield from _walk(member, f"{path}.{name}".strip("."))
