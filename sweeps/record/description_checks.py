"""What sweep.json must hold for the folder to be read at all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sweeps.record.seals import SEAL_KEY, seal_of

__all__ = ["check_description"]

_TEXT = ("a text", lambda value: isinstance(value, str))
_OBJECT = ("an object", lambda value: isinstance(value, dict))
_RULES: Mapping[str, tuple[str, Callable[[Any], bool]]] = {
    "id": _TEXT,
    "base_dir": _TEXT,
    "overrides": (
        "a list of texts",
        lambda value: isinstance(value, list) and all(isinstance(one, str) for one in value),
    ),
    "goal": _OBJECT,
    "goal.metric": _TEXT,
    "goal.mode": ("min or max", lambda value: value in ("min", "max")),
    "data": _OBJECT,
    "data.digest": _TEXT,
    "data.split": _OBJECT,
    "data.splits": ("a list", lambda value: isinstance(value, list)),
    "trials": ("a whole number above 0", lambda value: type(value) is int and value > 0),
    "sweep": _OBJECT,
}


def check_description(description: Mapping[str, Any]) -> None:
    """Raise ValueError where a description was edited, or lacks what it must have."""
    has_seal = SEAL_KEY in description or description.get("format", 1) != 1
    if has_seal and description.get(SEAL_KEY) != seal_of(description):
        raise ValueError("its checksum does not match its content")
    for place, (kind, holds) in _RULES.items():
        value = _at(description, place)
        if not holds(value):
            raise ValueError(f"{place} must be {kind}, got {value!r}")
    lines, trials = description.get("plan_lines"), description["trials"]
    if lines is not None and not (type(lines) is int and 0 < lines <= trials):
        raise ValueError(f"plan_lines must be a whole number from 1 to {trials}, got {lines!r}")


def _at(description: Mapping[str, Any], place: str) -> Any:
    """Return the value at a dotted place; raises ValueError where there is none."""
    value: Any = description
    for key in place.split("."):
        if key not in value:
            raise ValueError(f"{place} is missing")
        value = value[key]
    return value
