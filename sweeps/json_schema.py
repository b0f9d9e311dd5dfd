"""The JSON Schema of sweep files, for completion in editors.

It is derived from the models that check a file: in `space`, every value and every section may also
be a parameter. What needs several values at once (bounds of ranges, constraints) is for `validate`.
"""

from __future__ import annotations

import copy
from typing import Any

from models.configuration import TrialConfig
from sweeps.sweep_file import SweepFile

__all__ = ["sweep_schema"]

Schema = dict[str, Any]
_DRAFT = "https://json-schema.org/draft/2020-12/schema"
_NUMBER: Schema = {"type": "number"}


def sweep_schema() -> Schema:
    """Return the schema as a JSON value (draft 2020-12)."""
    schema = SweepFile.model_json_schema()
    trial = TrialConfig.model_json_schema(ref_template="#/$defs/{model}")
    definitions: Schema = schema.pop("$defs")
    names = {name: f"Space{name}" for name in trial.pop("$defs", {})}
    for name, definition in TrialConfig.model_json_schema()["$defs"].items():
        definitions[names[name]] = _varying_section(_renamed(definition, names))
    definitions["Space"] = _varying_section(_renamed(trial, names))
    definitions |= _parameters()
    for section in ("baseline", "configurations"):
        _point_listed(definitions, section)
    schema["properties"]["space"] = {"$ref": "#/$defs/Space"}
    return {"$schema": _DRAFT, **schema, "$defs": definitions}


def _point_listed(definitions: Schema, section: str) -> None:
    """Say of configurations listed by hand no more than that they are sections."""
    for definition in definitions.values():
        listed = definition.get("properties", {}).get(section)
        if listed is not None:
            listed["items"] = {"type": "object"}


def _parameters() -> Schema:
    """Return the schemas of the three parameter kinds."""

    def ranged(kind: str, number: Schema) -> Schema:
        return {
            "type": "object",
            "description": f"A parameter: {kind} between two bounds, both included.",
            "properties": {
                kind: {"type": "array", "items": number, "minItems": 2, "maxItems": 2},
                "log": {"type": "boolean", "description": "Draw on a logarithmic scale."},
                "step": {**number, "exclusiveMinimum": 0},
                "points": {
                    "type": "integer",
                    "minimum": 2,
                    "description": "Values of a grid, both bounds included.",
                },
            },
            "required": [kind],
            "additionalProperties": False,
        }

    return {
        "FloatParameter": ranged("float", _NUMBER),
        "IntParameter": ranged("int", {"type": "integer"}),
    }


def _choice_of(schema: Schema) -> Schema:
    return {
        "type": "object",
        "description": "A parameter: one of these values or sections.",
        "properties": {
            "choice": {"type": "array", "items": schema, "minItems": 1},
            "weights": {"type": "array", "items": {"type": "number", "exclusiveMinimum": 0}},
        },
        "required": ["choice"],
        "additionalProperties": False,
    }


def _varying_section(section: Schema) -> Schema:
    """Return an object schema in which each property may also be a parameter."""
    varying = copy.deepcopy(section)
    for key, value in varying.get("properties", {}).items():
        varying["properties"][key] = _varying(value, is_tag=key == "kind")
    return varying


def _varying(value: Schema, is_tag: bool) -> Schema:
    if is_tag:
        return value
    alternatives = [value, _choice_of(value)]
    if _takes(value, ("number",)):
        alternatives.append({"$ref": "#/$defs/FloatParameter"})
    if _takes(value, ("integer", "number")):
        alternatives.append({"$ref": "#/$defs/IntParameter"})
    shown: Schema = {key: value[key] for key in ("description", "title", "default") if key in value}
    return {**shown, "anyOf": alternatives}


def _takes(value: Schema, types: tuple[str, ...]) -> bool:
    if value.get("type") in types:
        return True
    return any(_takes(inner, types) for inner in value.get("anyOf", []))


def _renamed(value: Any, names: dict[str, str]) -> Any:
    """Return `value` with its references pointing at the renamed definitions."""
    if isinstance(value, list):
        return [_renamed(inner, names) for inner in value]
    if not isinstance(value, dict):
        return value
    renamed = {}
    for key, inner in value.items():
        if key == "$ref":
            renamed[key] = f"#/$defs/{names[inner.rpartition('/')[2]]}"
        elif key == "discriminator":
            continue
        else:
            renamed[key] = _renamed(inner, names)
    return renamed
