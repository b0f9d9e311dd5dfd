"""`--set key.path=value`: changes to a sweep file's values from the command line."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from search_spaces.problems import SpaceError
from search_spaces.yaml_reader import parse_yaml
from sweeps.errors import FileProblem, SweepFileError

__all__ = ["Override", "apply_overrides", "parse_override"]


@dataclass(frozen=True)
class Override:
    """One change: the text as typed, the keys it goes to, and the value read as YAML."""

    text: str
    path: tuple[str | int, ...]
    value: Any


def parse_override(text: str) -> Override:
    """Return the change that `key.path=value` asks for; list positions are numbers.

    Raises:
        SweepFileError: It has no `=`, an empty key, or a value that is no YAML.
    """
    key, equals, value = text.partition("=")
    parts = key.strip().split(".")
    if not equals or not all(parts):
        raise _wrong(text, "write --set key.path=value, for example --set search.trials=10")
    try:
        parsed = parse_yaml(f"value: {value}", text).value["value"]
    except SpaceError as err:
        raise _wrong(text, f"the value {value!r} is no YAML: {err}") from err
    path = tuple(int(part) if part.isdigit() else part for part in parts)
    return Override(text, path, parsed)


def apply_overrides(value: Mapping[str, Any], overrides: Iterable[Override]) -> dict[str, Any]:
    """Return a copy of `value` with each override in it; a missing section is made.

    Raises:
        SweepFileError: A key path runs through something that is no section or list.
    """
    changed = copy.deepcopy(dict(value))
    for override in overrides:
        _put(changed, override)
    return changed


def _put(target: Any, override: Override) -> None:
    *parents, last = override.path
    for depth, item in enumerate(parents):
        if isinstance(target, dict) and isinstance(item, str):
            if target.get(item) is None:
                target[item] = {}
            target = target[item]
        elif isinstance(target, list) and isinstance(item, int) and item < len(target):
            target = target[item]
        else:
            place = ".".join(str(part) for part in override.path[: depth + 1])
            raise _wrong(override.text, f"there is no {place} in the sweep file")
    if isinstance(target, dict) and isinstance(last, str):
        target[last] = override.value
        return
    if isinstance(target, list) and isinstance(last, int) and last < len(target):
        target[last] = override.value
        return
    raise _wrong(override.text, "the key before the last is neither a section nor a list")


def _wrong(text: str, rule: str) -> SweepFileError:
    return SweepFileError([FileProblem(f"--set {text}", 0, 0, "", rule)])
