"""The state_dict of any torch optimizer as tensors by name, and back, bit for bit.

Its tensors keep their places in it as names; all else becomes JSON, whose bytes are one more
tensor. Nothing is pickled.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from sweeps.models.errors import NetError

__all__ = ["state_from_tensors", "state_tensors"]

_REST = "rest"


def state_tensors(state: Mapping[str, Any]) -> dict[str, Tensor]:
    """Return a state_dict as tensors by name.

    Raises:
        NetError: it holds what is neither tensor, number, text, list nor dictionary.
    """
    tensors: dict[str, Tensor] = {}
    text = json.dumps(_encoded(state, "state", tensors)).encode()
    return {**tensors, _REST: torch.frombuffer(bytearray(text), dtype=torch.uint8)}


def state_from_tensors(named: Mapping[str, Tensor]) -> dict[str, Any]:
    """Return the state_dict of which `state_tensors` were taken.

    Raises:
        KeyError: a tensor is missing.
    """
    rest = json.loads(bytes(named[_REST].tolist()))
    state: dict[str, Any] = _decoded(rest, named)
    return state


def _encoded(value: Any, place: str, tensors: dict[str, Tensor]) -> Any:
    """Return JSON for a value, whose tensors are put into `tensors` by their places."""
    if isinstance(value, Tensor):
        tensors[place] = value
        return {"tensor": place}
    if isinstance(value, Mapping):
        # As pairs: keys may be numbers, which JSON would make text of.
        pairs = [[key, _encoded(one, f"{place}/{key}", tensors)] for key, one in value.items()]
        return {"pairs": pairs}
    if isinstance(value, list | tuple):
        kind = "list" if isinstance(value, list) else "tuple"
        return {kind: [_encoded(one, f"{place}/{at}", tensors) for at, one in enumerate(value)]}
    if value is None or type(value) in (bool, int, float, str):
        return value
    raise NetError(
        f"the state of an optimizer must be tensors, numbers and strings, so that a trial can be "
        f"resumed; {place} is of type {type(value).__name__}",
        key=("optimizer", "target"),
        is_permanent=True,
    )


def _decoded(value: Any, named: Mapping[str, Tensor]) -> Any:
    if not isinstance(value, dict):
        return value
    ((kind, inner),) = value.items()
    if kind == "tensor":
        return named[inner]
    if kind == "pairs":
        return {key: _decoded(one, named) for key, one in inner}
    items = [_decoded(one, named) for one in inner]
    return items if kind == "list" else tuple(items)
