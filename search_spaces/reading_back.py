"""Which value each dimension of a space has in a configuration that was drawn from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sweeps.search_spaces.problems import KeyPath
from sweeps.search_spaces.space_tree import ChoiceNode, ListNode, Node, RangeNode, ValueNode

__all__ = ["Complete", "read_back"]

Complete = Callable[[Any], Any]
_Reproduces = Callable[[KeyPath, Any], bool]


@dataclass(frozen=True)
class _Reading:
    """How a node can have given a value.

    Attributes:
        source_part: The part of the value that the node gives; the rest was filled in later.
        numbers: Of the dimensions inside.
        parts: How many values are given.
        ranges: How many of these come from ranges.
    """

    source_part: Any
    numbers: dict[int, float]
    parts: int
    ranges: int


def read_back(
    root: Node, configuration: Any, count: int, complete: Complete | None = None
) -> list[float | None]:
    """Return a number a dimension: a range's value, or the position of a choice's option.

    None stands for a parameter that the configuration does not have. Keys that the space does not
    know, such as defaults that were filled in later, are passed over.

    Several options of a choice may fit: `{}` and `{dropout: ...}` both do where 0 is dropout's
    default. Those count from which `complete` makes the configuration, and of these the one that
    needs the fewest values of ranges: a range seldom comes to just the default. Without `complete`,
    or where it makes the configuration from none, the option that says most of the value counts.

    Args:
        count: How many dimensions the space has.
        complete: Returns a configuration with every default, or None for one that is illegal.
    """
    values: list[float | None] = [None] * count

    def reproduces(place: KeyPath, source_part: Any) -> bool:
        made = None if complete is None else complete(_replaced(configuration, place, source_part))
        return bool(made == configuration)

    _read(root, configuration, (), values, reproduces)
    return values


def _read(
    node: Node, value: Any, place: KeyPath, values: list[float | None], reproduces: _Reproduces
) -> None:
    """Enter the numbers below `node`; outside of options a value may lie beyond its range."""
    if isinstance(node, RangeNode):
        values[node.dimension] = value
    elif isinstance(node, ChoiceNode):
        reading = _reading(node, value, place, reproduces)
        for dimension, number in (reading.numbers if reading else {}).items():
            values[dimension] = number
    elif isinstance(node, ListNode):
        for at, (child, inner) in enumerate(zip(node.children, value, strict=False)):
            _read(child, inner, (*place, at), values, reproduces)
    elif not isinstance(node, ValueNode) and isinstance(value, Mapping):
        for key, child in node.children.items():
            if key in value:
                _read(child, value[key], (*place, key), values, reproduces)


def _reading(node: Node, value: Any, place: KeyPath, reproduces: _Reproduces) -> _Reading | None:
    """Return how `value` can have come from `node`, whatever was added to it since; None if not."""
    if isinstance(node, ValueNode):
        return _Reading(value, {}, 1, 0) if node.value == value else None
    if isinstance(node, RangeNode):
        is_inside = node.parameter.contains(value)
        return _Reading(value, {node.dimension: value}, 1, 1) if is_inside else None
    if isinstance(node, ChoiceNode):
        return _chosen(node, value, place, reproduces)
    if isinstance(node, ListNode):
        if not isinstance(value, list) or len(value) != len(node.children):
            return None
        inner = _inner_readings(dict(enumerate(node.children)), value, place, reproduces)
        return None if inner is None else _merge(inner, [one.source_part for one in inner.values()])
    if not isinstance(value, Mapping) or not node.children.keys() <= value.keys():
        return None
    inner = _inner_readings(node.children, value, place, reproduces)
    return (
        None if inner is None else _merge(inner, {k: one.source_part for k, one in inner.items()})
    )


def _inner_readings(
    children: Mapping[Any, Node], value: Any, place: KeyPath, reproduces: _Reproduces
) -> dict[Any, _Reading] | None:
    """Return a reading of every child; None where one does not fit."""
    found: dict[Any, _Reading] = {}
    for key, child in children.items():
        reading = _reading(child, value[key], (*place, key), reproduces)
        if reading is None:
            return None
        found[key] = reading
    return found


def _merge(inner: Mapping[Any, _Reading], source_part: Any) -> _Reading:
    return _Reading(
        source_part,
        {dimension: number for one in inner.values() for dimension, number in one.numbers.items()},
        sum(one.parts for one in inner.values()),
        sum(one.ranges for one in inner.values()),
    )


def _chosen(
    node: ChoiceNode, value: Any, place: KeyPath, reproduces: _Reproduces
) -> _Reading | None:
    """Return the reading of the option that was chosen, its position among the numbers."""
    readings = [_reading(option, value, place, reproduces) for option in node.options]
    fitting = {at: one for at, one in enumerate(readings) if one is not None}
    if not fitting:
        return None
    chosen = next(iter(fitting))
    if len(fitting) > 1:
        reproducing = [at for at, one in fitting.items() if reproduces(place, one.source_part)]
        if reproducing:
            chosen = min(reproducing, key=lambda at: fitting[at].ranges)
        else:
            chosen = max(fitting, key=lambda at: (fitting[at].parts, -fitting[at].ranges))
    one = fitting[chosen]
    return _Reading(one.source_part, {**one.numbers, node.dimension: chosen}, one.parts, one.ranges)


def _replaced(whole: Any, place: KeyPath, part: Any) -> Any:
    """Return a copy of `whole` with `part` at `place`."""
    if not place:
        return part
    key, rest = place[0], place[1:]
    if isinstance(whole, list):
        return [_replaced(one, rest, part) if at == key else one for at, one in enumerate(whole)]
    return {**whole, key: _replaced(whole[key], rest, part)}
