"""Where a key stands that was written into another section: `dropout` is one of `space.model`."""

from __future__ import annotations

import types
from collections.abc import Iterator
from functools import cache
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel

from sweeps.definition.sweep_file import SweepFile
from sweeps.models.configuration import TrialConfig

__all__ = ["home_of", "sections_of"]


def home_of(key: str, model: type[BaseModel]) -> str:
    """Return the only place of a sweep file that has a key, in words.

    Args:
        model: What the file, or a configuration of `space`, was read as; of another, such as a
            user's own model, nothing is known.

    Returns:
        "`space.model`" or "the file itself"; empty where no section has the key, or several do.
    """
    if model not in (SweepFile, TrialConfig):
        return ""
    homes = _homes().get(key, ())
    return homes[0] if len(homes) == 1 else ""


def sections_of(annotation: Any) -> list[type[BaseModel]]:
    """Return the sections that a value of this type may be."""
    if get_origin(annotation) is Annotated:
        return sections_of(get_args(annotation)[0])
    if get_origin(annotation) in (Union, types.UnionType):
        return [one for member in get_args(annotation) for one in sections_of(member)]
    is_section = isinstance(annotation, type) and issubclass(annotation, BaseModel)
    return [annotation] if is_section else []


@cache
def _homes() -> dict[str, tuple[str, ...]]:
    found: dict[str, dict[str, None]] = {}
    for model, prefix in ((SweepFile, ""), (TrialConfig, "space")):
        for key, home in _walk(model, prefix):
            found.setdefault(key, {})[home] = None
    return {key: tuple(homes) for key, homes in found.items()}


def _walk(model: type[BaseModel], path: str) -> Iterator[tuple[str, str]]:
    """Yield each key below a section, with the path of the section that has it."""
    for name, field in model.model_fields.items():
        yield name, f"`{path}`" if path else "the file itself"
        for member in sections_of(field.annotation):
            yield from _walk(member, f"{path}.{name}".strip("."))
