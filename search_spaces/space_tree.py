"""The tree that a `space:` section is read into: sections and lists, values, ranges and choices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from sweeps.search_spaces.parameters import (
    Choice,
    FloatRange,
    IntRange,
    Normal,
    Parameter,
    looks_like_parameter,
    parameter_from,
)
from sweeps.search_spaces.problems import KeyPath, Problem, SpaceError

__all__ = [
    "ChoiceNode",
    "ListNode",
    "Node",
    "RangeNode",
    "SectionNode",
    "ValueNode",
    "read_tree",
]


@dataclass(frozen=True)
class ValueNode:
    """A fixed value."""

    value: Any


@dataclass(frozen=True)
class RangeNode:
    """A range, the space's dimension number `dimension`."""

    parameter: FloatRange | IntRange | Normal
    dimension: int
    path: KeyPath


@dataclass(frozen=True)
class ChoiceNode:
    """A choice; each option is a tree of its own."""

    parameter: Choice
    options: tuple[Node, ...]
    dimension: int
    path: KeyPath


@dataclass(frozen=True)
class SectionNode:
    """A mapping of keys to trees."""

    children: dict[str, Node]


@dataclass(frozen=True)
class ListNode:
    """A list of trees."""

    children: tuple[Node, ...]


Node = ValueNode | RangeNode | ChoiceNode | SectionNode | ListNode


def read_tree(
    value: Any,
    path: KeyPath,
    dimensions: list[tuple[KeyPath, Parameter]],
    problems: list[Problem],
) -> Node:
    """Return the tree of `value`, which stands at `path`.

    Args:
        dimensions: Gains (path, parameter) of each parameter, in document order.
        problems: Gains what is wrong; the tree is of no use then.
    """
    if isinstance(value, Mapping):
        if looks_like_parameter(value):
            return _read_parameter(value, path, dimensions, problems)
        return SectionNode(
            {
                key: read_tree(inner, (*path, key), dimensions, problems)
                for key, inner in value.items()
            }
        )
    if isinstance(value, list):
        children = [
            read_tree(inner, (*path, position), dimensions, problems)
            for position, inner in enumerate(value)
        ]
        return ListNode(tuple(children))
    return ValueNode(value)


def _read_parameter(
    value: Mapping[str, Any],
    path: KeyPath,
    dimensions: list[tuple[KeyPath, Parameter]],
    problems: list[Problem],
) -> Node:
    try:
        parameter = parameter_from(value)
    except SpaceError as err:
        problems += [replace(one, path=(*path, *one.path)) for one in err.problems]
        _read_options(value.get("choice"), path, [], problems)  # for what is wrong in them
        return ValueNode(None)
    dimension = len(dimensions)
    dimensions.append((path, parameter))
    if not isinstance(parameter, Choice):
        return RangeNode(parameter, dimension, path)
    options = _read_options(list(parameter.options), path, dimensions, problems)
    return ChoiceNode(parameter, options, dimension, path)


def _read_options(
    options: Any,
    path: KeyPath,
    dimensions: list[tuple[KeyPath, Parameter]],
    problems: list[Problem],
) -> tuple[Node, ...]:
    if not isinstance(options, list):
        return ()
    return tuple(
        read_tree(option, (*path, "choice", position), dimensions, problems)
        for position, option in enumerate(options)
    )
