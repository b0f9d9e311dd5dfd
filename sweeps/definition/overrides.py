"""`--set key.path=value`: changes to a sweep file's values from the command line."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sweeps.errors import FileProblem, SweepFileError
from sweeps.search_spaces.problems import SpaceError
from sweeps.search_spaces.yaml_reader import parse_yaml

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
        SweepFileError: It has no `=`, an empty key, or a value that is not YAML.
    """
    key, equals, value = text.partition("=")
    parts = key.strip().split(".")
    if not equals or not all(parts):
        raise _wrong(text, "write --set key.path=value, for example --set search.trials=10")
    try:
        document = parse_yaml(f"value: {value}", text).value
    except SpaceError as err:
        raise _wrong(text, f"the value {value!r} is not valid YAML: {err}") from err
    if set(document) != {"value"}:
        raise _wrong(
            text, f"give one value, got {value!r}", "write several as one [list] or {mapping}"
        )
    path = tuple(int(part) if part.isdigit() else part for part in parts)
    return Override(text, path, document["value"])


def apply_overrides(value: Mapping[str, Any], overrides: Iterable[Override]) -> dict[str, Any]:
    """Return a copy of `value` with each override in it; a missing section is made.

    Raises:
        SweepFileError: A key path runs through something that is neither a section nor a list.
    """
    changed = copy.deepcopy(dict(value))
    for override in overrides:
        _put(changed, override)
    return changed


def _put(target: Any, override: Override) -> None:
    for depth, item in enumerate(override.path[:-1]):
        _refuse_missing(target, override, depth)
        if isinstance(target, dict) and target.get(item) is None:
            target[item] = {}
        target = target[item]
    _refuse_missing(target, override, len(override.path) - 1)
    target[override.path[-1]] = override.value


def _refuse_missing(target: Any, override: Override, depth: int) -> None:
    """Raise SweepFileError unless `target` can have the path's key number `depth`."""
    item = override.path[depth]
    place = ".".join(str(part) for part in override.path[:depth])
    if isinstance(target, dict):
        if not isinstance(item, str):
            raise _wrong(override.text, f"{place} has keys; {item} is a position in a list")
    elif not isinstance(target, list):
        raise _wrong(override.text, f"{place} is {target!r}, and has no {item!r} inside")
    elif not isinstance(item, int) or item >= len(target):
        positions = f"positions 0 to {len(target) - 1}" if target else "no positions"
        raise _wrong(override.text, f"{place} is a list with {positions}, got {item!r}")


def _wrong(text: str, rule: str, hint: str = "") -> SweepFileError:
    return SweepFileError([FileProblem(f"--set {text}", 0, 0, "", rule, hint=hint)])
