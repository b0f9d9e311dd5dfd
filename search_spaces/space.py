"""A search space: a configuration in which any value, or any section, may be a parameter.

Nothing here knows what the keys mean; a space only says which configurations there are.
"""

from __future__ import annotations

import copy
import itertools
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from sweeps.search_spaces.parameters import Choice, FloatRange, IntRange, Normal, Parameter
from sweeps.search_spaces.problems import KeyPath, Problem, SpaceError
from sweeps.search_spaces.reading_back import Complete, read_back
from sweeps.search_spaces.space_tree import (
    ChoiceNode,
    ListNode,
    Node,
    RangeNode,
    SectionNode,
    ValueNode,
    read_tree,
)

__all__ = ["Space", "configuration_path"]

Configuration = dict[str, Any]


class Space:
    """All configurations that a `space:` section describes.

    Attributes:
        template: The section as it was written.
        dimensions: (path, parameter) of every parameter, those inside unchosen options included,
            in document order; point i of a configuration belongs to dimension i.
    """

    def __init__(self, template: Mapping[str, Any]) -> None:
        """Read a template.

        Raises:
            SpaceError: Everything that is wrong with its parameters, with paths in the template.
        """
        self.template = dict(template)
        dimensions: list[tuple[KeyPath, Parameter]] = []
        problems: list[Problem] = []
        self._root = read_tree(self.template, (), dimensions, problems)
        if problems:
            raise SpaceError(problems)
        if not _is_always_section(self._root):
            rule = "every configuration must be a mapping of keys"
            raise SpaceError([Problem((), self.template, rule, hint="write `key: {float: ...}`")])
        self.dimensions = tuple(dimensions)

    def configuration(self, point: Sequence[float]) -> Configuration:
        """Return the configuration at `point`, one number in [0, 1) a dimension.

        A parameter inside an option that is not chosen is absent.
        """
        if len(point) != len(self.dimensions):
            raise ValueError(
                f"{len(self.dimensions)} dimensions need {len(self.dimensions)} numbers"
            )

        def drawn(dimension: int) -> Any:
            parameter, u = self.dimensions[dimension][1], point[dimension]
            return parameter.index_at(u) if isinstance(parameter, Choice) else parameter.at(u)

        return self.chosen(drawn)

    def chosen(self, ask: Callable[[int], Any]) -> Configuration:
        """Return the configuration that answers give.

        Args:
            ask: Returns the value of a range, or the position of a choice's option, by dimension;
                asked in document order, and only of parameters that the configuration has.
        """
        return dict(_resolve(self._root, ask))

    def grid(self) -> Iterator[Configuration]:
        """Return an iterator over all combinations of finite values, the last parameter fastest.

        Each comes once, those included that options of a choice have in common.

        Raises:
            SpaceError: A continuous range has no `points`; all such are named.
        """
        self._refuse_continuous()
        return _without_doubles(_grid(self._root))

    def grid_size(self) -> int:
        """Return how many combinations a grid has, doubles from nested choices included.

        Raises:
            SpaceError: A continuous range has no `points`.
        """
        self._refuse_continuous()
        return _size(self._root)

    def cardinality(self) -> int | None:
        """Return how many configurations can be drawn at most; None for a continuous space."""
        return _cardinality(self._root)

    def representatives(self) -> Iterator[tuple[Configuration, KeyPath | None]]:
        """Yield configurations that together show every option and both ends of every range.

        One parameter is varied at a time, from the first option and the low end of all others.
        With each comes the template path of what was varied; None for the first.
        """
        for configuration, varied in _variations(self._root):
            yield copy.deepcopy(configuration), varied  # the variations repeat their sections

    def template_path(self, configuration: Mapping[str, Any], path: KeyPath) -> KeyPath:
        """Return where in the template the value at `path` of a configuration comes from.

        For example ("optimizer", "lr") is ("optimizer", "choice", 0, "lr", "float", 1) where the
        first option is chosen and its high end. Keys that the template does not have stay.

        Raises:
            KeyError: The configuration is not one of this space.
        """
        return _locate(self._root, configuration, path, ())

    def values(
        self, configuration: Mapping[str, Any], complete: Complete | None = None
    ) -> list[float | None]:
        """Return the number of each dimension in a configuration; see `reading_back`."""
        return read_back(self._root, configuration, len(self.dimensions), complete)

    def _refuse_continuous(self) -> None:
        problems = [
            Problem(
                path,
                parameter.to_value(),
                "a grid needs `points` for a continuous range",
                hint="add `points: 5`, for example, or use `method: random`",
            )
            for path, parameter in self.dimensions
            if isinstance(parameter, FloatRange | Normal) and parameter.grid_size() == 0
        ]
        if problems:
            raise SpaceError(problems)


def configuration_path(path: KeyPath) -> KeyPath:
    """Return where in a configuration the parameter at `path` of the template has its value.

    Where a choice was made, a configuration has the option itself.
    """
    kept: list[str | int] = []
    at = 0
    while at < len(path):
        if path[at] == "choice" and at + 1 < len(path) and isinstance(path[at + 1], int):
            at += 2
            continue
        kept.append(path[at])
        at += 1
    return tuple(kept)


def _is_always_section(node: Node) -> bool:
    if isinstance(node, ChoiceNode):
        return all(_is_always_section(option) for option in node.options)
    return isinstance(node, SectionNode)


def _without_doubles(configurations: Iterator[Configuration]) -> Iterator[Configuration]:
    seen: set[str] = set()
    for configuration in configurations:
        key = json.dumps(configuration, sort_keys=True)
        if key not in seen:
            seen.add(key)
            yield copy.deepcopy(configuration)  # the product repeats its sections


def _resolve(node: Node, ask: Callable[[int], Any]) -> Any:
    if isinstance(node, ValueNode):
        return node.value
    if isinstance(node, RangeNode):
        return ask(node.dimension)
    if isinstance(node, ChoiceNode):
        return _resolve(node.options[ask(node.dimension)], ask)
    if isinstance(node, ListNode):
        return [_resolve(child, ask) for child in node.children]
    return {key: _resolve(child, ask) for key, child in node.children.items()}


def _grid(node: Node) -> Iterator[Any]:
    if isinstance(node, ValueNode):
        yield node.value
    elif isinstance(node, RangeNode):
        yield from node.parameter.grid()
    elif isinstance(node, ChoiceNode):
        for option in node.options:
            yield from _grid(option)
    elif isinstance(node, ListNode):
        for values in itertools.product(*(list(_grid(child)) for child in node.children)):
            yield list(values)
    else:
        inner = [list(_grid(child)) for child in node.children.values()]
        for values in itertools.product(*inner):
            yield dict(zip(node.children, values, strict=True))


def _size(node: Node) -> int:
    if isinstance(node, RangeNode):
        return node.parameter.grid_size()
    if isinstance(node, ChoiceNode):
        return sum(_size(option) for option in node.options)
    return math.prod(_size(child) for child in _children(node))


def _cardinality(node: Node) -> int | None:
    if isinstance(node, RangeNode):
        return node.parameter.cardinality()
    inner = node.options if isinstance(node, ChoiceNode) else _children(node)
    found = [_cardinality(child) for child in inner]
    finite = [count for count in found if count is not None]
    if len(finite) < len(found):
        return None
    return sum(finite) if isinstance(node, ChoiceNode) else math.prod(finite)


def _children(node: Node) -> list[Node]:
    if isinstance(node, SectionNode):
        return list(node.children.values())
    return list(node.children) if isinstance(node, ListNode) else []


def _variations(node: Node) -> Iterator[tuple[Any, KeyPath | None]]:
    """Yield the first value with None, then one value for each thing that can be varied."""
    if isinstance(node, ValueNode):
        yield node.value, None
    elif isinstance(node, RangeNode):
        low, high = node.parameter.ends()
        yield low, None
        yield high, node.path
    elif isinstance(node, ChoiceNode):
        for position, option in enumerate(node.options):
            here = (*node.path, "choice", position) if position else None
            for value, varied in _variations(option):
                yield value, varied or here
    else:
        yield from _section_variations(node)


def _section_variations(node: SectionNode | ListNode) -> Iterator[tuple[Any, KeyPath | None]]:
    is_list = isinstance(node, ListNode)
    keys = list(range(len(node.children))) if is_list else list(node.children)
    all_variations = [list(_variations(child)) for child in _children(node)]
    first = [variations[0][0] for variations in all_variations]
    yield _section(keys, first, is_list), None
    for position, variations in enumerate(all_variations):
        for value, varied in variations[1:]:
            values = [*first[:position], value, *first[position + 1 :]]
            yield _section(keys, values, is_list), varied


def _section(keys: Sequence[Any], values: list[Any], is_list: bool) -> Any:
    return values if is_list else dict(zip(keys, values, strict=True))


def _locate(node: Node, value: Any, path: KeyPath, place: KeyPath) -> KeyPath:
    if isinstance(node, ChoiceNode):
        for position, option in enumerate(node.options):
            if _matches(option, value):
                return _locate(option, value, path, (*place, "choice", position))
        raise KeyError(f"{value!r} is not an option of {'.'.join(map(str, place))}")
    if isinstance(node, RangeNode):
        return (*place, *_end_of(node.parameter, value))
    if not path or isinstance(node, ValueNode):
        return (*place, *path)
    key, rest = path[0], path[1:]
    child = _child(node, key)
    if child is None:
        return (*place, *path)
    try:
        inner = value[key]
    except (TypeError, IndexError) as err:
        raise KeyError(f"{value!r} has no {key!r}, which {'.'.join(map(str, place))} has") from err
    return _locate(child, inner, rest, (*place, key))


def _child(node: SectionNode | ListNode, key: str | int) -> Node | None:
    if isinstance(node, SectionNode):
        return node.children.get(key) if isinstance(key, str) else None
    is_position = isinstance(key, int) and 0 <= key < len(node.children)
    return node.children[int(key)] if is_position else None


def _end_of(parameter: FloatRange | IntRange | Normal, value: Any) -> KeyPath:
    """Return the path of the bound that `value` is, or of the range."""
    if isinstance(parameter, Normal):
        if value in (parameter.low, parameter.high):
            return ("low",) if value == parameter.low else ("high",)
        return ("lognormal" if parameter.log else "normal",)
    kind = "int" if isinstance(parameter, IntRange) else "float"
    ends = parameter.ends()
    return (kind, ends.index(value)) if value in ends else (kind,)


def _matches(node: Node, value: Any) -> bool:
    """Return whether `value` can have come from `node`."""
    if isinstance(node, ValueNode):
        return type(node.value) is type(value) and bool(node.value == value)
    if isinstance(node, RangeNode):
        return node.parameter.contains(value)
    if isinstance(node, ChoiceNode):
        return any(_matches(option, value) for option in node.options)
    if isinstance(node, ListNode):
        return (
            isinstance(value, list)
            and len(value) == len(node.children)
            and all(map(_matches, node.children, value))
        )
    return (
        isinstance(value, Mapping)
        and set(value) == set(node.children)
        and all(_matches(child, value[key]) for key, child in node.children.items())
    )
