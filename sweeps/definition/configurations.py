"""Trial configurations as flat, dotted keys: what tables, messages and MLflow show."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sweeps.models.changes import changed_until

__all__ = ["flatten", "varied_in", "varied_keys"]

# What a flat configuration has where a section, or a list of them, is absent.
_NOTHING = {"null", "{}", "[]"}


def flatten(configuration: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return dotted keys and plain values; an absent section (None) stays one key.

    Sections in a list have their positions as keys. A trial whose values change on its way has
    those that it ends with; `sweeps.definition.lineage.schedule_of` has them all.
    """
    flat: dict[str, Any] = {}
    if not prefix and isinstance(configuration.get("changes"), list):
        configuration = changed_until(configuration)
    for key, value in configuration.items():
        if isinstance(value, list) and any(isinstance(one, Mapping) for one in value):
            flat |= flatten({str(at): one for at, one in enumerate(value)}, f"{prefix}{key}.")
        elif isinstance(value, Mapping) and value:
            flat |= flatten(value, f"{prefix}{key}.")
        else:
            flat[prefix + key] = value
    return flat


def varied_keys(flats: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the keys that differ among the flat configurations that have them, in order.

    A default that only one option of a choice has (Adam's beta1) is the same wherever it is, and
    is left out; the `kind` that was chosen tells as much. Where a section is absent in some, or a
    value is in its place, one of its keys tells where it is.
    """
    values: dict[str, set[str]] = {}
    for flat in flats:
        for key, value in flat.items():
            values.setdefault(key, set()).add(json.dumps(value))
    varied = {key for key, found in values.items() if len(found) > 1}
    for key, found in values.items():
        inside = [one for one in values if one.startswith(f"{key}.")]
        if inside:
            varied |= {key} if found - _NOTHING else set()
            varied |= set() if varied.intersection(inside) else {inside[0]}
    return [key for key in values if key in varied]


def varied_in(flat: Mapping[str, Any], varied: Sequence[str]) -> list[str]:
    """Return the keys by which one configuration shows what was varied.

    Where it lacks a section that others have, that is the section's own key.

    Args:
        varied: As `varied_keys` returns them, of configurations among which it is.
    """
    return [key for key in flat if any(f"{one}.".startswith(f"{key}.") for one in varied)]
