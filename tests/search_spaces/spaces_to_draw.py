"""Parameters with their legal values written out by hand, and strategies of random templates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st

__all__ = ["FINITE", "QUICK", "is_legal", "templates"]

QUICK = settings(max_examples=60)

# (template, all legal values in a grid's order)
FINITE: dict[str, tuple[dict[str, Any], list[Any]]] = {
    "int": ({"int": [-1, 3]}, [-1, 0, 1, 2, 3]),
    "int with step": ({"int": [1, 9], "step": 4}, [1, 5, 9]),
    "log int": ({"int": [1, 6], "log": True}, [1, 2, 3, 4, 5, 6]),
    "log int with step": ({"int": [8, 40], "step": 8, "log": True}, [8, 16, 24, 32, 40]),
    "log int with a wide step": ({"int": [1, 31], "step": 10, "log": True}, [1, 11, 21, 31]),
    "float with step": ({"float": [0.1, 0.5], "step": 0.1}, [0.1, 0.2, 0.3, 0.4, 0.5]),
    "float with step across 0": (
        {"float": [-0.3, 0.3], "step": 0.1},
        [-0.3, -0.2, -0.1, 0.0, 0.1, 0.2, 0.3],
    ),
    "choice of words": ({"choice": ["relu", "tanh"]}, ["relu", "tanh"]),
    "choice of mixed kinds": ({"choice": [None, True, 1, 0.5]}, [None, True, 1, 0.5]),
    "weighted choice": ({"choice": [32, 64, 128], "weights": [1, 2, 1]}, [32, 64, 128]),
    "choice of lists": ({"choice": [[16, 16], [32]]}, [[16, 16], [32]]),
    "choice of sections": (
        {"choice": [{"kind": "sgd", "momentum": {"choice": [0.0, 0.9]}}, {"kind": "adam"}]},
        [{"kind": "sgd", "momentum": 0.0}, {"kind": "sgd", "momentum": 0.9}, {"kind": "adam"}],
    ),
    "choice of ranges": ({"choice": [{"int": [1, 2]}, {"int": [8, 9]}]}, [1, 2, 8, 9]),
}


def is_legal(template: Any, value: Any) -> bool:
    """Return whether `value` can come from `template`: the definition, written out once more."""
    if isinstance(template, Mapping) and "choice" in template:
        return any(is_legal(option, value) for option in template["choice"])
    if isinstance(template, Mapping) and ("int" in template or "float" in template):
        low, high = template.get("int") or template["float"]
        return type(value) is (int if "int" in template else float) and low <= value <= high
    if isinstance(template, Mapping) and ("normal" in template or "lognormal" in template):
        low = template.get("low", 0.0 if "lognormal" in template else -1e300)
        return type(value) is float and low <= value <= template.get("high", 1e300)
    if isinstance(template, Mapping):
        return (
            isinstance(value, dict)
            and list(value) == list(template)
            and all(is_legal(template[key], value[key]) for key in template)
        )
    if isinstance(template, list):
        return (
            isinstance(value, list)
            and len(value) == len(template)
            and all(map(is_legal, template, value))
        )
    return type(value) is type(template) and bool(value == template)


def _bounds(smallest: int, width: int) -> list[int]:
    return [smallest, smallest + width]


_INTS = st.builds(_bounds, st.integers(1, 50), st.integers(1, 4))
_RANGES = st.one_of(
    st.builds(lambda bounds, log: {"int": bounds, "log": log}, _INTS, st.booleans()),
    st.builds(lambda bounds: {"float": [float(bound) for bound in bounds], "points": 3}, _INTS),
    st.builds(lambda mean, std: {"normal": [mean, std], "points": 2}, *2 * [st.integers(1, 4)]),
    st.builds(
        lambda low, n: {"float": [low, low + n * 0.5], "step": 0.5}, *2 * [st.integers(1, 4)]
    ),
)
_SCALARS = st.one_of(st.none(), st.booleans(), st.integers(-9, 9), st.sampled_from(["on", "x", ""]))


def _different(options: list[Any]) -> list[Any]:
    return [option for i, option in enumerate(options) if option not in options[:i]]


def _containers(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    options = st.lists(inner, min_size=1, max_size=3).map(_different)
    return st.one_of(
        st.builds(lambda found: {"choice": found}, options),
        st.dictionaries(st.sampled_from("abcd"), inner, min_size=1, max_size=2),
        st.lists(inner, min_size=1, max_size=2),
    )


_TREES = st.recursive(st.one_of(_SCALARS, _RANGES), _containers, max_leaves=5)


def templates() -> st.SearchStrategy[dict[str, Any]]:
    """Return templates of one to three keys, with parameters nested in choices and lists."""
    return st.dictionaries(st.sampled_from(["p", "q", "r"]), _TREES, min_size=1, max_size=3)
