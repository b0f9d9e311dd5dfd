"""Writes plain values as a YAML file for people, with comments where they belong."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from sweeps.search_spaces.parameters import looks_like_parameter
from sweeps.search_spaces.problems import KeyPath

__all__ = ["write_yaml"]

_WIDTH = 90
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_]*([.-][A-Za-z0-9_]+)*")
# What YAML's versions take for a truth value, for nothing or for a number.
_OTHERWISE_READ = {"true", "false", "null", "yes", "no", "on", "off", "y", "n", "nan", "inf"}


def write_yaml(value: Mapping[str, Any], comments: Mapping[KeyPath, str], head: str = "") -> str:
    """Return YAML that `parse_yaml` reads as `value`.

    Args:
        value: Keys and plain values; mappings and lists may be nested.
        comments: Texts by key path; each stands on a line above its key or list item.
        head: Comment lines at the top.
    """
    lines = [f"# {line}".rstrip() for line in head.splitlines()]
    return "\n".join([*lines, *_mapping(value, (), comments, "")]) + "\n"


def _mapping(
    value: Mapping[str, Any], path: KeyPath, comments: Mapping[KeyPath, str], indent: str
) -> Iterator[str]:
    for key, inner in value.items():
        place = (*path, key)
        yield from _comment(comments.get(place), indent)
        if _is_flow(inner, place, comments):
            yield f"{indent}{_word(key)}: {_flow(inner)}"
        elif isinstance(inner, Mapping):
            yield f"{indent}{_word(key)}:"
            yield from _mapping(inner, place, comments, indent + "  ")
        else:
            yield f"{indent}{_word(key)}:"
            yield from _list(inner, place, comments, indent + "  ")


def _list(
    value: list[Any], path: KeyPath, comments: Mapping[KeyPath, str], indent: str
) -> Iterator[str]:
    for position, inner in enumerate(value):
        place = (*path, position)
        yield from _comment(comments.get(place), indent)
        if _is_flow(inner, place, comments) or not isinstance(inner, Mapping):
            yield f"{indent}- {_flow(inner)}"
            continue
        first, *rest = _mapping(inner, place, comments, indent + "  ")
        if first.lstrip().startswith("#"):  # the dash goes to the first line that is not a comment
            yield f"{indent}-"
            yield first
        else:
            yield f"{indent}- {first.lstrip()}"
        yield from rest


def _is_flow(value: Any, path: KeyPath, comments: Mapping[KeyPath, str]) -> bool:
    """Short values stand on one line, unless something inside them has a comment."""
    if not isinstance(value, Mapping | list) or not value:
        return True
    if any(len(place) > len(path) and place[: len(path)] == path for place in comments):
        return False
    is_flat = not isinstance(value, Mapping) or path[:-1] != ()
    return (is_flat or looks_like_parameter(value)) and len(_flow(value)) < _WIDTH


def _flow(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_word(key)}: {_flow(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_flow, value)) + "]"
    return _word(value) if isinstance(value, str) else json.dumps(value)


def _word(text: str) -> str:
    """Return a text without quotes where nobody could take it for something else."""
    is_plain = _PLAIN.fullmatch(text) and text.lower() not in _OTHERWISE_READ
    return text if is_plain else '"' + "".join(map(_character, text)) + '"'


def _character(one: str) -> str:
    if one in '"\\':
        return f"\\{one}"
    return one if one.isprintable() else f"\\U{ord(one):08x}"


def _comment(text: str | None, indent: str) -> Iterator[str]:
    """Yield a text as comment lines of a readable width."""
    line = ""
    for word in (text or "").split():
        if line and len(line) + len(word) > _WIDTH:
            yield f"{indent}# {line.strip()}"
            line = ""
        line += f"{word} "
    if line:
        yield f"{indent}# {line.strip()}"
