"""Which value each dimension of a space has in a configuration that was drawn from it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from search_spaces.space_tree import ChoiceNode, ListNode, Node, RangeNode, ValueNode

__all__ = ["read_back"]


def read_back(root: Node, configuration: Any, count: int) -> list[float | None]:
    """Return a number a dimension: a range's value, or the position of a choice's option.

    None stands for a parameter that the configuration does not have. Keys that the space does not
    know, such as defaults that were filled in later, are passed over; of options that fit the one
    that says most of the value counts, and of those that say as much the first.

    Args:
        count: How many dimensions the space has.
    """
    values: list[float | None] = [None] * count
    _read(root, configuration, values)
    return values


def _read(node: Node, value: Any, values: list[float | None]) -> None:
    if isinstance(node, RangeNode):
        values[node.dimension] = value
    elif isinstance(node, ChoiceNode):
        fitting = [at for at, option in enumerate(node.options) if _fits(option, value)]
        if fitting:
            position = max(fitting, key=lambda at: _said(node.options[at], value))
            values[node.dimension] = position
            _read(node.options[position], value, values)
    elif isinstance(node, ListNode):
        for child, inner in zip(node.children, value, strict=False):
            _read(child, inner, values)
    elif not isinstance(node, ValueNode) and isinstance(value, Mapping):
        for key, child in node.children.items():
            if key in value:
                _read(child, value[key], values)


def _said(node: Node, value: Any) -> int:
    """Return how many values of a configuration that fits are given by `node`."""
    if isinstance(node, ValueNode | RangeNode):
        return 1
    if isinstance(node, ChoiceNode):
        return max(_said(option, value) for option in node.options if _fits(option, value))
    if isinstance(node, ListNode):
        return sum(map(_said, node.children, value))
    return sum(_said(child, value[key]) for key, child in node.children.items())


def _fits(node: Node, value: Any) -> bool:
    """Return whether `value` can have come from `node`, whatever was added to it since."""
    if isinstance(node, ValueNode):
        return bool(node.value == value)
    if isinstance(node, RangeNode):
        return node.parameter.contains(value)
    if isinstance(node, ChoiceNode):
        return any(_fits(option, value) for option in node.options)
    if isinstance(node, ListNode):
        is_list = isinstance(value, list) and len(value) == len(node.children)
        return is_list and all(map(_fits, node.children, value))
    return isinstance(value, Mapping) and all(
        key in value and _fits(child, value[key]) for key, child in node.children.items()
    )
