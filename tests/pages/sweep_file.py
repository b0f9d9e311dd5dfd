"""The keys of a sweep file in docs/sweep-file.md, from the models that check it.

A key is described by its `description`, or by its entry under "Attributes:" in the section's
docstring.
"""

from __future__ import annotations

import inspect
import json
import re
import typing
from collections.abc import Iterator
from typing import Any, Literal

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from sweeps.definition.sweep_file import SweepFile
from sweeps.models.configuration import TrialConfig
from sweeps.models.own_training_configuration import OwnTrialConfig

Section = type[BaseModel]
_TAGS = ("kind", "method", "scheduler")
_NAMES: dict[Any, str] = {
    str: "text", int: "whole number", float: "number", bool: "true or false", type(None): "null"
}  # fmt: skip
_BOUNDS = {"ge": "{} or more", "gt": "above {}", "le": "{} or less", "lt": "below {}"}


def sweep_file_reference() -> str:
    """Return a table for each section, in the file's own order; `space` is a configuration."""
    parts = [_table("Top level", SweepFile)]
    for key, field in SweepFile.model_fields.items():
        parts += list(_sections(key, field.annotation))
    for model in (TrialConfig, OwnTrialConfig):
        for key, field in model.model_fields.items():
            parts += list(_sections(f"space.{key}", field.annotation))
    return "\n".join(dict.fromkeys(parts))  # a section that several kinds have, once


def undescribed() -> list[str]:
    """Return the keys that nothing is said about."""
    empty = re.compile(r"^\| `(\w+)` \| (?!a section).* \|  \|$", flags=re.MULTILINE)
    return empty.findall(sweep_file_reference())


def _sections(path: str, annotation: Any) -> Iterator[str]:
    for section in dict.fromkeys(_models(annotation)):
        tag = next((key for key in _TAGS if key in section.model_fields), None)
        yield _table(f"{path}: {_choices(section, tag)}" if tag else path, section)
        for key, field in section.model_fields.items():
            yield from _sections(f"{path}.{key}", field.annotation)


def _models(annotation: Any) -> Iterator[Section]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in typing.get_args(annotation):
        yield from _models(inner)


def _choices(section: Section, tag: str) -> str:
    (choice,) = typing.get_args(section.model_fields[tag].annotation)[:1]
    return f"`{tag}: {choice}`"


def _table(title: str, section: Section) -> str:
    doc = inspect.getdoc(section) or ""
    about = re.split(r"\n(?:Attributes|Raises|Args):\n", doc, maxsplit=1)[0].strip()
    rows = [
        f"| `{key}` | {_type(field)} | {_default(field)} | {_description(section, key, field)} |"
        for key, field in section.model_fields.items()
        if key not in _TAGS
    ]
    head = ["| key | takes | default | what it says |", "| --- | --- | --- | --- |"]
    heading = f"### {title}\n\n{about}\n"
    return "\n".join([heading, *head, *rows, ""]) if rows else heading


def _type(field: FieldInfo) -> str:
    if next(_models(field.annotation), None) is not None:
        return "a section"
    bounds = [
        pattern.format(f"{getattr(limit, name):g}")
        for limit in field.metadata
        for name, pattern in _BOUNDS.items()
        if getattr(limit, name, None) is not None
    ]
    return ", ".join([_name(field.annotation), *bounds])


def _name(annotation: Any) -> str:
    origin, inner = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is Literal:
        return ", ".join(f"`{value}`" for value in inner)
    if origin in (list, tuple):
        is_section = inner[0] is dict or typing.get_origin(inner[0]) is dict or _is_model(inner[0])
        return "a list of sections" if is_section else f"a list: {_name(inner[0])} each"
    if origin is dict or annotation is Any:
        return "a section"
    if origin is typing.Annotated:
        return _name(inner[0])
    if inner:
        return " or ".join(dict.fromkeys(_name(one) for one in inner))
    return _NAMES.get(annotation, str(annotation))


def _is_model(annotation: Any) -> bool:
    return next(_models(annotation), None) is not None


def _default(field: FieldInfo) -> str:
    if field.default is PydanticUndefined:
        return "required"
    if isinstance(field.default, BaseModel):
        return "its own defaults"
    if field.default in (None, (), []):
        return "none"
    return f"`{json.dumps(field.default)}`"


def _description(section: Section, key: str, field: FieldInfo) -> str:
    text = field.description or _attribute(section, key) or _first_sentence(field)
    return re.sub(r"\s+", " ", text).strip().replace("|", "\\|")


def _first_sentence(field: FieldInfo) -> str:
    """Return what a single kind of section says of itself; several say it where they stand."""
    sections = list(dict.fromkeys(_models(field.annotation)))
    return (inspect.getdoc(sections[0]) or "").splitlines()[0] if len(sections) == 1 else ""


def _attribute(section: Section, key: str) -> str:
    doc = inspect.getdoc(section) or ""
    found = re.search(rf"^    {key}: (.*?)(?=^    \w+: |\Z|^\S)", doc, flags=re.M | re.S)
    return found[1] if found else ""
