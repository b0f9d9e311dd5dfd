"""Hard constraints between parameters, written as expressions over dotted key paths.

`model.hidden_layers * model.hidden_units <= 512`. The expression language is arithmetic,
comparison, membership and logic; nothing else of Python can be reached.
"""

from __future__ import annotations

import ast
import operator
import warnings
from collections.abc import Callable, Mapping
from typing import Any

from sweeps.search_spaces.problems import Problem, SpaceError

__all__ = ["Constraint"]

_BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
}
_COMPARISONS: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: lambda item, group: item in group,
    ast.NotIn: lambda item, group: item not in group,
}
_UNARY: dict[type[ast.unaryop], Callable[[Any], Any]] = {
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
    ast.Not: operator.not_,
}
_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "min": min,
    "max": max,
    "abs": abs,
    "sum": sum,
    "len": len,
}
_OF_ONE = frozenset({"abs", "sum", "len"})
_WORDS = {"true": True, "false": False, "null": None, "none": None}
# A power can fill the memory: 9 ** 9 ** 9 has 370 million digits.
_LARGEST_EXPONENT = 64
_MOST_BITS = 4096
_LONGEST_TEXT = 2000
_MOST_LEVELS = 50


class Constraint:
    """One expression that a configuration must make true.

    Attributes:
        text: The expression as it was written.
        names: The dotted key paths in it.
    """

    def __init__(self, text: str) -> None:
        """Read an expression.

        Raises:
            SpaceError: It is none, or uses more of Python than the expression language has.
        """
        self.text = text
        if len(text) > _LONGEST_TEXT:
            raise _wrong(text, f"a constraint must have at most {_LONGEST_TEXT} characters")
        if not text.strip():
            raise _wrong(text, "a constraint must not be empty")
        try:
            self._tree = _parsed(text)
            self.names = frozenset(_names(self._tree, _MOST_LEVELS))
        except SyntaxError as err:
            raise _wrong(text, f"{err.msg} at {_column(err, text)} of {text!r}") from err
        except (RecursionError, MemoryError) as err:
            raise _wrong(text, "too deeply nested") from err
        except (TypeError, ValueError, ArithmeticError) as err:
            raise _wrong(text, f"{text!r} cannot be read: {err}") from err

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Constraint) and other.text == self.text

    def __hash__(self) -> int:
        return hash(self.text)

    def __repr__(self) -> str:
        return f"Constraint({self.text!r})"

    def holds(self, configuration: Mapping[str, Any]) -> bool:
        """Return whether a configuration keeps this constraint.

        A constraint that names a key which this configuration does not have (one inside another
        option of a choice) does not apply to it, and holds.

        Raises:
            SpaceError: The values cannot be computed with (a text in a sum, a division by zero),
                or what comes out is neither true nor false.
        """
        values: dict[str, Any] = {}
        for name in self.names:
            found, value = _look_up(configuration, name)
            if not found:
                return True
            values[name] = value
        try:
            verdict = _value(self._tree, values)
            if not isinstance(verdict, bool):
                raise TypeError(f"{verdict!r} is the result, which is neither true nor false")
            return verdict
        except (TypeError, ValueError, ArithmeticError) as err:
            shown = ", ".join(f"{name} = {values[name]!r}" for name in sorted(values))
            rule = f"{self.text!r} cannot be evaluated: {err}"
            raise _wrong(self.text, f"{rule}, with {shown}" if shown else rule) from err


def _parsed(text: str) -> ast.expr:
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # of a text such as '\\d': refused, not printed
        return ast.parse(text.replace("\n", " ").strip(), mode="eval").body


def _column(error: SyntaxError, text: str) -> str:
    """Return `character 3` (1-based), or `the end` where the parser ran out of text."""
    if not error.offset:
        return "the end"
    return f"character {error.offset + len(text) - len(text.lstrip())}"


def _names(node: ast.expr, levels: int) -> list[str]:
    """Return the dotted names in a tree; raises ValueError on what the language has not."""
    if levels == 0:
        raise RecursionError
    name = _dotted(node)
    if name is not None:
        if any(part.startswith("__") for part in name.split(".")):
            raise ValueError(f"{name!r} is not a key path")
        return [] if name in _WORDS else [name]
    if isinstance(node, ast.Constant):
        if isinstance(node.value, int | float | str) or node.value is None:
            return []
        raise ValueError(f"{node.value!r} is not a number, text, true, false or null")
    names = [name for inner in _parts(node) for name in _names(inner, levels - 1)]
    if isinstance(node, ast.BinOp) and not names:
        _value(node, {})  # what no configuration can repair, such as 1 / 0, is said at once
    return names


def _parts(node: ast.expr) -> list[ast.expr]:
    """Return the operands of an allowed operation."""
    if isinstance(node, ast.BoolOp):
        return node.values
    if isinstance(node, ast.BinOp) and type(node.op) in _BINARY:
        return [node.left, node.right]
    if isinstance(node, ast.UnaryOp) and type(node.op) in _UNARY:
        return [node.operand]
    if isinstance(node, ast.Compare) and all(type(op) in _COMPARISONS for op in node.ops):
        return [node.left, *node.comparators]
    if isinstance(node, ast.List | ast.Tuple):
        return node.elts
    if isinstance(node, ast.Call) and _is_known_call(node):
        return node.args
    raise ValueError(
        f"{ast.unparse(node)!r} is not allowed: a constraint may have key paths, numbers, texts, "
        f"+ - * / // % **, comparisons, in, and, or, not, {', '.join(_FUNCTIONS)}"
    )


def _is_known_call(node: ast.Call) -> bool:
    if not isinstance(node.func, ast.Name) or node.keywords:
        return False
    name, count = node.func.id, len(node.args)
    return name in _FUNCTIONS and (count == 1 if name in _OF_ONE else count >= 1)


def _dotted(node: ast.expr) -> str | None:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        parent = _dotted(node.value)
        return None if parent is None else f"{parent}.{node.attr}"
    return None


def _value(node: ast.expr, values: Mapping[str, Any]) -> Any:
    name = _dotted(node)
    if name is not None:
        return values[name] if name in values else _WORDS[name]
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.BoolOp):
        return _first_that_decides(node, values)
    if isinstance(node, ast.Compare):
        return _compared(node, values)
    parts = [_value(inner, values) for inner in _parts(node)]
    if isinstance(node, ast.BinOp):
        return _calculated(node.op, *map(_number, parts))
    if isinstance(node, ast.UnaryOp):
        operand = parts[0] if isinstance(node.op, ast.Not) else _number(parts[0])
        return _UNARY[type(node.op)](operand)
    if isinstance(node, ast.Call):
        return _FUNCTIONS[node.func.id](*parts)  # type: ignore[attr-defined]
    return parts


def _first_that_decides(node: ast.BoolOp, values: Mapping[str, Any]) -> Any:
    """Return the first operand that settles an `and` or `or`, as Python does; later ones rest."""
    for inner in node.values[:-1]:
        found = _value(inner, values)
        if bool(found) == isinstance(node.op, ast.Or):
            return found
    return _value(node.values[-1], values)


def _calculated(op: ast.operator, left: float, right: float) -> Any:
    if isinstance(op, ast.Pow):
        if abs(right) > _LARGEST_EXPONENT:
            raise ValueError(f"an exponent must be at most {_LARGEST_EXPONENT}")
        if isinstance(left, int) and left.bit_length() * abs(right) > _MOST_BITS:
            raise ValueError(f"a power must have at most {_MOST_BITS:,} bits")
    try:
        return _BINARY[type(op)](left, right)
    except OverflowError as err:  # whose own words differ between systems
        raise ValueError("the result is too large") from err


def _number(value: Any) -> Any:
    """Return `value` if it is a number: "a" * 10 ** 12 and "%1000000d" % 1 fill the memory."""
    if not isinstance(value, int | float):
        raise TypeError(f"{value!r} is not a number")
    return value


def _compared(node: ast.Compare, values: Mapping[str, Any]) -> bool:
    left = _value(node.left, values)
    for op, comparator in zip(node.ops, node.comparators, strict=True):
        right = _value(comparator, values)
        if not _COMPARISONS[type(op)](left, right):
            return False
        left = right
    return True


def _look_up(configuration: Mapping[str, Any], name: str) -> tuple[bool, Any]:
    value: Any = configuration
    for key in name.split("."):
        if not isinstance(value, Mapping) or key not in value:
            return False, None
        value = value[key]
    return True, value


def _wrong(text: str, rule: str) -> SpaceError:
    return SpaceError([Problem((), text, rule)])
