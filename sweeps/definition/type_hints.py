"""What to write where a value has the wrong type."""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Any

from sweeps.definition.other_names import parameter_answer
from sweeps.search_spaces.problems import number_hint

__all__ = ["WHOLE_TYPES", "type_hint"]

_SCALAR_TYPES = frozenset({"int_type", "int_from_float", "float_type", "string_type", "bool_type"})
WHOLE_TYPES = frozenset({"int_type", "int_from_float"})
_PARAMETER_HINT = (
    "a parameter is {float: [low, high]}, {int: [low, high]} or {choice: [...]} in `space`"
)
# How other tools name the ends of a range.
_ENDS = (("min", "max"), ("low", "high"), ("lower", "upper"))
# For a value of all layers: the key for one of each.
_OF_EACH_LAYER = {
    "hidden_layers": "hidden_layer_sizes",
    "hidden_units": "hidden_layer_sizes",
    "dropout": "hidden_layer_dropout",
}


def type_hint(kind: str, path: tuple[str | int, ...], value: object, keys: Container[str]) -> str:
    """Return the next step for a value of the wrong type, empty if there is none to name.

    Args:
        kind: Pydantic's type of the error.
        keys: those of the section that holds the value.
    """
    return _objective_hint(path, value) or _layers_hint(path, value, keys) or _any(kind, value)


def _objective_hint(path: tuple[str | int, ...], value: object) -> str:
    """Return names of metrics as the section, or the list of sections, that has to have them."""
    if path[:1] != ("objective",) or "metric" in path:
        return ""
    if isinstance(value, str):
        return f"write {{metric: {value}}}"
    if path == ("objective",) and isinstance(value, list):
        names = [one for one in value if isinstance(one, str)] or ["dev_loss", "parameters"]
        return f"write [{', '.join(f'{{metric: {name}}}' for name in names)}]"
    return ""


def _layers_hint(path: tuple[str | int, ...], value: object, keys: Container[str]) -> str:
    """Return the key for one value per layer where a list stands at that for all layers."""
    each = _OF_EACH_LAYER.get(str(path[-1]) if path else "", "")
    if not isinstance(value, list) or each not in keys:
        return ""
    return f"{_PARAMETER_HINT}; one value per layer is `{each}`"


def _any(kind: str, value: object) -> str:
    """Return the fix for a value of the wrong type."""
    answer = parameter_answer(value)
    if answer:
        return answer
    if isinstance(value, str):
        return number_hint(value)
    if kind in _SCALAR_TYPES and isinstance(value, Mapping) and (ends := _ends(value)):
        name = "int" if kind in WHOLE_TYPES else "float"
        return f"write `{{{name}: [{ends[0]}, {ends[1]}]}}`"
    if kind == "string_type" and isinstance(value, int | float):
        return "put it in quotes"
    if kind in _SCALAR_TYPES and isinstance(value, Mapping | list):
        return _PARAMETER_HINT
    return ""


def _ends(value: Mapping[str, Any]) -> tuple[object, ...]:
    """Return the ends of a range that is written as `{min: ..., max: ...}`; empty of others."""
    for names in _ENDS:
        found = tuple(value.get(name) for name in names)
        if value.keys() == {*names} and all(isinstance(one, int | float) for one in found):
            return found
    return ()
