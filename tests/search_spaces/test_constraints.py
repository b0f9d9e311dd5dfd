"""Constraints: Python's own arithmetic and logic, and nothing else of Python."""

from __future__ import annotations

import operator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweeps.search_spaces.constraints import Constraint
from sweeps.search_spaces.problems import SpaceError
from tests.search_spaces.spaces_to_draw import QUICK

NET = {
    "model": {"kind": "mlp", "layers": 3, "units": 64, "dropout": 0.5, "norm": None, "bias": True},
    "sizes": [8, 4],
}
numbers = st.integers(-20, 20)


@pytest.mark.parametrize(("text", "expected"), [
    ("model.layers * model.units <= 192", True),
    ("model.layers * model.units < 192", False),
    ("2 + 3 * model.layers == 11", True),
    ("(2 + 3) * model.layers == 15", True),
    ("-model.layers ** 2 == -9", True),
    ("2 ** model.layers ** 2 == 512", True),
    ("model.units - 4 - 4 == 56", True),
    ("model.units // 10 % 4 == 2", True),
    ("model.units / 10 == 6.4", True),
    ("1 < model.layers <= 3 < model.units", True),
    ("1 < model.layers < 3 < model.units", False),
    ("model.kind in ['mlp', 'cnn']", True),
    ("model.kind not in ('mlp', 'cnn')", False),
    ("model.layers in sizes", False),
    ("8 in sizes", True),
    ("'ml' in model.kind", True),
    ("model.kind == 'mlp' and model.layers > 5", False),
    ("model.kind == 'cnn' or model.layers == 3", True),
    ("not model.kind == 'mlp' or model.layers == 3", True),
    ("model.kind == 'mlp' or model.layers == 0 and model.units == 0", True),
    ("model.norm == null and model.norm == None", True),
    ("model.bias == true and not false", True),
    ("model.bias", True),
    ("min(model.layers, model.units) == 3 and max(sizes) == 8", True),
    ("abs(model.layers - model.units) == 61", True),
    ("sum(sizes) == 12 and len(sizes) == 2", True),
    ("model.layers < 5\n  and model.units < 65\n", True),
    ("model != 3", True),
    ("max(-model.units, model.layers * 2 ** -1) == +1.5", True),
])  # fmt: skip
def test_an_expression_is_read_as_python_reads_it(text: str, expected: bool) -> None:
    assert Constraint(text).holds(NET) is expected


@QUICK
@given(values=st.tuples(numbers, numbers, numbers, numbers))
def test_arithmetic_and_chains_agree_with_python(values: tuple[int, int, int, int]) -> None:
    a, b, c, d = values
    given_values = {"s": {"a": a, "b": b}, "c": c, "d": d}
    assert Constraint("s.a - s.b * c <= d < s.a + 5").holds(given_values) is (
        a - b * c <= d < a + 5
    )
    logic = (a > b and not c > d) or a == d
    assert Constraint("s.a > s.b and not c > d or s.a == d").holds(given_values) is logic


@QUICK
@given(a=numbers, b=numbers.filter(bool))
@pytest.mark.parametrize(("sign", "reference"), [
    ("+", operator.add), ("-", operator.sub), ("*", operator.mul),
    ("/", operator.truediv), ("//", operator.floordiv), ("%", operator.mod),
])  # fmt: skip
def test_each_operator_is_pythons(sign: str, reference: Any, a: int, b: int) -> None:
    assert Constraint(f"a {sign} b == c").holds({"a": a, "b": b, "c": reference(a, b)})
    assert not Constraint(f"a {sign} b < c").holds({"a": a, "b": b, "c": reference(a, b)})


@pytest.mark.parametrize("text", [
    "optimizer.momentum > 0.5", "model.units.deep == 1", "model.units < 3 and optimizer.x == 1",
])  # fmt: skip
def test_a_constraint_on_a_missing_key_holds(text: str) -> None:
    assert Constraint(text).holds(NET) is True


@pytest.mark.parametrize(("text", "expected"), [
    ("n != 0 and 6 / n > 1", False),
    ("n == 0 or 6 / n > 1", True),
    ("0 > n > 6 / n", False),
    ("(n or 2) * 3 == 6", True),
    ("(n and 2) == 0", True),
    ("(5 or 2) * 3 == 15", True),
])  # fmt: skip
def test_and_and_or_stop_early_and_give_the_deciding_value(text: str, expected: bool) -> None:
    assert Constraint(text).holds({"n": 0}) is expected


@pytest.mark.parametrize(("text", "reason"), [
    ("model.units / (model.layers - 3) > 1", "by zero, with model.layers = 3, model.units = 64"),
    ("model.units % (model.layers - 3) == 1", "by zero"),
    ("model.kind * 2 == 'mlpmlp'", "'mlp' is not a number, with model.kind = 'mlp'"),
    ("model.kind % 5 == 'x'", "'mlp' is not a number"),
    ("-model.kind == 3", "'mlp' is not a number"),
    ("sizes + sizes == 3", "[8, 4] is not a number"),
    ("model.norm + 1 > 2", "None is not a number, with model.norm = None"),
    ("model.norm < 3", "'<' not supported between instances of 'NoneType' and 'int'"),
    ("model.kind > 3", "'>' not supported between instances of 'str' and 'int'"),
    ("3 in model.layers", "is not iterable"),
    ("model.layers * 2", "6 is the result, which is neither true nor false"),
    ("model.kind", "'mlp' is the result, which is neither true nor false"),
    ("2 ** model.units ** 2 > 1", "an exponent must be at most 64"),
    ("((model.units ** 60) ** 60) ** 60 > 1", "a power must have at most 4,096 bits"),
    ("2.0 ** 60 ** model.layers > 1", "an exponent must be at most 64"),
    ("(model.units * 1e300) ** 60 > 1", "cannot be evaluated: the result is too large"),
    ("(-model.units) ** 0.5 > 1", "not supported between instances of 'complex' and 'int'"),
])  # fmt: skip
def test_what_cannot_be_computed_is_said_with_the_values(text: str, reason: str) -> None:
    with pytest.raises(SpaceError) as caught:
        Constraint(text).holds(NET)
    assert f"{text!r} cannot be evaluated: " in str(caught.value)
    assert reason in str(caught.value)
    assert caught.value.problems[0].value == text


@pytest.mark.parametrize("text", [
    "print(a)", "a.b() > 1", "''.join(a) == 'x'", "open('f') == 1", "__import__('os') == 1",
    "min(a, key=b) < 1", "min(*a) < 1", "min() < 1", "abs(a, b) < 1", "min(a)(b) < 1",
    "sum(1, 2) < 4", "len() < 1",
    "a[0] > 1", "a[1:2] > 1", "(1).real > 1", "(a + b).c > 1", "'x'.y == 1",
    "lambda: a", "[x for x in a]", "any(x for x in a)", "{x: 1 for x in a}",
    "f'{a}' == 'x'", "a if b else c", "(a := 3) > 1", "{1: 2} == a", "{1, 2} == a",
    "a is b", "a is not b", "~a == 1", "a << 3 == 1", "a | b", "a @ b == 1", "[*a] == b",
    "await_(a)",
])  # fmt: skip
def test_other_python_is_refused(text: str) -> None:
    with pytest.raises(
        SpaceError, match=r"is not allowed: a constraint may have key paths, numbers"
    ):
        Constraint(text)


@pytest.mark.parametrize(("text", "reason"), [
    ("", "a constraint must not be empty"),
    ("  \n", "a constraint must not be empty"),
    ("a = 3", "at character 3 of 'a = 3'"),
    ("  a = 3", "at character 5 of '  a = 3'"),
    ("\n a < 3 = b", "at character 9 of"),
    ("a <", "invalid syntax at the end of 'a <'"),
    ("a == '\\d'", "invalid escape sequence"),
    ("a > 1or b", "invalid decimal literal"),
    ("a < 3; b", "invalid syntax"),
    ("import os", "invalid syntax"),
    ("(a < 3", "was never closed"),
    ("a\0", "null bytes"),
    ("a.__class__ == 1", "'a.__class__' is not a key path"),
    ("__builtins__ == 1", "'__builtins__' is not a key path"),
    ("a == b'x'", "b'x' is not a number, text, true, false or null"),
    ("a == 1j", "1j is not a number, text, true, false or null"),
    ("a == ...", "Ellipsis is not a number, text, true, false or null"),
    ("9 ** 9 ** 9 > a", "an exponent must be at most 64"),
    ("(9 ** 64) ** 64 > a", "a power must have at most 4,096 bits"),
    ("a > 1 / 0", "division by zero"),
    ("'%1000000000d' % 1 == a", "is not a number"),
    ("'a' * 1000000000000 == a", "'a' is not a number"),
    ("[0] * 1000000000000 == a", "[0] is not a number"),
    ("not " * 400 + "a", "too deeply nested"),
    ("-" * 1900 + "a", "too deeply nested"),
    ("+".join("a" * 900), "too deeply nested"),
    ("(" * 900 + "a" + ")" * 900, "too"),
    ("a" * 2001, "a constraint must have at most 2000 characters"),
])  # fmt: skip
def test_what_is_no_constraint_is_refused_with_its_reason(text: str, reason: str) -> None:
    with pytest.raises(SpaceError) as caught:
        Constraint(text)
    assert reason in str(caught.value)
    assert caught.value.problems[0].path == ()


@pytest.mark.parametrize(("text", "names"), [
    ("model.layers * model.units <= 512", {"model.layers", "model.units"}),
    ("min(a, b.c) in [d, 3, 'e', true, None]", {"a", "b.c", "d"}),
    ("1 < 2", set()),
    ("minimum < 3", {"minimum"}),
])  # fmt: skip
def test_the_key_paths_are_known(text: str, names: set[str]) -> None:
    assert Constraint(text).names == names


def test_constraints_are_equal_by_text() -> None:
    assert len({Constraint("a < 1"), Constraint("a < 1"), Constraint("a < 2")}) == 2
    assert repr(Constraint("a < 1")) == "Constraint('a < 1')"
    assert Constraint("a < 1") != "a < 1"
