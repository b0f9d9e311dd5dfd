"""Functions and classes of torch, numpy, Python and ours that a trial's net may replace.

Names that are added are let be, as parts of torch are imported late; a method that is added to a
class is not where it hides one of the class's bases.
"""

from __future__ import annotations

import builtins
import math
import operator
import random
import sys
import time
from collections.abc import Iterator, Mapping
from types import CodeType, ModuleType
from typing import Any

import numpy as np
import torch
from torch import _compile, nn

__all__ = ["Originals"]

_MISSING: Any = object()
_ROOTS = (torch, torch._C._nn, torch.linalg, torch.random, torch.special, np, np.linalg,
          np.random, math, random, time, builtins)  # fmt: skip
_FAMILIES = ("torch.nn.", "torch.optim", "torch.autograd.", "sweeps.")
# Python writes these itself.
_PYTHONS = {"__doc__", "_abc_impl", "__abstractmethods__", "__annotations__", "__weakref__"}


class _AtOnce:
    """Compares a table's thousands of names in C: after each trial there are 0.2 ms for all."""

    def __init__(self, were: Mapping[str, Any]) -> None:
        self._get = operator.itemgetter(*were) if len(were) > 1 else None
        self._values = tuple(were.values())

    def are_same(self, now: Mapping[str, Any]) -> bool:
        """Return whether all are as they were; False where it takes a closer look."""
        try:
            return self._get is not None and bool(self._get(now) == self._values)
        except Exception:  # a name is gone, or its value cannot be compared
            return False


class Originals:
    """What the names stood for when this was made; a name is `module.name` or `class.name`."""

    def __init__(self) -> None:
        self._owners: dict[str, Any] = {"sys.modules": sys.modules}
        self._owners |= {owner.__name__: owner for owner in (*_ROOTS, *_families())}
        self._owners |= {f"{cls.__module__}.{cls.__name__}": cls for cls in _classes()}
        self._were = {name: _names(owner) for name, owner in self._owners.items()}
        self._sizes = {name: len(_table(owner)) for name, owner in self._owners.items()}
        self._at_once = {name: _AtOnce(were) for name, were in self._were.items()}

    def changes(self) -> dict[tuple[str, str], Any]:
        """Return what another thing stands under now, by owner and name."""
        return {
            (owner, name): value
            for owner, were in self._were.items()
            for name, value in self._changed(owner, were)
        }

    def _changed(self, name: str, were: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
        owner = self._owners[name]
        now = _table(owner)
        if not self._at_once[name].are_same(now):
            yield from _replaced(now, were)
        if isinstance(owner, type) and len(now) != self._sizes[name]:
            added = now.keys() - were.keys() - _PYTHONS
            yield from ((name, now[name]) for name in added if _hides(owner, name))

    def put(self, values: Mapping[tuple[str, str], Any]) -> None:
        """Have names stand for these values."""
        for (owner, name), value in values.items():
            _put(self._owners[owner], name, value)

    def put_back(self, names: Mapping[tuple[str, str], Any]) -> None:
        """Have these names stand for what they did."""
        self.put({key: self._were[key[0]].get(key[1], _MISSING) for key in names})


def _families() -> Iterator[ModuleType]:
    for name, module in tuple(sys.modules.items()):
        if name.startswith(_FAMILIES) and isinstance(module, ModuleType):
            yield module


def _classes() -> set[type]:
    own = {cls for cls in vars(nn).values() if isinstance(cls, type)}
    return own | {torch.Tensor, nn.Module, torch.optim.Optimizer, torch.autograd.Function}


def _table(owner: Any) -> Mapping[str, Any]:
    return owner if isinstance(owner, dict) else vars(owner)


def _names(owner: Any) -> dict[str, Any]:
    if isinstance(owner, ModuleType):
        return {name: value for name, value in vars(owner).items() if callable(value)}
    return {name: value for name, value in _table(owner).items() if name not in _PYTHONS}


def _replaced(now: Mapping[str, Any], were: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in were.items():
        other = now.get(name, _MISSING)
        if other is not value and not _is_torchs(other, value):
            yield name, other


def _hides(owner: type, name: str) -> bool:
    return any(name in vars(base) for base in owner.__mro__[1:])


def _is_torchs(value: Any, original: Any) -> bool:
    """Return whether torch's compiler, which is imported late, has wrapped a function of torch."""
    code = getattr(value, "__code__", None)
    is_torchs = isinstance(code, CodeType) and code.co_filename == _compile.__file__
    return is_torchs and getattr(value, "__wrapped__", None) is original


def _put(owner: Any, name: str, value: Any) -> None:
    if isinstance(owner, dict):
        owner[name] = value
    elif value is not _MISSING:
        setattr(owner, name, value)
    elif name in vars(owner):
        delattr(owner, name)
