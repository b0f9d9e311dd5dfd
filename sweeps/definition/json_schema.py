"""The JSON Schema of sweep files, for completion in editors.

It is derived from the models that check a file: in `space`, every value and every section may also
be a parameter. What needs several values at once (bounds of ranges, constraints) is for `validate`.
"""

from __future__ import annotations

import copy
from typing import Any

from pydantic import BaseModel

from sweeps.definition.sweep_file import SweepFile
from sweeps.models.configuration import TrialConfig
from sweeps.models.own_training_configuration import OwnTrialConfig

__all__ = ["sweep_schema"]

Schema = dict[str, Any]
_DRAFT = "https://json-schema.org/draft/2020-12/schema"
_NUMBER: Schema = {"type": "number"}


def sweep_schema() -> Schema:
    """Return the schema as a JSON value (draft 2020-12)."""
    schema = SweepFile.model_json_schema()
    definitions: Schema = schema.pop("$defs")
    spaces: list[Schema] = []
    trials: dict[str, type[BaseModel]] = {"Space": TrialConfig, "OwnTrainingSpace": OwnTrialConfig}
    for name, model in trials.items():
        definitions |= _space_definitions(name, model.model_json_schema())
        spaces.append({"$ref": f"#/$defs/{name}"})
    definitions |= _parameters()
    for section in ("baseline", "configurations"):
        _point_listed(definitions, section)
    schema["properties"]["space"] = {"anyOf": [*spaces, _choice_of(spaces)]}
    schema["properties"]["objective"] = _one_or_list(schema["properties"]["objective"])
    # Only own training does without data.
    own = {"properties": {"space": {"anyOf": [spaces[1], _choice_of([spaces[1]])]}}}
    schema["anyOf"] = [{"required": ["data"]}, own]
    return {"$schema": _DRAFT, **schema, "$defs": definitions}


def _one_or_list(objective: Schema) -> Schema:
    """Return the schema of the objective, or of a list of which it is the first."""
    listed: Schema = {
        "type": "array",
        "prefixItems": [{"$ref": "#/$defs/ObjectiveSection"}],
        "items": {"$ref": "#/$defs/OtherObjective"},
        "minItems": 1,
    }
    about: Schema = {
        key: objective.pop(key) for key in ("default", "description") if key in objective
    }
    return {"anyOf": [objective, listed], **about}


def _space_definitions(name: str, trial: Schema) -> Schema:
    """Return a trial's configuration, under a name, and its sections, in which all may vary."""
    kinds = _kinds(trial)
    sections = trial.pop("$defs")
    names = {section: f"Space{section}" for section in sections}
    varying = {
        names[section]: _varying_section(_renamed(definition, names), kinds.get(section))
        for section, definition in sections.items()
    }
    return {**varying, name: _varying_section(_renamed(trial, names))}


def _kinds(trial: Schema) -> dict[str, list[str]]:
    """Return, for each kind of a section, the kinds that there are of that section."""
    mappings = [
        value["discriminator"]["mapping"]
        for value in trial["properties"].values()
        if "discriminator" in value
    ]
    return {
        reference.rpartition("/")[2]: list(mapping)
        for mapping in mappings
        for reference in mapping.values()
    }


def _point_listed(definitions: Schema, section: str) -> None:
    """Say of configurations listed by hand no more than that they are sections."""
    for definition in definitions.values():
        listed = definition.get("properties", {}).get(section)
        if listed is not None:
            listed["items"] = {"type": "object"}


def _parameters() -> Schema:
    """Return the schemas of the parameter kinds."""

    def ranged(kind: str, number: Schema) -> Schema:
        options: Schema = {
            "log": {"type": "boolean", "description": "Draw on a logarithmic scale."},
            "step": {**number, "exclusiveMinimum": 0},
            "points": {
                "type": "integer",
                "minimum": 2,
                "description": "Values of a grid, both bounds included.",
            },
        }
        what = f"{kind} between two bounds, both included"
        return _of_two_numbers(kind, number, what, options)

    return {
        "FloatParameter": ranged("float", _NUMBER),
        "IntParameter": ranged("int", {"type": "integer"}),
        "NormalParameter": _normal("normal", "the numbers"),
        "LognormalParameter": _normal("lognormal", "their natural logarithms"),
        "ChoiceInChoice": _choice_of([{}]),
    }


def _normal(kind: str, of: str) -> Schema:
    options: Schema = {
        "low": {**_NUMBER, "description": "Smallest number."},
        "high": {**_NUMBER, "description": "Largest number."},
        "points": {"type": "integer", "minimum": 2, "description": "Values of a grid."},
    }
    return _of_two_numbers(kind, _NUMBER, f"[mean, standard deviation] of {of}", options)


def _of_two_numbers(kind: str, number: Schema, what: str, options: Schema) -> Schema:
    """Return the schema of a parameter that is two numbers and, where given, its options."""
    pair = {"type": "array", "items": number, "minItems": 2, "maxItems": 2}
    return {
        "type": "object",
        "description": f"A parameter: {what}.",
        "properties": {kind: pair, **options},
        "required": [kind],
        "additionalProperties": False,
    }


def _choice_of(alternatives: list[Schema]) -> Schema:
    items = alternatives[0] if len(alternatives) == 1 else {"anyOf": alternatives}
    return {
        "type": "object",
        "description": "A parameter: one of these values or sections.",
        "properties": {
            "choice": {"type": "array", "items": items, "minItems": 1},
            "weights": {"type": "array", "items": {"type": "number", "exclusiveMinimum": 0}},
        },
        "required": ["choice"],
        "additionalProperties": False,
    }


def _varying_section(section: Schema, kinds: list[str] | None = None) -> Schema:
    """Return an object schema in which each property may also be a parameter.

    Args:
        kinds: What `kind` may be in sections that stand in the same place; a choice of kinds has
            only keys that all of them have, which is left to `validate`.
    """
    varying = copy.deepcopy(section)
    for key, value in varying.get("properties", {}).items():
        varying["properties"][key] = _varying(value)
    if kinds is not None:
        tag = section["properties"]["kind"]
        varying["properties"]["kind"] = {"anyOf": [tag, _choice_of([{"enum": kinds}])]}
        varying["required"] = list(dict.fromkeys(["kind", *section.get("required", [])]))
    return varying


def _varying(value: Schema) -> Schema:
    ranges = _ranges_for(value)
    if "items" in value:
        item = value["items"]
        choice = {"$ref": "#/$defs/ChoiceInChoice"}
        value = {**value, "items": {"anyOf": [item, *_ranges_for(item), choice]}}
    choice = _choice_of([value, *ranges, {"$ref": "#/$defs/ChoiceInChoice"}])
    shown: Schema = {key: value[key] for key in ("description", "title", "default") if key in value}
    return {**shown, "anyOf": [value, choice, *ranges]}


def _ranges_for(value: Schema) -> list[Schema]:
    """Return the ranges that may stand for a value."""
    ranges: list[Schema] = []
    if _takes(value, ("number",)):
        kinds = ("Float", "Normal", "Lognormal")
        ranges += [{"$ref": f"#/$defs/{kind}Parameter"} for kind in kinds]
    if _takes(value, ("integer", "number")):
        ranges.append({"$ref": "#/$defs/IntParameter"})
    return ranges


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
        elif key == "oneOf":  # a choice of kinds may suit several
            renamed["anyOf"] = _renamed(inner, names)
        else:
            renamed[key] = _renamed(inner, names)
    return renamed
